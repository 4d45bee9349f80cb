// What the build gives: the same bytes each time, relative addresses, little.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from '../node_modules/vite/dist/node/index.js';

const kWeb = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'aquilon-web-'));
after(() => rmSync(folder, { recursive: true }));

async function files(name) {
  const outDir = join(folder, name);
  await build({
    root: kWeb,
    configFile: join(kWeb, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  });
  const names = readdirSync(outDir, { recursive: true })
    .filter((file) => statSync(join(outDir, file)).isFile())
    .sort();
  return new Map(names.map((file) => [file, readFileSync(join(outDir, file))]));
}

test('two builds are equal; addresses are relative; everything is small', async () => {
  const first = await files('a');
  assert.deepEqual(first, await files('b'));
  const page = first.get('index.html').toString();
  assert.doesNotMatch(page, /(src|href)="(?!\.\/|data:)/);
  assert.doesNotMatch(page, /<script(?![^>]* src=)|<style|style=/, 'nothing inline');
  for (const name of first.keys())
    assert.match(name, /^index\.html$|^assets\/[\w-]+-[\w-]{8}\.(js|css)$/);
  const total = [...first.values()].reduce(
    (sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length,
    0,
  );
  console.log(`everything: ${(total / 1024).toFixed(1)} KiB compressed`);
  assert.ok(total <= 700 * 1024);
});
