// An answer that is being written. Its text grows outside the signal graph: a view takes it once a
// frame.

import type { CallPart, Usage } from '../api/client.ts';
import type { Call, Message, Stats } from './types.ts';

const kSpeedWindowMs = 2000;

export class LiveAnswer {
  readonly controller = new AbortController();
  readonly start: number; // text that was there before (Continue)
  text: string;
  reasoning = '';
  calls: Call[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly startedAt = performance.now();
  private readonly arrivals: number[] = []; // of the last two seconds, ms
  private firstAt = 0;
  private pieces = 0;

  constructor(text: string) {
    this.text = text;
    this.start = text.length;
  }

  add(text: string): void {
    if (text === '') return;
    this.text += text;
    this.count();
  }

  think(text: string): void {
    this.reasoning += text;
    this.count();
  }

  // Whole calls, or their pieces in order.
  call(parts: readonly CallPart[]): void {
    for (const { index, id, name, arguments: text } of parts) {
      const call = (this.calls[index] ??= { id, name, arguments: '' });
      call.arguments += text;
    }
    this.count();
  }

  // What of a message has come so far.
  told(): Pick<Message, 'content' | 'reasoning' | 'calls'> {
    return {
      content: this.text,
      ...(this.reasoning === '' ? {} : { reasoning: this.reasoning }),
      ...(this.calls.length === 0 ? {} : { calls: this.calls.filter(({ name }) => name !== '') }),
    };
  }

  private count(): void {
    const now = performance.now();
    if (this.pieces++ === 0) this.firstAt = now;
    this.arrivals.push(now);
    while (now - (this.arrivals[0] ?? now) > kSpeedWindowMs) this.arrivals.shift();
    for (const watcher of this.watchers) watcher();
  }

  // Calls back on every piece of text, until the returned function is called.
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  // Pieces a second over the last two seconds; a piece is about a token.
  speed(): number {
    const now = performance.now();
    const recent = this.arrivals.filter((at) => now - at <= kSpeedWindowMs);
    const since = now - (recent[0] ?? now);
    return recent.length < 3 || since < 100 ? 0 : ((recent.length - 1) * 1000) / since;
  }

  // Figures for the quiet line below the answer; exact counts where the server gave them.
  stats(usage: Usage | undefined): Stats {
    const tokens = usage?.completionTokens ?? this.pieces;
    const seconds = (performance.now() - this.firstAt) / 1000;
    return {
      promptTokens: usage?.promptTokens ?? 0,
      completionTokens: tokens,
      tokensPerSecond: tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : 0,
      firstTokenSeconds: this.pieces === 0 ? 0 : (this.firstAt - this.startedAt) / 1000,
    };
  }
}
