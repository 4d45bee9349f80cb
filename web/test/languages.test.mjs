// Five languages: no English left, nothing overflows on the smallest phone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { en } from '../src/i18n/en.ts';
import { launch, openPage, shoot, until } from './browser.mjs';
import { startMock } from './mock_server.mjs';

let browser;
let mock;

before(async () => {
  mock = await startMock();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await mock?.stop();
});

for (const language of ['fr', 'es', 'de', 'it']) {
  test(`${language}: chosen by the browser, complete, fits 320 px`, async () => {
    const words = (await import(`../src/i18n/${language}.ts`))[language];
    const english = new Set(
      Object.keys(en)
        .filter((key) => words[key] !== en[key])
        .map((key) => en[key]),
    );
    const translated = new Set(Object.values(words));
    mock.set({ finish: 'length' });
    const page = await openPage(browser, mock.url, {
      locale: language,
      viewport: { width: 320, height: 640 },
      hasTouch: true,
      isMobile: true,
    });
    const check = async (name) => {
      const { texts, wide } = await page.evaluate(() => ({
        texts: [...document.querySelectorAll('body *')].flatMap((element) => [
          ...['aria-label', 'title', 'placeholder'].map((attribute) =>
            element.getAttribute(attribute),
          ),
          ...[...element.childNodes]
            .filter((node) => node.nodeType === Node.TEXT_NODE)
            .map((node) => node.data.trim()),
        ]),
        wide: document.documentElement.scrollWidth - innerWidth,
      }));
      assert.deepEqual(
        texts.filter((text) => english.has(text) && !translated.has(text)),
        [],
        name,
      );
      assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
      await shoot(page, `${name}-phone-${language}`);
    };
    const message = page.getByRole('textbox', { name: words.message, exact: true });
    await message.waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    await check('welcome');
    await message.fill('Hello');
    await message.press('Enter');
    await page.getByRole('button', { name: words.continue, exact: true }).waitFor();
    await check('chat');
    await page.getByRole('button', { name: words.settings, exact: true }).last().click();
    await page.getByRole('dialog', { name: words.settings }).waitFor();
    await check('settings');
    await page.keyboard.press('Escape');
    mock.set({ text: '', calls: [{ name: 'clock', arguments: '{"time_zone": "Europe/Rome"}' }] });
    await message.fill('Hello');
    await message.press('Enter');
    await page.getByRole('button', { name: words.sendResults, exact: true }).waitFor();
    await check('calls');
    await page.getByRole('button', { name: words.sendResults, exact: true }).click();
    await page.getByRole('button', { name: words.editResults, exact: true }).waitFor();
    await page.getByRole('button', { name: words.sendResults, exact: true }).waitFor();
    await check('results');
    mock.set({ status: 429, message: '', headers: { 'retry-after': '60' } });
    await message.fill('Hello');
    await message.press('Enter');
    await until(async () => (await page.getByRole('alert').count()) > 0);
    await check('busy');
    assert.deepEqual(page.problems, []);
    await page.context().close();
  });
}
