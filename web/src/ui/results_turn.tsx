// What the calls of the answer above gave.

import { useState } from 'preact/hooks';

import { isBusy, sendResults } from '../chat/answer.ts';
import { messages } from '../chat/conversations.ts';
import { t } from '../i18n/index.ts';
import { Icon, IconButton } from './icon.tsx';
import { focusComposer } from './panels.ts';
import { ResultsForm } from './results_form.tsx';
import { VersionStepper, type TurnProps } from './turn_parts.tsx';

export function ResultsTurn(props: TurnProps) {
  const { message, number } = props;
  const [editing, setEditing] = useState(false);
  const answer = messages.value.find(({ id }) => id === message.parent);
  const calls = answer?.calls ?? [];
  const results = message.results ?? [];
  const leave = () => {
    setEditing(false);
    focusComposer();
  };
  return (
    <article class="turn results" aria-label={t('resultsTurn', { n: number })}>
      {editing && answer !== undefined ? (
        <ResultsForm
          calls={calls}
          given={results}
          onCancel={leave}
          onSend={(changed) => {
            leave();
            sendResults(answer, changed);
          }}
        />
      ) : (
        <dl>
          {results.map(({ call, content }) => (
            <div key={call}>
              <dt>
                <Icon name="back" />
                {calls.find(({ id }) => id === call)?.name}
              </dt>
              <dd>{content}</dd>
            </div>
          ))}
        </dl>
      )}
      {!editing && (
        <div class="actions">
          <VersionStepper {...props} />
          <IconButton
            icon="pencil"
            label={t('editResults')}
            onClick={() => !isBusy() && setEditing(true)}
          />
        </div>
      )}
    </article>
  );
}
