// Calls of tools in the page: defined, shown, given results, gone on from. Runs against the scripted
// server, or against a real one at AQUILON_URL.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answers, button, composer, finished, say, shoot, turns, until } from './browser.mjs';
import { mock, open as openWith, page, runBrowser } from './suite.mjs';
import { violations } from './violations.mjs';

const kWeather = {
  name: 'weather',
  description: 'The weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { enum: ['Paris', 'Rome'] } },
    required: ['city'],
    additionalProperties: false,
  },
};
// A real model is made to call: what it would do by itself is its own affair.
const kForced = {
  tools: JSON.stringify([kWeather]),
  mustCall: true,
  temperature: 0,
  maxTokens: 96,
};
const kQuestion = 'What is the weather in Paris?';
const kCalls = [
  { name: 'weather', arguments: '{"city": "Paris"}' },
  { name: 'weather', arguments: '{"city": "Rome"}' },
];
// Calls of a message, words of results.
const scripted = (calls = kCalls) => ({
  calls: ({ messages }) => (messages.at(-1).role === 'user' ? calls : []),
  text: ({ messages }) =>
    messages.at(-1).role === 'user' ? '' : `It is ${messages.at(-1).content} there.`,
});

runBrowser(process.env.AQUILON_URL);

async function open(options = {}, settings = kForced, behaviour = scripted()) {
  mock?.set(behaviour);
  await openWith(options, settings);
  await composer(page).waitFor();
}

const calls = () => page.locator('.call');
const fields = () => page.getByRole('textbox', { name: /^Result of / });
const results = () => page.getByRole('article', { name: /^Results / });

async function giveResults(text) {
  for (const field of await fields().all()) await field.fill(text);
  await button(page, 'Send to the model').click();
}

test('tools are defined in the settings and go into the request', async () => {
  await open({}, null);
  await button(page, 'Settings').click();
  const box = page.getByLabel('Tools', { exact: true });
  await box.fill('[{"name": "two words"}]');
  await page.getByText('This is no list of tools yet').waitFor();
  assert.equal(await box.getAttribute('aria-invalid'), 'true');
  await box.fill(JSON.stringify([kWeather]));
  await page.getByText('Functions that answers may call').waitFor();
  await page.getByLabel('Clock').check();
  await page.getByLabel('Every answer to a message calls a tool').check();
  await page.getByLabel('Longest answer, in tokens').fill('96');
  await shoot(page, 'tools-settings');
  await page.keyboard.press('Escape');
  await page.reload();
  await button(page, 'Tools on offer: 2. Change them').waitFor();
  const request = page.waitForRequest('**/v1/chat/completions');
  await say(page, kQuestion);
  const body = (await request).postDataJSON();
  assert.deepEqual(body.tools[0], { type: 'function', function: kWeather });
  assert.deepEqual(
    body.tools.map((tool) => tool.function.name),
    ['weather', 'clock'],
  );
  assert.equal(body.tool_choice, 'required');
  await finished(page);
});

test('calls are shown, results are given, the model goes on; a reload keeps it all', async () => {
  await open();
  await say(page, kQuestion);
  await finished(page);
  await fields().first().waitFor();
  const count = await calls().count();
  if (mock) assert.equal(count, 2, 'several calls in one answer');
  for (const call of await calls().all()) {
    assert.match(await call.locator('summary').textContent(), /^weather/);
    assert.match(await call.locator('pre').textContent(), /^\{\n {2}"city": "(Paris|Rome)"\n\}$/);
  }
  assert.match(await page.getByRole('status').textContent(), /waits for their results/);
  await shoot(page, 'calls-waiting');
  const request = page.waitForRequest('**/v1/chat/completions');
  await giveResults('sunny, 21 degrees');
  const body = (await request).postDataJSON();
  const roles = ['user', 'assistant', ...Array(count).fill('tool')];
  assert.deepEqual(
    body.messages.map(({ role }) => role),
    roles,
  );
  assert.deepEqual(
    body.messages.slice(2).map((message) => message.tool_call_id),
    body.messages[1].tool_calls.map(({ id }) => id),
  );
  assert.equal(body.tool_choice, undefined, 'results may be answered in words');
  await finished(page);
  await answers(page).nth(1).waitFor();
  if (mock) await page.getByText('It is sunny, 21 degrees there.').waitFor();
  await page.reload();
  await results().waitFor();
  assert.equal((await calls().count()) >= count, true);
  assert.equal(await results().getByText('sunny, 21 degrees').count(), count);
  assert.equal(await turns(page).count(), 4);
  await shoot(page, 'calls-answered');
});

test('results that are edited make another version', async () => {
  await open();
  await say(page, kQuestion);
  await finished(page);
  await giveResults('sunny');
  await finished(page);
  await button(page, 'Edit the results').click();
  assert.equal(await fields().first().inputValue(), 'sunny');
  await page.keyboard.press('Tab'); // the focus is within the form
  await fields().first().press('Escape');
  assert.equal(await fields().count(), 0, 'given up');
  await button(page, 'Edit the results').click();
  await giveResults('rainy');
  await finished(page);
  await results().getByText('2 / 2').waitFor();
  assert.ok((await results().getByText('rainy').count()) > 0);
  await results().getByRole('button', { name: 'Previous version' }).click();
  await results().getByText('1 / 2').waitFor();
  assert.ok((await results().getByText('sunny').count()) > 0);
});

test('calls, results and the answer by keyboard alone', async () => {
  await open();
  await page.keyboard.type(kQuestion);
  await page.keyboard.press('Enter');
  await finished(page);
  await fields().first().waitFor();
  const count = await fields().count();
  const reached = () =>
    fields()
      .first()
      .evaluate((field) => field === document.activeElement);
  for (let i = 0; i < 40 && !(await reached()); ++i) await page.keyboard.press('Shift+Tab');
  for (let i = 0; i < count; ++i) {
    await page.keyboard.type('cold');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('and dark');
    await page.keyboard.press('Enter');
  }
  await results().waitFor();
  await finished(page);
  assert.equal(await results().locator('dd').first().textContent(), 'cold\nand dark');
  assert.ok(await composer(page).evaluate((element) => element === document.activeElement));
});

test('the page computes where it is told to', async () => {
  const settings = { ...kForced, tools: '', pageTools: ['calculator'], maxTokens: 200 };
  const sum = [{ name: 'calculator', arguments: '{"expression": "12 * 7"}' }];
  await open({}, settings, scripted(sum));
  await say(page, 'Use the calculator: what is 12 * 7?');
  await finished(page);
  await fields().first().waitFor();
  assert.equal(await fields().first().inputValue(), '', 'nothing runs by itself');
  await button(page, 'Run in this page').first().click();
  const value = await fields().first().inputValue();
  if (mock) assert.equal(value, '84');
  else assert.notEqual(value, '');
  await shoot(page, 'calls-computed');
  await button(page, 'Send to the model').click();
  await finished(page);
  await results().getByText(value.slice(0, 40)).first().waitFor();
  assert.equal(await turns(page).count(), 4);
});

test('a message instead of results: the calls stay, and the conversation goes on', async () => {
  await open();
  await say(page, kQuestion);
  await finished(page);
  await fields().first().waitFor();
  mock?.set({ text: 'As you like.' });
  await page.evaluate(() => {
    const settings = JSON.parse(localStorage['aquilon.settings']);
    localStorage['aquilon.settings'] = JSON.stringify({ ...settings, tools: '', mustCall: false });
  });
  await page.reload();
  await fields().first().waitFor();
  await say(page, 'Never mind.');
  await finished(page);
  await page.getByText('No result was given.').waitFor();
  assert.equal(await fields().count(), 0);
  assert.ok((await calls().count()) > 0);
  if (mock)
    assert.deepEqual(
      mock.requests.at(-1).messages.map(({ role }) => role),
      ['user'],
    );
  assert.equal((await page.getByRole('alert').count()) > 0, false);
});

test(
  'thoughts come before the answer, closed',
  { skip: process.env.AQUILON_URL !== undefined },
  async () => {
    await open({}, null, { text: 'Blue.', reasoning: 'The sky scatters.' });
    await say(page, 'Which colour?');
    await finished(page);
    assert.equal(await page.getByText('The sky scatters.').isVisible(), false);
    await page.getByText('Reasoning', { exact: true }).click();
    assert.ok(await page.getByText('The sky scatters.').isVisible());
    await page.reload();
    await page.getByText('Reasoning', { exact: true }).waitFor();
    assert.equal((await answers(page).locator('.prose').textContent()).trim(), 'Blue.');
  },
);

const kViews = [
  ['desktop', { viewport: { width: 1280, height: 800 } }],
  ['phone', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
];

for (const [view, options] of kViews) {
  for (const colorScheme of ['light', 'dark']) {
    test(`calls, ${view}, ${colorScheme}: no accessibility violations, nothing overflows`, async () => {
      const settings = { ...kForced, pageTools: ['calculator', 'clock'] };
      const sum = { name: 'calculator', arguments: `{"expression": "${'1 + '.repeat(40)}1"}` };
      await open({ ...options, colorScheme }, settings, {
        ...scripted([...kCalls, sum]),
        reasoning: 'Both are needed.',
      });
      const check = async (name) => {
        await page.waitForTimeout(300); // transitions
        await shoot(page, `${name}-${view}-${colorScheme}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
        assert.deepEqual(await violations(page), [], name);
      };
      await say(page, kQuestion);
      await finished(page);
      await fields().first().waitFor();
      await check('calls-waiting');
      await giveResults('sunny, 21 degrees, no wind');
      await finished(page);
      await until(async () => (await results().count()) > 0);
      await check('calls-answered');
      await button(page, 'Settings').click();
      await page.getByLabel('Tools', { exact: true }).scrollIntoViewIfNeeded();
      await check('calls-settings');
      await page.keyboard.press('Escape');
    });
  }
}
