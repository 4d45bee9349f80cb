// How an answer ended, where it did not end by itself: in words, with a sign, with a way on.

import { useState } from 'preact/hooks';

import type { ChatError, ErrorKind } from '../api/errors.ts';
import { regenerate } from '../chat/answer.ts';
import type { Message, MessageState } from '../chat/types.ts';
import { t, type Key } from '../i18n/index.ts';
import { useCountdown } from './countdown.ts';
import { Icon } from './icon.tsx';
import { focusComposer } from './panels.ts';

const kErrors: Record<ErrorKind, Key> = {
  network: 'errorNetwork',
  interrupted: 'interrupted',
  busy: 'errorBusy',
  unauthorised: 'errorUnauthorised',
  refused: 'errorRefused',
  server: 'errorServer',
};

const kNotes: Partial<Record<MessageState, Key>> = {
  stopped: 'stopped',
  length: 'length',
  full: 'full',
  interrupted: 'interrupted',
};

export function Outcome({ message, last }: { message: Message; last: boolean }) {
  const { error, state } = message;
  if (error !== undefined) return <Failure message={message} error={error} last={last} />;
  const note = kNotes[state];
  return note === undefined ? null : <p class={`note ${state}`}>{t(note)}</p>;
}

function Failure({ message, error, last }: { message: Message; error: ChatError; last: boolean }) {
  const [waiting, setWaiting] = useState(
    last && error.retryAt !== undefined && error.retryAt > Date.now(),
  );
  const again = () => regenerate(message);
  const press = () => {
    again();
    focusComposer();
  };
  return (
    <div class="failure" role={last ? 'alert' : undefined}>
      <Icon name="warn" />
      <div>
        <p>
          <strong>{t(kErrors[error.kind])}</strong>
          {error.status !== undefined && <span class="code"> {error.status}</span>}
        </p>
        {error.message !== '' && <p class="words">{error.message}</p>}
      </div>
      <div class="failure-actions">
        {waiting && <Countdown due={error.retryAt ?? 0} onDue={again} />}
        {waiting && (
          <button type="button" class="small" onClick={() => setWaiting(false)}>
            {t('cancel')}
          </button>
        )}
        <button type="button" class="small" onClick={press}>
          {t(waiting ? 'retryNow' : 'retry')}
        </button>
      </div>
    </div>
  );
}

function Countdown({ due, onDue }: { due: number; onDue: () => void }) {
  const seconds = useCountdown(due, onDue);
  return <span aria-live="off">{t('retryIn', { n: seconds })}</span>;
}
