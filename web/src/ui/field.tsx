// A labelled field of a form, with a hint below it.

import type { ComponentChildren } from 'preact';

interface FieldProps {
  id: string;
  label: string;
  hint?: string;
  alert?: boolean; // the hint says what is wrong
  children: ComponentChildren;
}

export function Field({ id, label, hint, alert = false, children }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint !== undefined && (
        <p class={alert ? 'quiet wrong' : 'quiet'} id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface CodeProps {
  id: string;
  label: string;
  hint: string;
  broken: boolean; // what it holds; the hint says so
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
}

// For a text that is JSON.
export function CodeField(props: CodeProps) {
  const { id, label, hint, broken, placeholder, value, onChange } = props;
  return (
    <Field id={id} label={label} hint={hint} alert={broken}>
      <textarea
        id={id}
        class="code"
        rows={5}
        spellcheck={false}
        placeholder={placeholder}
        value={value}
        aria-describedby={`${id}-hint`}
        aria-invalid={broken}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </Field>
  );
}
