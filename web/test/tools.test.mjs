// Tools of the page: how they are read, computed, asked for and told of.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { streamPart } from '../src/api/client.ts';
import { evaluate } from '../src/chat/arithmetic.ts';
import { LiveAnswer } from '../src/chat/live.ts';
import { kPageTools, pageTool, timeIn } from '../src/chat/page_tools.ts';
import { promptOf } from '../src/chat/prompt.ts';
import { kDefaults, readSettings } from '../src/chat/settings.ts';
import { laidOut, offeredTools, runner, toolsOf } from '../src/chat/tools.ts';
import { turnNumbers } from '../src/chat/tree.ts';

test('expressions have the value that arithmetic gives them', () => {
  const cases = [
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['2 ^ 3 ^ 2', 512],
    ['2**10', 1024],
    ['-2 ^ 2', -4],
    ['2 ^ -1', 0.5],
    ['8 / 4 / 2', 1],
    ['10 - 4 - 3', 3],
    ['7 % 4', 3],
    ['0.1 + 0.2', 0.3],
    ['1.5e3', 1500],
    ['.5 × 4 ÷ 2 − 1', 0],
    ['sqrt(16) + abs(-3)', 7],
    ['LN(e)', 1],
    ['log(1000)', 3],
    ['cos(2 * pi)', 1],
    ['round(2.4) + floor(2.9) + ceil(2.1)', 7],
    ['--3', 3],
    [' 42 ', 42],
  ];
  for (const [text, value] of cases) assert.equal(evaluate(text), value, text);
});

test('what is no expression says why', () => {
  const cases = [
    ['', /not complete/],
    ['1 +', /not complete/],
    ['(1', /'\)' is missing/],
    ['1 2', /unexpected '2'/],
    ['1 / 0', /finite/],
    ['sqrt(-1)', /finite/],
    ['constructor(1)', /'constructor' is unknown/],
    ['alert', /'alert' is unknown/],
    ['2 $ 3', /unexpected '\$'/],
    ['1'.repeat(1001), /longer than 1000/],
  ];
  for (const [text, words] of cases) assert.throws(() => evaluate(text), words, text);
  assert.equal(evaluate(`${'('.repeat(499)}1${')'.repeat(499)}`), 1);
});

test('the clock tells the time of a place', () => {
  const now = new Date('2026-03-01T23:30:05Z');
  assert.equal(timeIn('UTC', now), 'Sunday, 2026-03-01 23:30:05 (UTC, GMT)');
  assert.equal(timeIn('Asia/Tokyo', now), 'Monday, 2026-03-02 08:30:05 (Asia/Tokyo, GMT+09:00)');
});

test('tools of the page answer whatever the arguments are', () => {
  assert.deepEqual(kPageTools, ['clock', 'calculator']);
  const cases = [
    ['calculator', '{"expression": "6 * 7"}', /^42$/],
    ['calculator', '{}', /^Error: expression is missing$/],
    ['calculator', 'no JSON', /^Error: /],
    ['calculator', 'null', /^Error: expression is missing$/],
    ['clock', '{}', /^\w+day, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(/],
    ['clock', '{"time_zone": "UTC"}', /\(UTC, GMT\)$/],
    ['clock', '{"time_zone": "Nowhere/Atall"}', /^Error: /],
  ];
  for (const [name, text, result] of cases) assert.match(pageTool(name).run(text), result, text);
});

const kWeather = { name: 'weather', description: 'Of a city.', parameters: { type: 'object' } };

test('a list of tools is one once it is whole', () => {
  const wire = [{ type: 'function', function: kWeather }];
  for (const text of ['', ' \n']) assert.equal(toolsOf(text), null);
  for (const value of [kWeather, [kWeather], wire[0], wire])
    assert.deepEqual(toolsOf(JSON.stringify(value)), wire);
  assert.deepEqual(toolsOf('[]'), []);
  assert.deepEqual(toolsOf('{"name": "f", "strict": true, "more": 1}'), [
    { type: 'function', function: { name: 'f', strict: true } },
  ]);
  const broken = [
    '{',
    '7',
    'null',
    '[null]',
    '{"description": "x"}',
    '{"name": ""}',
    '{"name": "two words"}',
    '{"name": 7}',
    '{"name": "f", "description": 7}',
    '{"name": "f", "parameters": []}',
    '[{"name": "f"}, {"name": "f"}]',
  ];
  for (const text of broken) assert.equal(toolsOf(text), 'broken', text);
});

test('what is on offer: the own tools, then those of the page', () => {
  const names = (change) =>
    offeredTools({ ...kDefaults, ...change }).map((tool) => tool.function.name);
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ pageTools: ['clock', 'unknown'] }), ['clock']);
  const own = JSON.stringify([kWeather, { name: 'calculator' }]);
  const settings = { ...kDefaults, tools: own, pageTools: ['clock', 'calculator'] };
  assert.deepEqual(names(settings), ['weather', 'calculator', 'clock']);
  assert.equal(runner(settings, 'calculator'), null, 'an own tool of this name');
  assert.equal(runner(settings, 'weather'), null);
  assert.equal(runner(kDefaults, 'calculator')('{"expression": "1+1"}'), '2');
  assert.deepEqual(names({ tools: '{', pageTools: ['clock'] }), ['clock']);
  const read = readSettings('{"pageTools": ["clock", 7], "tools": 8, "mustCall": "yes"}');
  assert.deepEqual([read.pageTools, read.tools, read.mustCall], [['clock'], '', false]);
});

test('arguments are laid out, or stay as they are', () => {
  assert.equal(laidOut('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}');
  assert.equal(laidOut('{"a'), '{"a');
});

const message = (id, parent, role, more) => ({
  id,
  parent,
  role,
  content: '',
  conversation: 'c',
  created: 0,
  state: 'done',
  ...more,
});
const calls = [
  { id: 'x', name: 'f', arguments: '{}' },
  { id: 'y', name: 'g', arguments: '{"a": 1}' },
];
const turns = [
  message('u', null, 'user', { content: 'Q' }),
  message('a', 'u', 'assistant', { calls, reasoning: 'Hm.' }),
  message('t', 'a', 'tool', {
    results: [
      { call: 'y', content: '2' },
      { call: 'x', content: '1' },
    ],
  }),
  message('b', 't', 'assistant', { content: 'A' }),
];
const called = {
  role: 'assistant',
  content: '',
  reasoning_content: 'Hm.',
  tool_calls: [
    { id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } },
    { id: 'y', type: 'function', function: { name: 'g', arguments: '{"a": 1}' } },
  ],
};

test('a prompt tells of calls and their results, in the order of the calls', () => {
  assert.deepEqual(promptOf(turns, ''), [
    { role: 'user', content: 'Q' },
    called,
    { role: 'tool', tool_call_id: 'x', content: '1' },
    { role: 'tool', tool_call_id: 'y', content: '2' },
    { role: 'assistant', content: 'A' },
  ]);
  assert.deepEqual(turnNumbers(turns), [1, 1, 1, 2]);
});

test('calls without results are left out of a prompt', () => {
  const next = message('n', 'a', 'user', { content: 'R' });
  assert.deepEqual(promptOf([...turns.slice(0, 2), next], ''), [
    { role: 'user', content: 'Q\n\nR' },
  ]);
  const words = { ...turns[1], content: 'Let me see.' };
  assert.deepEqual(promptOf([turns[0], words, next], ''), [
    { role: 'user', content: 'Q' },
    { role: 'assistant', content: 'Let me see.' },
    { role: 'user', content: 'R' },
  ]);
});

test('calls come whole or in pieces, thoughts beside them', () => {
  const chunk = (delta) => streamPart(JSON.stringify({ choices: [{ delta }] }));
  const live = new LiveAnswer('');
  const pieces = [
    { reasoning_content: 'Hm' },
    { reasoning_content: '.' },
    { content: 'Well. ' },
    { tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] },
    { tool_calls: [{ index: 1, id: 'y', function: { name: 'g', arguments: '{"a"' } }] },
    { tool_calls: [{ index: 1, function: { arguments: ': 1}' } }] },
  ];
  for (const piece of pieces) {
    const { text, reasoning, calls: parts } = chunk(piece);
    if (reasoning !== undefined) live.think(reasoning);
    live.add(text);
    if (parts !== undefined) live.call(parts);
  }
  assert.deepEqual(live.told(), { content: 'Well. ', reasoning: 'Hm.', calls });
  assert.deepEqual(new LiveAnswer('a').told(), { content: 'a' });
});
