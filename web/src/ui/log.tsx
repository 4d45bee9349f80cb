// The messages of the open conversation.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { currentId, messages, path } from '../chat/conversations.ts';
import { turnNumbers, versionKey, versions } from '../chat/tree.ts';
import { t } from '../i18n/index.ts';
import { AnswerTurn } from './answer_turn.tsx';
import { copyText } from './copy.ts';
import { Follower } from './follow.ts';
import { Icon } from './icon.tsx';
import { ResultsTurn } from './results_turn.tsx';
import { UserTurn } from './user_turn.tsx';
import { Welcome } from './welcome.tsx';

const kTurns = { user: UserTurn, assistant: AnswerTurn, tool: ResultsTurn };

// A long conversation shows its last turns first, the others as soon as those are painted.
const kTurnsAtOnce = 24;

function afterPaint(work: () => void): void {
  requestAnimationFrame(() => setTimeout(work, 50));
}

export function Log() {
  const log = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follower = useSignal<Follower | null>(null);
  const byTurn = useComputed(() => versions(messages.value));
  useEffect(() => {
    if (log.current === null || content.current === null) return undefined;
    const made = new Follower(log.current, content.current);
    follower.value = made;
    return () => made.close();
  }, []);
  const whole = useSignal<string | null>(null); // the conversation that is shown from its first turn on
  useEffect(() => {
    const id = currentId.value;
    if (path.value.length > kTurnsAtOnce) afterPaint(() => (whole.value = id));
    else whole.value = id;
  }, [currentId.value]);
  const first = whole.value === currentId.value ? 0 : Math.max(0, path.value.length - kTurnsAtOnce);
  const lastTurn = path.value.findLast(({ role }) => role !== 'assistant')?.id;
  const numbers = turnNumbers(path.value);
  useLayoutEffect(() => follower.value?.toEnd(), [currentId.value, lastTurn]);
  return (
    <div class="log-frame">
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label={t('log')}
        tabIndex={0}
        ref={log}
        onClick={onClick}
      >
        <div class="column" ref={content}>
          {path.value.length === 0 && <Welcome />}
          {path.value.slice(first).map((message, offset) => {
            const index = first + offset;
            const all = byTurn.value.get(versionKey(message)) ?? [message];
            const Turn = kTurns[message.role];
            return (
              <Turn
                key={`${message.conversation}/${versionKey(message)}`} // stays while versions change
                message={message}
                number={numbers[index] ?? 1}
                last={index === path.value.length - 1}
                next={path.value[index + 1]}
                version={all.indexOf(message)}
                versionCount={all.length}
              />
            );
          })}
        </div>
      </div>
      {follower.value?.away.value === true && (
        <button type="button" class="jump" onClick={() => follower.value?.toEnd()}>
          <Icon name="down" />
          {t('jump')}
        </button>
      )}
    </div>
  );
}

// The copy buttons of code blocks: made by the Markdown renderer, which knows of no handlers.
function onClick(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest('[data-copy-code]') : null;
  const code = button?.closest('figure')?.querySelector('code');
  if (button == null || code == null) return;
  void copyText(code.textContent ?? '').then(() => {
    button.setAttribute('data-copied', '');
    setTimeout(() => button.removeAttribute('data-copied'), 1500);
  });
}
