// What a file of browser tests begins with: one browser, one server, a page a test. The imported
// names follow what runBrowser and adopt set.

import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';

import { launch, openPage } from './browser.mjs';
import { startMock } from './mock_server.mjs';

export let browser;
export let mock; // null where a real server answers
export let url;
export let page;

// Against the server at `real`, or else a scripted one. Every test leaves a page without errors.
export function runBrowser(real) {
  before(async () => {
    mock = real === undefined ? await startMock() : null;
    url = real ?? mock.url;
    browser = await launch();
  });
  afterEach(async () => {
    assert.deepEqual(page.problems, [], 'errors on the page');
    assert.deepEqual(await page.evaluate('violations'), [], 'violations of the content policy');
    await page.context().close();
  });
  after(async () => {
    await browser?.close();
    await mock?.stop();
  });
}

// The page of this test from here on.
export function adopt(opened) {
  page = opened;
}

export async function open(options, settings) {
  adopt(await openPage(browser, url, options, settings));
}
