// An answer: its text, how it ended, what can be done with it.

import { continueAnswer, regenerate } from '../chat/answer.ts';
import { running } from '../chat/running.ts';
import { isEmpty } from '../chat/tree.ts';
import type { Message, Stats } from '../chat/types.ts';
import { number as format, t } from '../i18n/index.ts';
import { AnswerText } from './answer_text.tsx';
import { Barb } from './barb.tsx';
import { Calls } from './calls.tsx';
import { IconButton } from './icon.tsx';
import { Outcome } from './outcome.tsx';
import { focusComposer } from './panels.ts';
import { Reasoning } from './reasoning.tsx';
import { CopyButton, VersionStepper, type TurnProps } from './turn_parts.tsx';
import { LiveSpeed } from './live_speed.tsx';

export function AnswerTurn(props: TurnProps) {
  const { message, number, last } = props;
  const run = running.value.get(message.conversation);
  const live = run?.messageId === message.id ? run.live : null;
  return (
    <article
      class="turn answer"
      aria-label={t('answerTurn', { n: number })}
      aria-busy={live !== null}
    >
      <Reasoning message={message} live={live} />
      <AnswerText message={message} live={live} />
      {live !== null && <LiveSpeed live={live} />}
      {live === null && <Calls message={message} next={props.next} />}
      {live === null && <Outcome key={message.id} message={message} last={last} />}
      {live === null && (!isEmpty(message) || props.versionCount > 1) && (
        <div class="actions">
          <VersionStepper {...props} />
          {message.content !== '' && <CopyButton text={message.content} />}
          <IconButton
            icon="again"
            label={t('regenerate')}
            onClick={() => act(() => regenerate(message))}
          />
          {canContinue(message, last) && (
            <IconButton
              icon="forward"
              label={t('continue')}
              text={t('continue')}
              onClick={() => act(() => continueAnswer(message))}
            />
          )}
          <Figures message={message} />
        </div>
      )}
    </article>
  );
}

// The button that was pressed goes away while the answer runs: the focus goes to where Stop is.
function act(action: () => void): void {
  action();
  focusComposer();
}

function canContinue(message: Message, last: boolean): boolean {
  return (
    last &&
    message.content !== '' &&
    message.calls === undefined &&
    ['length', 'stopped', 'interrupted'].includes(message.state)
  );
}

// The quiet line: model · tokens · speed · time to the first token.
function Figures({ message }: { message: Message }) {
  const { model, stats } = message;
  return (
    <p class="figures">
      {model !== undefined && <span>{model}</span>}
      {stats !== undefined && figures(stats).map((text) => <span key={text}>{text}</span>)}
      {stats !== undefined && stats.tokensPerSecond > 0 && <Barb speed={stats.tokensPerSecond} />}
    </p>
  );
}

function figures(stats: Stats): string[] {
  return [
    t('tokens', { n: stats.completionTokens }),
    ...(stats.tokensPerSecond > 0
      ? [t('speed', { n: format(stats.tokensPerSecond, stats.tokensPerSecond < 10 ? 1 : 0) })]
      : []),
    t('firstToken', { n: format(stats.firstTokenSeconds, 2) }),
  ];
}
