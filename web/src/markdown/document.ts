// A Markdown text in a container element, shown while it grows: closed blocks are left alone, only
// the open block at the end is lexed again, and its nodes are changed in place so that a selection
// in it survives.

import { Lexer, type Token } from 'marked';

import { morph } from './morph.ts';
import { TokenRenderer } from './render.ts';

const kLargestText = 400_000; // characters in one call; beyond, plain text
const kLargestParagraph = 4000; // characters; beyond, no emphasis or links: their search is quadratic

const kLongestLexMs = 300; // after that, the rest of the text in the same way

class BoundedLexer extends Lexer {
  private readonly end = performance.now() + kLongestLexMs;

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    const bounded = source.length <= kLargestParagraph && performance.now() < this.end;
    if (bounded) return super.inlineTokens(source, tokens);
    tokens.push({ type: 'text', raw: source, text: source });
    return tokens;
  }
}

// Tokens of a text. What the lexer cannot take (nesting that exhausts its stack) becomes one plain
// paragraph.
export function lex(text: string): Token[] {
  const plain: Token[] = [{ type: 'paragraph', raw: text, text }];
  if (text.length > kLargestText) return plain;
  try {
    return new BoundedLexer({ gfm: true }).lex(text);
  } catch {
    return plain;
  }
}

// Without what cannot be judged yet at the end of a growing text: a fence of which one or two marks
// are there.
export function settled(text: string): string {
  return text.replace(/(^|\n) {0,3}(`{1,2}|~{1,2})$/, '$1');
}

export class MarkdownDocument {
  private readonly root: HTMLElement;
  private readonly renderer: TokenRenderer;
  private readonly onClosed: (block: Node) => void;
  private shown = '';
  private closed = 0; // characters in blocks that will not change
  private tail: ChildNode[] = [];
  private hasDefinitions = false;
  private complete = false;

  // onClosed is told of each block once it will not change any more.
  constructor(root: HTMLElement, onClosed: (block: Node) => void) {
    this.root = root;
    this.onClosed = onClosed;
    this.renderer = new TokenRenderer(root.ownerDocument);
  }

  // Shows a text that usually continues the last one. `complete`: nothing follows.
  update(source: string, complete: boolean): void {
    const text = source.includes('\r') ? source.replace(/\r\n?/g, '\n') : source;
    if (complete && this.complete && text === this.shown) return;
    this.complete = complete;
    if (!text.startsWith(this.shown)) this.clear();
    this.shown = text;
    const open = text.slice(this.closed);
    const tokens = lex(complete ? open : settled(open));
    this.hasDefinitions ||= tokens.some((token) => token.type === 'def');
    if (complete && this.hasDefinitions && this.closed > 0) {
      this.clear(); // definitions count for the blocks before them, too
      return this.update(text, complete);
    }
    this.show(tokens);
    if (complete) this.tail.forEach(this.onClosed);
    else this.close(tokens);
  }

  private clear(): void {
    this.root.replaceChildren();
    this.shown = '';
    this.closed = 0;
    this.tail = [];
    this.hasDefinitions = false;
  }

  private show(tokens: Token[]): void {
    const nodes = tokens.map((token) => this.renderer.block(token)).filter((node) => node !== null);
    const kept = this.tail;
    this.tail = nodes.map((node, index) => {
      const old = kept[index];
      if (old !== undefined && morph(old, node)) return old;
      if (old === undefined) this.root.append(node);
      else old.replaceWith(node);
      return node as ChildNode;
    });
    for (const old of kept.slice(nodes.length)) old.remove();
  }

  // All but the last block are finished: more text cannot change them.
  private close(tokens: Token[]): void {
    const last = tokens.findLastIndex((token) => token.type !== 'space' && token.type !== 'def');
    if (last <= 0) return;
    for (const token of tokens.slice(0, last)) this.closed += token.raw.length;
    this.tail.slice(0, -1).forEach(this.onClosed);
    this.tail = this.tail.slice(-1);
  }
}
