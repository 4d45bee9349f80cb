// Markdown to nodes: what comes out, and that nothing else can.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeEntities } from '../src/markdown/entities.ts';
import { lex, settled } from '../src/markdown/document.ts';
import { safeAddress, TokenRenderer } from '../src/markdown/render.ts';
import { fakeDocument } from './fake_document.mjs';
import { kHeavy, kHostile } from './hostile.mjs';

const kElements = new Set([
  '#text',
  'a',
  'blockquote',
  'br',
  'button',
  'code',
  'del',
  'div',
  'em',
  'figcaption',
  'figure',
  'h3',
  'h4',
  'h5',
  'h6',
  'hr',
  'li',
  'ol',
  'p',
  'pre',
  'span',
  'strong',
  'table',
  'tbody',
  'td',
  'th',
  'thead',
  'tr',
  'ul',
]);
const kAttributes = new Set([
  'class',
  'data-align',
  'data-copy-code',
  'data-language',
  'href',
  'rel',
  'start',
  'tabindex',
  'target',
  'title',
  'type',
]);

function render(text) {
  const renderer = new TokenRenderer(fakeDocument);
  return lex(text)
    .map((token) => renderer.block(token))
    .filter((node) => node !== null);
}

const nodesOf = (text) => render(text).flatMap((node) => [...node.all()]);

function shape(node) {
  if (node.name === '#text') return node.data;
  return `<${node.name}${node.attributes.href ? ` ${node.attributes.href}` : ''}>${node.children.map(shape).join('')}</${node.name}>`;
}

test('only known elements and attributes, only safe addresses', () => {
  for (const text of [...kHostile, ...kHeavy.map(([, heavy]) => heavy.slice(0, 3000))]) {
    for (const { name, attributes } of nodesOf(text)) {
      assert.ok(kElements.has(name), `${name} from ${text}`);
      for (const key of Object.keys(attributes))
        assert.ok(kAttributes.has(key), `${key} from ${text}`);
      if (name !== 'a') assert.equal(attributes.href, undefined);
      else assert.match(attributes.href, /^(https?|mailto):/, text);
      if (name === 'a') assert.match(attributes.rel, /noopener/);
    }
  }
});

test('HTML stays readable as text', () => {
  const source = 'a <img src=x onerror=alert(1)> b';
  assert.equal(render(source)[0].text, source);
  assert.equal(render('<script>x</script>')[0].text, '<script>x</script>');
});

test('heavy inputs end soon', () => {
  for (const [name, text] of kHeavy) {
    const start = performance.now();
    render(text);
    const ms = performance.now() - start;
    assert.ok(ms < 10_000, `${name}: ${ms.toFixed(0)} ms`);
  }
});

const kShapes = [
  ['**b** *i* ~~d~~ `c`', '<p><strong>b</strong> <em>i</em> <del>d</del> <code>c</code></p>'],
  ['# one\n\n###### six', '<h3>one</h3><h6>six</h6>'],
  ['# ', ''],
  ['one\n\n###\n\ntwo', '<p>one</p><p>two</p>'],
  ['[a](https://x.org)', '<p><a https://x.org/>a</a></p>'],
  ['[a](javascript:x)', '<p><span>a</span></p>'],
  ['![alt](https://x.org/i.png)', '<p><a https://x.org/i.png>alt ↗</a></p>'],
  ['https://x.org', '<p><a https://x.org/>https://x.org</a></p>'],
  [
    '- a\n- b\n  1. c',
    '<ul><li><span>a</span></li><li><span>b</span><ol><li><span>c</span></li></ol></li></ul>',
  ],
  ['- a\n\n- b', '<ul><li><p>a</p></li><li><p>b</p></li></ul>'],
  ['- [x] a', '<ul><li><span>☑ </span><span>a</span></li></ul>'],
  ['> q', '<blockquote><p>q</p></blockquote>'],
  ['a  \nb', '<p>a<br></br>b</p>'],
  ['a\nb', '<p>a\nb</p>'],
  ['&amp; &lt; \\* &copy;', '<p>& < * ©</p>'],
  ['`&amp;`', '<p><code>&amp;</code></p>'],
  ['---', '<hr></hr>'],
  ['$5 and $10', '<p>$5 and $10</p>'],
  [
    '|a|\n|-|\n|b<br>c|',
    '<div><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b<br></br>c</td></tr></tbody></table></div>',
  ],
  [
    '```py\na\tb\n```',
    '<figure><figcaption><span>py</span><button></button></figcaption><pre><code>a\tb</code></pre></figure>',
  ],
];

for (const [source, expected] of kShapes) {
  test(`shape of ${JSON.stringify(source)}`, () =>
    assert.equal(render(source).map(shape).join(''), expected));
}

test('addresses', () => {
  const refused = [
    'javascript:x',
    ' javascript:x',
    'JAVASCRIPT:x',
    'data:x',
    '//x',
    '/x',
    'x',
    '',
    'http:',
    'https://',
    'java\nscript:x',
    '&#106;avascript:x',
    'ftp://x',
    'blob:http://x',
  ];
  for (const address of refused) assert.equal(safeAddress(address), null, address);
  assert.equal(safeAddress('HTTPS://Example.org/a b'), 'https://example.org/a%20b');
  assert.equal(safeAddress('mailto:a@b.c'), 'mailto:a@b.c');
  assert.equal(safeAddress('https://x.org/?a=1&amp;b=2'), 'https://x.org/?a=1&b=2');
});

test('character references', () => {
  const cases = [
    ['&lt;', '<'],
    ['&#65;&#x41;', 'AA'],
    ['&#0;', '\ufffd'],
    ['&#xD800;', '\ufffd'],
    ['&#x110000;', '\ufffd'],
    ['&nope;', '&nope;'],
    ['&constructor;', '&constructor;'],
    ['& &;', '& &;'],
  ];
  for (const [source, text] of cases) assert.equal(decodeEntities(source), text, source);
});

test('an unfinished fence is held back', () => {
  const cases = [
    ['a\n`', 'a\n'],
    ['a\n``', 'a\n'],
    ['``', ''],
    ['a ``', 'a ``'],
    ['a\n```', 'a\n```'],
    ['a\n~~', 'a\n'],
  ];
  for (const [source, text] of cases) assert.equal(settled(source), text, source);
});
