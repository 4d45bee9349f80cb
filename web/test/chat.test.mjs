// Conversations as trees, prompts, what is kept.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { titleFrom } from '../src/chat/conversations.ts';
import { PrefixFilter, seam } from '../src/chat/prefix.ts';
import { promptOf } from '../src/chat/prompt.ts';
import { asCode, formatOf } from '../src/chat/format.ts';
import { kDefaults, readSettings } from '../src/chat/settings.ts';
import { newestLeaf, pathTo, versionKey, versions } from '../src/chat/tree.ts';
import { barbParts } from '../src/ui/barb_parts.ts';

const message = (id, parent, role) => ({
  id,
  parent,
  role,
  content: id,
  conversation: 'c',
  created: 0,
  state: 'done',
});
// u1 ── a1 ── u2 ── a2
//   └── a1b   └── (u2b ── a3)
const tree = [
  message('u1', null, 'user'),
  message('a1', 'u1', 'assistant'),
  message('u2', 'a1', 'user'),
  message('a2', 'u2', 'assistant'),
  message('a1b', 'u1', 'assistant'),
  message('u2b', 'a1', 'user'),
  message('a3', 'u2b', 'assistant'),
];
const ids = (messages) => messages.map(({ id }) => id);

test('the path to a leaf', () => {
  assert.deepEqual(ids(pathTo(tree, 'a2')), ['u1', 'a1', 'u2', 'a2']);
  assert.deepEqual(ids(pathTo(tree, 'a1b')), ['u1', 'a1b']);
  assert.deepEqual(pathTo(tree, null), []);
  assert.deepEqual(pathTo(tree, 'unknown'), []);
  assert.deepEqual(ids(pathTo([message('x', 'y', 'user'), message('y', 'x', 'user')], 'x')), [
    'y',
    'x',
  ]);
});

test('versions of a turn and what lies below them', () => {
  assert.deepEqual(ids(versions(tree).get(versionKey(tree[1]))), ['a1', 'a1b']);
  assert.deepEqual(ids(versions(tree).get(versionKey(tree[2]))), ['u2', 'u2b']);
  assert.equal(newestLeaf(tree, 'a1'), 'a3');
  assert.equal(newestLeaf(tree, 'u2'), 'a2');
  assert.equal(newestLeaf(tree, 'a1b'), 'a1b');
});

test('a prompt: system first, empty answers left out, roles alternate', () => {
  const turns = [
    message('a', null, 'user'),
    { ...message('b', 'a', 'assistant'), content: '' },
    message('c', 'b', 'user'),
    message('d', 'c', 'assistant'),
  ];
  assert.deepEqual(promptOf(turns, 'Be brief.'), [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'a\n\nc' },
    { role: 'assistant', content: 'd' },
  ]);
  assert.deepEqual(promptOf([tree[0]], '  \n'), [{ role: 'user', content: 'u1' }]);
  assert.equal(turns[0].content, 'a', 'the messages themselves stay as they are');
});

test('a repeated beginning is dropped, at every split', () => {
  const cases = [
    ['Once upon', 'Once upon a time', ' a time'],
    ['Once upon', ' a time', ' a time'],
    ['Once', 'On', 'On'],
    ['', 'x', 'x'],
    ['aa', 'aab', 'b'],
    ['Once', 'Once', ''],
  ];
  for (const [prefix, answer, rest] of cases) {
    for (let at = 0; at <= answer.length; ++at) {
      const filter = new PrefixFilter(prefix);
      const got = filter.push(answer.slice(0, at)) + filter.push(answer.slice(at)) + filter.flush();
      assert.equal(got, rest, `${prefix} | ${answer} split at ${at}`);
    }
  }
});

test('the seam of a continuation', () => {
  const cases = [
    ['a force', 'The wind', '\n\n'],
    ['a force', 'that blows', ' '],
    ['a force', ', cold', ''],
    ['a force', ' that', ''],
    ['a force ', 'that', ''],
    ['Done.', 'Été', '\n\n'],
    ['', 'The', ''],
    ['a', '', ''],
  ];
  for (const [before, after, between] of cases) {
    assert.equal(seam(before, after), between, `${before}|${after}`);
  }
});

test('titles', () => {
  assert.equal(titleFrom('  Hello\nthere'), 'Hello');
  assert.equal(titleFrom(''), '');
  const long = titleFrom('word '.repeat(40));
  assert.ok(long.length <= 61 && long.endsWith('word…'), long);
  assert.equal(titleFrom('x'.repeat(100)).length, 61);
});

test('settings of any shape are read', () => {
  for (const text of [
    null,
    '',
    '{',
    '[]',
    '7',
    'null',
    '{"temperature":"hot","theme":"pink","maxTokens":{}}',
  ]) {
    assert.deepEqual(readSettings(text), kDefaults, String(text));
  }
  assert.deepEqual(readSettings('{"temperature":0,"theme":"dark","railOpen":false}'), {
    ...kDefaults,
    temperature: 0,
    theme: 'dark',
    railOpen: false,
  });
});

test('a schema is one once it is whole', () => {
  for (const text of ['', ' \n']) assert.equal(formatOf(text), null);
  for (const text of ['{', '[]', 'null', '7', '"a"']) assert.equal(formatOf(text), 'broken', text);
  assert.deepEqual(formatOf('{"type":"object"}'), {
    type: 'json_schema',
    json_schema: { name: 'answer', strict: true, schema: { type: 'object' } },
  });
});

test('JSON is shown as code, whatever its strings say', () => {
  const fence = '`'.repeat(12);
  assert.equal(asCode('{"a":"```"}'), `${fence}json\n{"a":"\`\`\`"}`);
  assert.ok(asCode(`{"a":"${fence}"}`).startsWith(`${fence}\`json`));
});

test('wind barbs', () => {
  const cases = [
    [0, 0, 0, false],
    [2, 0, 0, false],
    [5, 0, 0, true],
    [12, 0, 1, false],
    [48, 1, 0, false],
    [65, 1, 1, true],
    [1000, 3, 0, false],
    [-3, 0, 0, false],
  ];
  for (const [speed, pennants, barbs, half] of cases) {
    assert.deepEqual(barbParts(speed), { pennants, barbs, half }, String(speed));
  }
});
