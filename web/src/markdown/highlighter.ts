// Watches code blocks and colours them when they come near the view, in idle time.

const whenIdle = globalThis.requestIdleCallback ?? ((work: () => void) => setTimeout(work, 1));

const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      void import('./highlight.ts').then(({ highlight }) =>
        whenIdle(() => highlight(target as HTMLElement)),
      );
    }
  },
  { rootMargin: '300px' },
);

export function highlightWhenSeen(block: Node): void {
  if (!(block instanceof Element)) return;
  for (const code of block.querySelectorAll('code[data-language]')) observer.observe(code);
}
