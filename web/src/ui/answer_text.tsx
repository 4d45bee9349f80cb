// The text of an answer as Markdown, drawn by hand: Preact owns the frame, MarkdownDocument what is
// in it.

import { useLayoutEffect, useRef } from 'preact/hooks';

import { asCode } from '../chat/format.ts';
import type { LiveAnswer } from '../chat/live.ts';
import type { Message } from '../chat/types.ts';
import { MarkdownDocument } from '../markdown/document.ts';
import { highlightWhenSeen } from '../markdown/highlighter.ts';
import { t } from '../i18n/index.ts';

const kRestPerWork = 4; // after a slow update, wait this many times as long: the page stays responsive

export function AnswerText({ message, live }: { message: Message; live: LiveAnswer | null }) {
  const frame = useRef<HTMLDivElement>(null);
  const shown = useRef<MarkdownDocument | null>(null);
  const copyLabel = t('copyCode');
  useLayoutEffect(() => {
    if (frame.current === null) return undefined;
    shown.current ??= new MarkdownDocument(frame.current, highlightWhenSeen);
    const shape = message.json ? (text: string) => (text === '' ? '' : asCode(text)) : plain;
    if (live !== null) return follow(live, shown.current, shape);
    shown.current.update(shape(message.content), true);
    return undefined;
  }, [message.content, live]);
  useLayoutEffect(() => {
    for (const button of frame.current?.querySelectorAll('[data-copy-code]') ?? []) {
      button.setAttribute('aria-label', copyLabel);
    }
  });
  return <div class="prose" ref={frame} />;
}

function plain(text: string): string {
  return text;
}

// Draws at most once a frame.
function follow(
  live: LiveAnswer,
  document: MarkdownDocument,
  shape: (text: string) => string,
): () => void {
  let request = 0;
  let resting = 0;
  const draw = () => {
    request = 0;
    const start = performance.now();
    if (start < resting) return schedule();
    document.update(shape(live.text), false);
    const end = performance.now();
    resting = end - start < 4 ? 0 : end + kRestPerWork * (end - start);
  };
  const schedule = () => {
    if (request === 0) request = requestAnimationFrame(draw);
  };
  const unwatch = live.watch(schedule);
  schedule();
  return () => {
    unwatch();
    cancelAnimationFrame(request);
  };
}
