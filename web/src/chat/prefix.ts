// Servers differ in what an answer to a started one holds: the beginning again, or only what
// follows.

// Drops `prefix` from the front of a text that arrives in pieces. While the text could still turn
// out to repeat the prefix, it is held back; flush returns what is left at the end.
export class PrefixFilter {
  private held = '';
  private deciding: boolean;
  private readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.deciding = prefix !== '';
  }

  push(text: string): string {
    if (!this.deciding) return text;
    this.held += text;
    if (this.prefix.startsWith(this.held) && this.held.length < this.prefix.length) return '';
    this.deciding = false;
    const out = this.held.startsWith(this.prefix) ? this.held.slice(this.prefix.length) : this.held;
    this.held = '';
    return out;
  }

  flush(): string {
    const rest = this.held;
    this.held = '';
    this.deciding = false;
    return rest;
  }
}

// What belongs between a text and its continuation by a model that was asked in words: such an answer
// starts without a space, and often with a new sentence.
export function seam(before: string, after: string): string {
  if (/(^|\s)$/.test(before) || !/^[\p{L}\p{N}]/u.test(after)) return '';
  return /^\p{Lu}/u.test(after) ? '\n\n' : ' ';
}
