// What calls gave: written by the person, or computed by the page where they press its button.

import { useRef, useState } from 'preact/hooks';

import { settings } from '../chat/settings.ts';
import { runner } from '../chat/tools.ts';
import type { Call, CallResult } from '../chat/types.ts';
import { t } from '../i18n/index.ts';
import { CallRow } from './call_row.tsx';
import { Icon } from './icon.tsx';

interface Props {
  calls: readonly Call[];
  given?: readonly CallResult[]; // before
  onSend: (results: CallResult[]) => void;
  onCancel?: () => void;
}

export function ResultsForm({ calls, given = [], onSend, onCancel }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const [texts, setTexts] = useState(() =>
    calls.map(({ id }) => given.find(({ call }) => call === id)?.content ?? ''),
  );
  const change = (index: number, text: string) => setTexts((old) => old.with(index, text));
  const send = () => onSend(calls.map(({ id }, i) => ({ call: id, content: texts[i] ?? '' })));
  // Enter leads through the fields, and from the last one on to the model.
  const onKey = (event: KeyboardEvent, index: number) => {
    if (event.key === 'Escape' && onCancel !== undefined) onCancel();
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      const next = form.current?.querySelectorAll('textarea')[index + 1];
      if (next === undefined) send();
      else next.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      class="results-form"
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {calls.map((call, index) => {
        const run = runner(settings.value, call.name);
        return (
          <div class="result-field" key={call.id}>
            <CallRow call={call} open={onCancel === undefined} />
            <label id={`result-of-${call.id}`} for={`result-${call.id}`}>
              {t('resultOf', { name: call.name })}
            </label>
            <textarea
              id={`result-${call.id}`}
              rows={1}
              spellcheck={false}
              value={texts[index]}
              onInput={(event) => change(index, event.currentTarget.value)}
              onKeyDown={(event) => onKey(event, index)}
            />
            {run !== null && (
              <button
                type="button"
                class="small"
                aria-describedby={`result-of-${call.id}`}
                onClick={() => change(index, run(call.arguments))}
              >
                <Icon name="run" />
                {t('run')}
              </button>
            )}
          </div>
        );
      })}
      <div class="editor-actions">
        {onCancel !== undefined && (
          <button type="button" onClick={onCancel}>
            {t('cancel')}
          </button>
        )}
        <button type="submit" class="primary">
          {t('sendResults')}
        </button>
      </div>
    </form>
  );
}
