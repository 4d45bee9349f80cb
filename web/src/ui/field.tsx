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
