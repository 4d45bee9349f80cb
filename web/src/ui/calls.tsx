// The calls of an answer: what the model wants to have called, with fields for what they give as
// long as that is wanted.

import { isBusy, sendResults } from '../chat/answer.ts';
import type { Message } from '../chat/types.ts';
import { t } from '../i18n/index.ts';
import { CallRow } from './call_row.tsx';
import { focusComposer } from './panels.ts';
import { ResultsForm } from './results_form.tsx';

interface Props {
  message: Message;
  next: Message | undefined; // below it
}

export function Calls({ message, next }: Props) {
  const { calls } = message;
  if (calls === undefined) return null;
  if (next === undefined && !isBusy())
    return (
      <ResultsForm
        key={message.id}
        calls={calls}
        onSend={(results) => {
          sendResults(message, results);
          focusComposer();
        }}
      />
    );
  return (
    <>
      <ul class="calls" aria-label={t('calls')}>
        {calls.map((call) => (
          <li key={call.id}>
            <CallRow call={call} open={false} />
          </li>
        ))}
      </ul>
      {next?.role === 'user' && <p class="note">{t('unanswered')}</p>}
    </>
  );
}
