// Markdown tokens to DOM nodes. No HTML string exists anywhere: HTML that a model writes is text,
// an image is a link, a link opens only http, https and mailto. The document is a parameter so that
// tests can look on.

import type { Token, Tokens } from 'marked';

import { decodeEntities } from './entities.ts';

const kMaxDepth = 32; // deeper nesting is shown as its source
const kAddress = /^(https?|mailto):/i;

// The address as written, where a person may follow it; else null.
export function safeAddress(address: string): string | null {
  const text = decodeEntities(address).trim();
  if (!kAddress.test(text)) return null;
  try {
    return new URL(text).href;
  } catch {
    return null;
  }
}

export class TokenRenderer {
  private readonly doc: Document;
  private depth = 0;

  constructor(doc: Document) {
    this.doc = doc;
  }

  block(token: Token): Node | null {
    switch (token.type) {
      case 'space':
      case 'def':
        return null;
      case 'heading':
        if (token['text'].trim() === '') return null; // its text is still to come, or never comes
        return this.inline(`h${Math.min(token['depth'] + 2, 6)}`, token); // below the page's own two levels
      case 'paragraph':
        return this.inline('p', token);
      case 'text': // the text of a list item that stands close to its neighbours
        return this.inline('span', token);
      case 'code':
        return this.code(token as Tokens.Code);
      case 'blockquote':
        return this.blocks(this.element('blockquote'), token as Tokens.Blockquote);
      case 'list':
        return this.list(token as Tokens.List);
      case 'table':
        return this.table(token as Tokens.Table);
      case 'hr':
        return this.element('hr');
      default:
        return this.element('p', token.raw.trim());
    }
  }

  private element(name: string, text?: string): HTMLElement {
    const element = this.doc.createElement(name);
    if (text !== undefined) element.append(this.doc.createTextNode(text));
    return element;
  }

  private inside<T extends Node>(parent: T, raw: string, fill: () => void): T {
    if (this.depth >= kMaxDepth) {
      parent.appendChild(this.doc.createTextNode(raw));
      return parent;
    }
    this.depth += 1;
    fill();
    this.depth -= 1;
    return parent;
  }

  private blocks<T extends Node>(parent: T, token: { raw: string; tokens: Token[] }): T {
    return this.inside(parent, token.raw, () => {
      for (const child of token.tokens) {
        const node = this.block(child);
        if (node !== null) parent.appendChild(node);
      }
    });
  }

  private code(token: Tokens.Code): HTMLElement {
    const language = (token.lang ?? '').match(/^[^\s{,]*/)?.[0] ?? '';
    const figure = this.element('figure');
    const bar = this.element('figcaption');
    const copy = this.element('button');
    copy.setAttribute('type', 'button');
    copy.setAttribute('data-copy-code', '');
    bar.append(this.element('span', language), copy);
    const pre = this.element('pre');
    pre.setAttribute('tabindex', '0'); // scrolls by keyboard
    const code = this.element('code', token.text);
    if (language !== '') code.setAttribute('data-language', language.toLowerCase());
    pre.append(code);
    figure.append(bar, pre);
    return figure;
  }

  private list(token: Tokens.List): HTMLElement {
    const list = this.element(token.ordered ? 'ol' : 'ul');
    if (token.ordered && token.start !== 1 && token.start !== '')
      list.setAttribute('start', String(token.start));
    return this.inside(list, token.raw, () => {
      for (const item of token.items) {
        const entry = this.element('li');
        if (item.task) {
          entry.setAttribute('class', 'task');
          entry.append(this.element('span', item.checked === true ? '☑ ' : '☐ '));
        }
        list.append(
          this.blocks(entry, {
            raw: item.raw,
            tokens: item.tokens.filter((t) => t.type !== 'checkbox'),
          }),
        );
      }
    });
  }

  private table(token: Tokens.Table): HTMLElement {
    const frame = this.element('div');
    frame.setAttribute('class', 'table');
    frame.setAttribute('tabindex', '0');
    const table = this.element('table');
    const head = this.element('thead');
    const body = this.element('tbody');
    head.append(this.row('th', token.header));
    for (const row of token.rows) body.append(this.row('td', row));
    table.append(head, body);
    frame.append(table);
    return frame;
  }

  private row(cellName: string, cells: Tokens.TableCell[]): HTMLElement {
    const row = this.element('tr');
    for (const cell of cells) {
      const element = this.inline(cellName, { raw: cell.text, tokens: cell.tokens });
      if (cell.align !== null) element.setAttribute('data-align', cell.align);
      row.append(element);
    }
    return row;
  }

  private inline(
    name: string,
    token: { raw: string; text?: string; tokens?: Token[] },
  ): HTMLElement {
    const element = this.element(name);
    if (token.tokens === undefined) {
      element.append(this.doc.createTextNode(decodeEntities(token.text ?? token.raw)));
      return element;
    }
    const children = token.tokens;
    return this.inside(element, token.raw, () => {
      for (const child of children) element.append(this.span(child));
    });
  }

  private span(token: Token): Node {
    switch (token.type) {
      case 'strong':
      case 'em':
      case 'del':
        return this.inline(token.type, token);
      case 'codespan':
        return this.element('code', token['text']);
      case 'br':
        return this.element('br');
      case 'link':
        return this.link(token as Tokens.Link);
      case 'image':
        return this.image(token as Tokens.Image);
      case 'html':
        return /^<br\s*\/?>$/i.test(token.raw.trim())
          ? this.element('br')
          : this.doc.createTextNode(token.raw);
      case 'escape':
        return this.doc.createTextNode(token['text']);
      case 'text':
        if (token['tokens'] !== undefined) return this.inline('span', token);
        return this.doc.createTextNode(decodeEntities(token['text']));
      default:
        return this.doc.createTextNode(token.raw);
    }
  }

  private anchor(element: HTMLElement, address: string): HTMLElement {
    element.setAttribute('href', address);
    element.setAttribute('title', address); // what the label may hide
    element.setAttribute('target', '_blank');
    element.setAttribute('rel', 'noopener noreferrer nofollow');
    return element;
  }

  private link(token: Tokens.Link): HTMLElement {
    const address = safeAddress(token.href);
    return address === null
      ? this.inline('span', token)
      : this.anchor(this.inline('a', token), address);
  }

  // Never loaded: an image's address can carry data out of the conversation.
  private image(token: Tokens.Image): HTMLElement {
    const address = safeAddress(token.href);
    const label = decodeEntities(token.text) || address || token.raw;
    return address === null
      ? this.element('span', label)
      : this.anchor(this.element('a', `${label} ↗`), address);
  }
}
