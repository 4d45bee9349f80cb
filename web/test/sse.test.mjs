// Server-sent events: the same events at every split of the bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SseParser } from '../src/api/sse.ts';

const bytes = (text) => new TextEncoder().encode(text);

function parse(...parts) {
  const parser = new SseParser();
  return parts.flatMap((part) => parser.push(part));
}

const kCases = [
  ['line feeds', 'data: {"a":1}\n\ndata: [DONE]\n\n', ['{"a":1}', '[DONE]']],
  ['carriage returns', 'data: a\r\rdata: b\r\r', ['a', 'b']],
  ['pairs', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
  ['comments and other fields', ': keep-alive\n\nevent: x\nid: 7\ndata: a\nretry: 5\n\n', ['a']],
  ['several lines of data', 'data: a\ndata: b\n\n', ['a\nb']],
  ['no space, two spaces', 'data:a\n\ndata:  b\n\n', ['a', ' b']],
  ['empty data', 'data:\n\n', ['']],
  ['more than ASCII', 'data: é 漢字 🌬️ \u2028 x\n\n', ['é 漢字 🌬️ \u2028 x']],
  ['unfinished event', 'data: a\n\ndata: b\n', ['a']],
];

for (const [name, text, events] of kCases) {
  test(`${name}: whole, in two at every place, byte by byte`, () => {
    const whole = bytes(text);
    assert.deepEqual(parse(whole), events);
    for (let at = 0; at <= whole.length; ++at) {
      assert.deepEqual(parse(whole.subarray(0, at), whole.subarray(at)), events, `split at ${at}`);
    }
    assert.deepEqual(parse(...Array.from(whole, (_, i) => whole.subarray(i, i + 1))), events);
  });
}

test('in three at every pair of places', () => {
  const whole = bytes('data: é\r\n\r\n: c\r\ndata: 🌬\r\n\r\n');
  for (let a = 0; a <= whole.length; ++a) {
    for (let b = a; b <= whole.length; ++b) {
      const parts = [whole.subarray(0, a), whole.subarray(a, b), whole.subarray(b)];
      assert.deepEqual(parse(...parts), ['é', '🌬'], `split at ${a} and ${b}`);
    }
  }
});
