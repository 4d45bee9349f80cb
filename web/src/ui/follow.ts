// Keeps the end of a growing log in view while the reader is there, and never once they have
// scrolled up.

import { signal, type Signal } from '@preact/signals';

const kAtEnd = 8; // px

export class Follower {
  readonly away: Signal<boolean> = signal(false); // the reader is somewhere above
  private readonly log: HTMLElement;
  private readonly observer: ResizeObserver;
  private lastTop = 0;

  constructor(log: HTMLElement, content: HTMLElement) {
    this.log = log;
    this.observer = new ResizeObserver(() => this.keep());
    this.observer.observe(content);
    this.observer.observe(log);
    log.addEventListener('scroll', this.onScroll, { passive: true });
    log.addEventListener('wheel', this.onWheel, { passive: true });
    log.addEventListener('keydown', this.onKey);
  }

  toEnd(): void {
    this.away.value = false;
    this.keep();
  }

  close(): void {
    this.observer.disconnect();
    this.log.removeEventListener('scroll', this.onScroll);
    this.log.removeEventListener('wheel', this.onWheel);
    this.log.removeEventListener('keydown', this.onKey);
  }

  private keep(): void {
    if (this.away.peek()) return;
    this.log.scrollTop = this.log.scrollHeight;
    this.lastTop = this.log.scrollTop;
  }

  // Scrolling up leaves the end; only reaching the end again follows again.
  private readonly onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    if (scrollHeight - clientHeight - scrollTop <= kAtEnd) this.away.value = false;
    else if (scrollTop < this.lastTop - 1) this.away.value = true;
    this.lastTop = scrollTop;
  };

  private readonly onWheel = (event: WheelEvent) => {
    if (event.deltaY < 0 && this.log.scrollHeight > this.log.clientHeight) this.away.value = true;
  };

  private readonly onKey = (event: KeyboardEvent) => {
    if (event.target === this.log && ['ArrowUp', 'PageUp', 'Home'].includes(event.key))
      this.away.value = true;
  };
}
