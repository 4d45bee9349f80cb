// Answers and errors as the page reads them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { streamPart } from '../src/api/client.ts';
import { ApiError, errorFields, errorOf, retryAfterSeconds } from '../src/api/errors.ts';

const chunk = (choice, more = {}) =>
  JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }], ...more });

test('chunks of a stream', () => {
  const cases = [
    [chunk({ delta: { role: 'assistant', content: '' }, finish_reason: null }), { text: '' }],
    [chunk({ delta: { content: 'a' }, finish_reason: null }), { text: 'a' }],
    [
      chunk(
        { delta: { content: 'b' }, finish_reason: 'stop' },
        { usage: { prompt_tokens: 3, completion_tokens: 2 } },
      ),
      { text: 'b', finish: 'stop', usage: { promptTokens: 3, completionTokens: 2 } },
    ],
    [
      '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}',
      { text: '', usage: { promptTokens: 1, completionTokens: 1 } },
    ],
    ['{}', { text: '' }],
    ['[]', { text: '' }],
    ['{"choices":[{"delta":{"content":7}}]}', { text: '' }],
  ];
  for (const [data, part] of cases) assert.deepEqual(streamPart(data), part, data);
});

test('an error inside a stream is an error', () => {
  const data = chunk({ delta: {}, finish_reason: 'error' }, { error: { message: 'broken' } });
  assert.throws(
    () => streamPart(data),
    (error) => error instanceof ApiError && error.info.message === 'broken',
  );
});

test('error bodies of either shape', () => {
  const cases = [
    [{ error: { message: 'a', param: 'n' } }, { message: 'a', param: 'n' }],
    [{ message: 'b', param: null }, { message: 'b' }],
    [{ detail: [{ msg: 'c' }] }, { message: 'c' }],
    [{ detail: 'd' }, { message: 'd' }],
    [{ error: 'e' }, { message: 'e' }],
    [null, { message: '' }],
    [[], { message: '' }],
    [{ message: { detail: [] } }, { message: '' }],
  ];
  for (const [body, fields] of cases)
    assert.deepEqual(errorFields(body), fields, JSON.stringify(body));
});

test('Retry-After: seconds, a date, nonsense', () => {
  const now = Date.UTC(2026, 0, 1);
  const cases = [
    ['7', 7],
    [null, 5],
    ['', 5],
    ['soon', 5],
    ['99999', 600],
    [new Date(now + 9000).toUTCString(), 9],
    [new Date(now - 9000).toUTCString(), 0],
  ];
  for (const [header, seconds] of cases)
    assert.equal(retryAfterSeconds(header, now), seconds, header);
});

test('kinds of errors', async () => {
  const cases = [
    [401, 'unauthorised'],
    [429, 'busy'],
    [503, 'busy'],
    [400, 'refused'],
    [404, 'refused'],
    [422, 'refused'],
    [500, 'server'],
    [502, 'server'],
  ];
  for (const [status, kind] of cases) {
    const { info } = await errorOf(
      new Response('<html>', { status, headers: { 'retry-after': '3' } }),
    );
    assert.equal(info.kind, kind, String(status));
    assert.equal(info.retryAt !== undefined, kind === 'busy');
    assert.equal(info.message, '<html>');
  }
});
