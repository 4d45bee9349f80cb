// What axe finds against the rules of accessibility.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function violations(page) {
  const options = {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: { 'heading-order': { enabled: false } }, // headings in an answer are the model's
  };
  // Evaluated by the debugger, so outside the page's content policy.
  const result = await page.evaluate(`${axe}; axe.run(document, ${JSON.stringify(options)})`);
  return result.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' ')}`,
  );
}
