// Answers being written: one a conversation at most.

import { signal } from '@preact/signals';

import type { LiveAnswer } from './live.ts';

export interface Run {
  messageId: string;
  live: LiveAnswer;
}

export const running = signal<ReadonlyMap<string, Run>>(new Map());

export function setRun(conversation: string, run: Run | null): void {
  const next = new Map(running.value);
  if (run === null) next.delete(conversation);
  else next.set(conversation, run);
  running.value = next;
}
