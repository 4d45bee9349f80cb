// What both libraries' tests check of a request that is given up: the server, which answers one request at a time, is
// free for the next one.
import assert from "node:assert/strict";

// Left alone, ANSWERS long answers take minutes; the short answer behind them takes less than a second. Neither a
// machine ten times as fast nor one that is ten times as busy comes near the limit.
export const ANSWERS = 16;
const LONGEST_WAIT = 30_000; // ms

export async function assertFree(shortAnswer) {
  const start = performance.now();
  await shortAnswer();
  assert.ok(performance.now() - start < LONGEST_WAIT);
}
