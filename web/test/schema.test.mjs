// Answers by a schema, from a real server at AQUILON_URL, through the page: each one is a value of
// its schema.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answers, button, composer, finished, say } from './browser.mjs';
import { open, page, runBrowser } from './suite.mjs';

runBrowser(process.env.AQUILON_URL);

// What is wrong with `value`, by the keywords that the schemas below have; '' where nothing is.
function problem(schema, value, path = '$') {
  const type = Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  if (schema.type !== undefined && schema.type !== type) return `${path}: ${type}`;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return `${path}: not in enum`;
  if (value < schema.minimum || value > schema.maximum) return `${path}: ${value}`;
  if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value)) return `${path}: pattern`;
  if (type === 'array') {
    if (value.length < schema.minItems || value.length > schema.maxItems) return `${path}: length`;
    return value.map((item, i) => problem(schema.items, item, `${path}[${i}]`)).join('');
  }
  if (type !== 'object') return '';
  for (const name of schema.required)
    if (!Object.hasOwn(value, name)) return `${path}.${name}: missing`;
  return Object.entries(value)
    .map(([name, member]) =>
      Object.hasOwn(schema.properties, name)
        ? problem(schema.properties[name], member, `${path}.${name}`)
        : `${path}.${name}: not declared`,
    )
    .join('');
}

const object = (properties) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const kCases = [
  ['Rate the film.', object({ stars: { type: 'integer', minimum: 1, maximum: 5 } })],
  [
    'Plan a day in Rome.',
    object({
      city: { enum: ['Rome', 'Paris'] },
      date: { type: 'string', pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-[0-2][0-9]$' },
      stops: {
        type: 'array',
        minItems: 2,
        maxItems: 3,
        items: object({
          hour: { type: 'integer', minimum: 8, maximum: 20 },
          free: { type: 'boolean' },
        }),
      },
    }),
  ],
];

// The check itself finds what is wrong.
{
  const [, schema] = kCases[1];
  const value = { city: 'Rome', date: '2026-05-01', stops: Array(2).fill({ hour: 9, free: true }) };
  assert.equal(problem(schema, value), '');
  const wrong = [
    { ...value, city: 'Oslo' },
    { ...value, date: 'tomorrow' },
    { ...value, stops: [] },
    { ...value, stops: Array(2).fill({ hour: 7, free: true }) },
    { ...value, stops: Array(2).fill({ hour: 9 }) },
    { ...value, more: 1 },
  ];
  for (const one of wrong) assert.notEqual(problem(schema, one), '', JSON.stringify(one));
}

for (const [question, schema] of kCases) {
  test(`an answer is a value of its schema: ${question}`, async () => {
    await open({}, { maxTokens: 400 });
    await composer(page).waitFor();
    await button(page, 'Settings').click();
    await page.getByLabel('Answers as JSON, by a schema').fill(JSON.stringify(schema));
    await page.keyboard.press('Escape');
    await say(page, question);
    await finished(page);
    const shown = await answers(page).locator('.prose pre').textContent();
    assert.equal(problem(schema, JSON.parse(shown)), '', shown);
  });
}
