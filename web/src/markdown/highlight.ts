// Colours for code, loaded only when a block with a known language comes into view. Spans are built
// from highlight.js's token tree, not from its HTML.

import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import latex from 'highlight.js/lib/languages/latex';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const languages = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  latex,
  lua,
  makefile,
  markdown,
  php,
  python,
  ruby,
  rust,
  sql,
  swift,
  typescript,
  xml,
  yaml,
};
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

const kLargestCode = 60_000; // characters; beyond, no colours

interface Scope {
  scope?: string;
  children: (Scope | string)[];
}

export function highlight(code: HTMLElement): void {
  const language = code.dataset['language'] ?? '';
  const text = code.textContent ?? '';
  if (text.length > kLargestCode || hljs.getLanguage(language) === undefined) return;
  const result = hljs.highlight(text, { language, ignoreIllegals: true });
  const tree = (result._emitter as unknown as { rootNode: Scope }).rootNode;
  code.replaceChildren(...tree.children.map(nodeOf));
}

function nodeOf(part: Scope | string): Node {
  if (typeof part === 'string') return document.createTextNode(part);
  const span = document.createElement('span');
  if (part.scope !== undefined) span.className = `h-${part.scope.split('.')[0]}`;
  span.append(...part.children.map(nodeOf));
  return span;
}
