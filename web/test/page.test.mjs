// The page in a browser: what a person does. Runs against the scripted server, or against a real
// one at AQUILON_URL.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { answers, button, composer, finished, say, shoot, turns, until } from './browser.mjs';
import { violations } from './violations.mjs';
import { adopt, browser, mock, open as openWith, page, runBrowser, url } from './suite.mjs';

const kLong = 'Tell me a long story about the sea.';

const kShortAnswers = { maxTokens: 96 }; // a real model is slow and fond of its own voice

runBrowser(process.env.AQUILON_URL);

async function open(options, behaviour = {}) {
  mock?.set(behaviour);
  await openWith(options, mock === null ? kShortAnswers : null);
  await composer(page).waitFor();
  return page;
}

// In the middle of a long answer. A real model is fast and may say little: its answer is made to go on for seconds.
async function midAnswer() {
  if (mock) mock.set({ text: 'Word after word after word. '.repeat(300), tokensPerSecond: 100 });
  else await page.route('**/v1/chat/completions', goOn, { times: 1 });
  await say(page, kLong);
  await until(async () => (await answers(page).last().locator('.prose').textContent()).length > 40);
}

function goOn(route) {
  const body = { ...route.request().postDataJSON(), max_tokens: 1500, ignore_eos: true };
  return route.continue({ postData: JSON.stringify(body) });
}

test('first load: few requests, all of the same origin, small', async () => {
  const requests = [];
  const context = await browser.newContext();
  adopt(await context.newPage());
  page.problems = [];
  await page.addInitScript(() => (globalThis.violations = []));
  const sizes = [];
  page.on(
    'request',
    (request) => request.url().startsWith('data:') || requests.push(request.url()),
  );
  page.on('response', (response) => {
    if (response.url().startsWith('http'))
      sizes.push(response.body().then((body) => gzipSync(body, { level: 9 }).length));
  });
  await page.goto(url, { waitUntil: 'networkidle' });
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(requests.length <= 8, requests.join('\n'));
  for (const request of requests) assert.equal(new URL(request).origin, new URL(url).origin);
  assert.ok(bytes <= 90 * 1024, `${bytes} bytes compressed`);
  console.log(
    `first load: ${requests.length} requests, ${(bytes / 1024).toFixed(1)} KiB compressed`,
  );
});

test('the composer has the focus; an answer streams and ends', async () => {
  await open();
  assert.ok(await composer(page).evaluate((element) => element === document.activeElement));
  await say(page, 'Hello');
  await answers(page).first().waitFor();
  await finished(page);
  assert.notEqual((await answers(page).locator('.prose').textContent()).trim(), '');
  assert.equal(await page.getByRole('status').textContent(), 'The answer is finished.');
  assert.match(await answers(page).textContent(), /tok\/s/);
  assert.equal(await page.getByRole('log').getAttribute('aria-live'), 'off');
  if (mock) assert.equal(await answers(page).locator('.prose').textContent(), mock.behaviour.text);
});

test('Shift+Enter makes a new line, Enter of an input method sends nothing, an empty message neither', async () => {
  await open();
  await composer(page).press('Enter');
  await composer(page).pressSequentially('one');
  await composer(page).press('Shift+Enter');
  await composer(page).pressSequentially('two');
  await composer(page).evaluate((field) => {
    const enter = (more) =>
      field.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...more }),
      );
    enter({ isComposing: true });
    enter({ keyCode: 229 });
  });
  assert.equal(await composer(page).inputValue(), 'one\ntwo');
  assert.equal(await turns(page).count(), 0);
});

test('Stop takes the place of Send and closes the stream', async () => {
  await open();
  const before = await button(page, 'Send').boundingBox();
  await midAnswer();
  const stop = button(page, 'Stop');
  assert.deepEqual(await stop.boundingBox(), before);
  await stop.evaluate((element) =>
    element.addEventListener('click', () => (globalThis.clicked = Date.now()), { capture: true }),
  );
  await stop.click();
  await finished(page);
  if (mock) {
    await until(() => mock.closedEarly.length > 0);
    const late = mock.closedEarly.at(-1) - (await page.evaluate(() => globalThis.clicked));
    console.log(`click on Stop to closed stream: ${late} ms`);
    assert.ok(late <= 4000, `${late} ms`); // 200 ms is the aim, held where nothing else runs
  }
  await page.getByText('Stopped.', { exact: true }).waitFor();
  assert.equal(await page.getByRole('status').textContent(), 'The answer was stopped.');
});

test('Esc stops as well; the next message goes on from what is there', async () => {
  await open();
  await midAnswer();
  await page.keyboard.press('Escape');
  await page.getByText('Stopped.', { exact: true }).waitFor();
  mock?.set({});
  await say(page, 'Go on.');
  await finished(page);
  assert.equal(await turns(page).count(), 4);
  if (mock)
    assert.deepEqual(
      mock.requests.at(-1).messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
});

test('regenerate makes another version; both stay reachable after a reload', async () => {
  await open({}, { text: 'First version.' });
  await say(page, 'Say something.');
  await finished(page);
  mock?.set({ text: 'Second version.' });
  await button(page, 'Regenerate').click();
  await page.getByText('2 / 2').waitFor();
  await finished(page);
  await button(page, 'Previous version').click();
  await page.getByText('1 / 2').waitFor();
  if (mock) assert.equal(await answers(page).locator('.prose').textContent(), 'First version.');
  await page.reload();
  await page.getByText('1 / 2').waitFor();
  await button(page, 'Next version').click();
  await page.getByText('2 / 2').waitFor();
  if (mock) assert.equal(await answers(page).locator('.prose').textContent(), 'Second version.');
});

test('editing the first message makes a branch and keeps the old one', async () => {
  await open({}, { text: ({ messages }) => `Answer to ${messages.at(-1).content}` });
  for (const text of ['one', 'two']) {
    await say(page, text);
    await finished(page);
  }
  await page
    .getByRole('article', { name: 'Your message 1' })
    .getByRole('button', { name: 'Edit' })
    .click();
  const editor = page.getByRole('textbox', { name: 'Edit your message' });
  assert.equal(await editor.inputValue(), 'one');
  await editor.fill('uno');
  await button(page, 'Save and send').click();
  await answers(page).first().waitFor();
  await finished(page);
  assert.equal(await turns(page).count(), 2);
  if (mock) assert.deepEqual(mock.requests.at(-1).messages, [{ role: 'user', content: 'uno' }]);
  await page.reload();
  await turns(page).first().waitFor();
  assert.equal(await turns(page).count(), 2);
  await button(page, 'Previous version').click();
  await page.getByText('two', { exact: true }).waitFor();
  assert.equal(await turns(page).count(), 4);
});

test('a reload keeps conversations; the draft, too', async () => {
  await open();
  for (const text of ['First topic', 'Second topic']) {
    await say(page, text);
    await finished(page);
    if (text === 'First topic') await button(page, 'New chat').click();
  }
  await composer(page).fill('half a thought');
  await page.reload();
  await turns(page).first().waitFor();
  assert.equal(await composer(page).inputValue(), 'half a thought');
  const list = page.getByRole('navigation', { name: 'Conversations' });
  assert.deepEqual(await list.getByRole('listitem').allInnerTexts(), [
    'Second topic',
    'First topic',
  ]);
  await list.getByRole('link', { name: 'First topic' }).click();
  await page.getByRole('article', { name: 'Your message 1' }).getByText('First topic').waitFor();
  await page.goBack();
  await page.getByRole('article', { name: 'Your message 1' }).getByText('Second topic').waitFor();
});

test('a reload in the middle of an answer keeps what was there', async () => {
  await open();
  await midAnswer();
  const seen = await answers(page).locator('.prose').textContent();
  await page.reload();
  await answers(page).first().waitFor();
  const kept = await answers(page).locator('.prose').textContent();
  assert.ok(kept.length >= seen.length, `${kept.length} of ${seen.length} characters`);
  assert.ok(kept.startsWith(seen));
  await page.getByText('The answer was interrupted.').waitFor();
  await button(page, 'Continue').waitFor();
});

test('rename, delete, undo', async () => {
  await open();
  await say(page, 'A topic');
  await finished(page);
  await button(page, 'Rename “A topic”').click();
  await page.getByRole('textbox', { name: 'Title' }).fill('Better title');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Better title' }).waitFor();
  await button(page, 'Delete “Better title”').click();
  assert.equal(await page.getByRole('link', { name: 'Better title' }).count(), 0);
  assert.equal(await turns(page).count(), 0);
  await button(page, 'Undo').click();
  await page.getByRole('link', { name: 'Better title' }).waitFor();
  await page.reload();
  await page.getByRole('link', { name: 'Better title' }).waitFor();
  await button(page, 'Delete “Better title”').click();
  await page.reload();
  await page.getByText('Your conversations will be listed here.').waitFor();
});

test('a conversation by keyboard alone', async () => {
  await open();
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await finished(page);
  const reach = async (name) => {
    for (let i = 0; i < 40; ++i) {
      const at = await page.evaluate(() => {
        const element = document.activeElement;
        const style = getComputedStyle(element);
        return {
          name: element.getAttribute('aria-label') ?? element.textContent,
          outline: style.outlineStyle,
        };
      });
      if (at.name === name) return assert.notEqual(at.outline, 'none', `${name} shows its focus`);
      await page.keyboard.press('Shift+Tab');
    }
    assert.fail(`"${name}" cannot be reached`);
  };
  await reach('Regenerate');
  await page.keyboard.press('Enter');
  await page.getByText('2 / 2').waitFor();
  await finished(page);
  await reach('Previous version');
  await page.keyboard.press('Enter');
  await page.getByText('1 / 2').waitFor();
  const focused = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.equal(focused, 'Previous version', 'the focus stays');
  await reach('Edit');
  await page.keyboard.press('Enter');
  await until(() => page.evaluate(() => document.activeElement.matches('.editor textarea')));
  await page.keyboard.type('!');
  await page.keyboard.press('Enter');
  await page.getByText('By keyboard!', { exact: true }).waitFor();
  await finished(page);
  await page.keyboard.press('Alt+s');
  await page.getByRole('dialog', { name: 'Settings' }).waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.keyboard.press('Alt+n');
  assert.equal(await turns(page).count(), 0);
  assert.ok(await composer(page).evaluate((element) => element === document.activeElement));
  await button(page, 'Keyboard shortcuts').focus();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
});

test('system prompt, temperature and length go into the request and survive a reload', async () => {
  await open();
  await button(page, 'Settings').click();
  await page.getByLabel('System prompt').fill('Be brief.');
  await page.getByLabel('Temperature').fill('0.3');
  await page.getByLabel('Longest answer, in tokens').fill('5');
  await page.keyboard.press('Escape');
  await page.reload();
  await say(page, kLong); // longer than the limit, whatever is drawn
  await finished(page);
  if (!mock) return void (await page.getByText('Stopped at the token limit.').waitFor());
  const { model, ...request } = mock.requests.at(-1);
  assert.equal(model, 'mock-1b');
  assert.deepEqual(request, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: kLong },
    ],
    temperature: 0.3,
    max_tokens: 5,
    stream: true,
  });
});

test('answers by a schema: asked for, shown as code, and the composer says so', async () => {
  const schema = {
    type: 'object',
    properties: { city: { enum: ['Paris', 'Rome'] } },
    required: ['city'],
    additionalProperties: false,
  };
  await open({}, { text: '{"city": "*Rome*"}' });
  await button(page, 'Settings').click();
  const box = page.getByLabel('Answers as JSON, by a schema');
  await box.fill('{"type": ');
  await page.getByText('This is no JSON Schema yet; answers stay free.').waitFor();
  assert.equal(await box.getAttribute('aria-invalid'), 'true');
  await box.fill(JSON.stringify(schema));
  await page.getByText('every answer is one value of it').waitFor();
  await shoot(page, 'schema-settings');
  await page.keyboard.press('Escape');
  await page.reload();
  await button(page, 'Answers are JSON: change the schema').waitFor();
  await say(page, 'Which city?');
  await finished(page);
  await shoot(page, 'schema-answer');
  const shown = await answers(page).locator('.prose pre').textContent();
  if (mock) {
    assert.ok(shown.includes('{"city": "*Rome*"}'), shown);
    assert.deepEqual(mock.requests.at(-1).response_format, {
      type: 'json_schema',
      json_schema: { name: 'answer', strict: true, schema },
    });
  } else {
    assert.match(shown, /\{\s*"city"\s*:\s*"(Paris|Rome)"\s*\}/);
  }
  await button(page, 'Answers are JSON: change the schema').click();
  await page.getByRole('dialog', { name: 'Settings' }).waitFor();
  await page.getByRole('button', { name: 'Reset to defaults' }).click();
  await page.keyboard.press('Escape');
  assert.equal(await button(page, 'Answers are JSON: change the schema').count(), 0);
});

const kRich =
  'Some **bold** text, `code` and a [link](https://example.org).\n\n## Heading\n\n- one\n- two\n\n' +
  '```python\ndef palindrome(s: str) -> bool:\n    """True when s reads the same both ways."""\n    return s == s[::-1]  # 42\n```\n\n' +
  '| City | Degrees | Wind |\n|---|--:|:-:|\n| Paris | 12 | NW |\n| Oslo | 3 | N |\n\n> A quotation.\n\n1. first\n2. second';

const kViews = [
  ['desktop', { viewport: { width: 1440, height: 900 } }],
  ['tablet', { viewport: { width: 820, height: 1100 } }],
  ['phone', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }],
];

for (const [view, options] of kViews) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${view}, ${colorScheme}: no accessibility violations, nothing overflows`, async () => {
      await open({ ...options, colorScheme }, { text: kRich, tokensPerSecond: 2000 });
      const check = async (name) => {
        await page.waitForTimeout(300); // transitions and colours of code
        await shoot(page, `${name}-${view}-${colorScheme}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
        assert.deepEqual(await violations(page), [], name);
      };
      await check('welcome');
      await say(page, 'Show me Markdown, please.\nIn a second line.');
      await finished(page);
      await check('chat');
      if (view !== 'desktop') return;
      await button(page, 'Settings').click();
      await check('settings');
    });
  }
}

test('phone: rail and settings open and close, targets are large enough', async () => {
  await open(
    { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
    { text: kRich },
  );
  await say(page, 'Hello');
  await finished(page);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('main button')]
      .map((element) => [
        element.getAttribute('aria-label') ?? element.textContent,
        element.getBoundingClientRect(),
      ])
      .filter(([, { width, height }]) => width > 0 && (width < 43.5 || height < 43.5))
      .map(([name, { width, height }]) => `${name}: ${width} × ${height}`),
  );
  assert.deepEqual(small, []);
  await button(page, 'Show conversations').click();
  await page.getByRole('link', { name: 'Hello' }).waitFor();
  await page.waitForTimeout(300);
  await shoot(page, 'rail-phone-light');
  await page.keyboard.press('Escape');
  await page.waitForTimeout(300);
  assert.equal(await page.getByRole('link', { name: 'Hello' }).count(), 0);
  await button(page, 'Settings').click();
  await shoot(page, 'settings-phone-light');
  await button(page, 'Close').click();
  assert.ok(await composer(page).isVisible());
});

test('the theme and the language that were chosen stay', async () => {
  await open({ colorScheme: 'light' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await background(), 'rgb(246, 248, 249)');
  await button(page, 'Settings').click();
  await page.getByRole('radio', { name: 'Dark' }).check();
  assert.equal(await background(), 'rgb(15, 24, 32)');
  await page.getByLabel('Language').selectOption('fr');
  await page.getByRole('dialog', { name: 'Réglages' }).waitFor();
  await page.reload();
  await composer(page).waitFor();
  assert.equal(await background(), 'rgb(15, 24, 32)');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'fr');
});

test('reduced motion stills the ornament', async () => {
  await open({ reducedMotion: 'reduce' });
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
});
