// The type check, and the words of the five languages.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const kWeb = fileURLToPath(new URL('..', import.meta.url));

test('types are sound', () => {
  const check = spawnSync(process.execPath, ['test/node_modules/typescript/bin/tsc', '-p', '.'], {
    cwd: kWeb,
    encoding: 'utf8',
  });
  assert.equal(check.status, 0, check.stdout + check.stderr);
});

const kLanguages = ['fr', 'es', 'de', 'it'];
const { en } = await import('../src/i18n/en.ts');
const names = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

for (const language of kLanguages) {
  test(`${language}: complete, with the same values to fill in`, async () => {
    const words = (await import(`../src/i18n/${language}.ts`))[language];
    assert.deepEqual(Object.keys(words), Object.keys(en));
    let same = 0;
    for (const [key, text] of Object.entries(en)) {
      assert.deepEqual(names(words[key]), names(text), key);
      assert.notEqual(words[key].trim(), '', key);
      if (words[key] === text) same += 1;
    }
    assert.ok(same <= 6, `${same} texts are still English`); // "Message" is a French word, too
  });
}
