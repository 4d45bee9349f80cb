// What the model thought before it answered: closed, since the answer is what counts.

import { useEffect, useRef } from 'preact/hooks';

import type { LiveAnswer } from '../chat/live.ts';
import type { Message } from '../chat/types.ts';
import { t } from '../i18n/index.ts';

export function Reasoning({ message, live }: { message: Message; live: LiveAnswer | null }) {
  const details = useRef<HTMLDetailsElement>(null);
  const text = useRef<HTMLParagraphElement>(null);
  // Grows outside of Preact's sight, once a frame, as the answer's text does.
  useEffect(() => {
    if (live === null) return undefined;
    let request = 0;
    const draw = () => {
      request = 0;
      if (details.current !== null) details.current.hidden = live.reasoning === '';
      if (text.current !== null) text.current.textContent = live.reasoning;
    };
    const unwatch = live.watch(() => (request ||= requestAnimationFrame(draw)));
    return () => {
      unwatch();
      cancelAnimationFrame(request);
    };
  }, [live]);
  const shown = message.reasoning ?? '';
  if (live === null && shown === '') return null;
  return (
    <details class="reasoning" ref={details} hidden={live !== null && live.reasoning === ''}>
      <summary>{t('reasoning')}</summary>
      <p ref={text}>{live === null ? shown : live.reasoning}</p>
    </details>
  );
}
