// Debian's Chromium, a fresh profile each, and what the suites share.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const kShots =
  process.env.AQUILON_SCREENSHOTS ??
  fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
mkdirSync(kShots, { recursive: true });

export const kChromium = process.env.AQUILON_CHROMIUM ?? '/usr/bin/chromium';

export function launch() {
  return chromium.launch({
    executablePath: kChromium,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

// A page in its own context, with the person's settings where given. Its errors and policy
// violations are collected: page.problems must stay empty.
export async function openPage(browser, url, options = {}, settings = null) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      page.problems.push(message.text());
    }
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => {
      globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  await page.addInitScript((wanted) => {
    if (wanted !== null) localStorage['aquilon.settings'] ??= JSON.stringify(wanted);
  }, settings);
  await page.goto(url);
  return page;
}

export const composer = (page) => page.getByRole('textbox', { name: 'Message', exact: true });
export const button = (page, name) => page.getByRole('button', { name, exact: true });
export const answers = (page) => page.getByRole('article', { name: /^Answer/ });
export const turns = (page) => page.getByRole('article');

export async function say(page, text) {
  await composer(page).fill(text);
  await composer(page).press('Enter');
  await until(async () => (await composer(page).inputValue()) === ''); // taken over: the answer has begun
}

// Until no answer is under way.
export async function finished(page, timeout = 60_000) {
  await button(page, 'Send').waitFor({ timeout });
}

// Playwright's own waitForFunction needs eval, which the content policy refuses.
export async function until(condition, timeout = 90_000) {
  for (const end = performance.now() + timeout; !(await condition());) {
    if (performance.now() > end) throw new Error(`not within ${timeout} ms: ${condition}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

export function shoot(page, name) {
  return page.screenshot({ path: `${kShots}/${name}.png` });
}
