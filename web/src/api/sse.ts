// Server-sent events out of a byte stream, whatever the splits: inside a UTF-8 sequence, a line or
// a CR LF pair. Only what a completion stream needs: `data` of each event; other fields and
// comments are skipped.

export class SseParser {
  private readonly decoder = new TextDecoder();
  private line = '';
  private data: string[] = [];
  private afterCr = false;

  // Takes the next bytes; returns the data of the events that they complete, in order.
  push(bytes: Uint8Array): string[] {
    const events: string[] = [];
    let text = this.decoder.decode(bytes, { stream: true });
    if (text === '') return events;
    if (this.afterCr && text.startsWith('\n')) text = text.slice(1);
    this.afterCr = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    const last = lines.pop() ?? '';
    for (const part of lines) {
      this.endLine(this.line + part, events);
      this.line = '';
    }
    this.line += last;
    return events;
  }

  private endLine(line: string, events: string[]): void {
    if (line === '') {
      if (this.data.length > 0) events.push(this.data.join('\n'));
      this.data = [];
    } else if (line.startsWith('data:')) {
      this.data.push(line.slice(line.startsWith('data: ') ? 6 : 5));
    }
  }
}
