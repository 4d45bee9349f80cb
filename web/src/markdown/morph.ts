// Makes one DOM node like another with as few changes as possible: a growing text node keeps its
// identity, so the reader's selection and the scroll position of a code block stay.

// Returns false where `old` cannot become `next`; then nothing was changed.
export function morph(old: Node, next: Node): boolean {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) return false;
  if (old instanceof Text && next instanceof Text) {
    if (next.data.startsWith(old.data)) {
      if (next.data.length > old.data.length) old.appendData(next.data.slice(old.data.length));
    } else {
      old.data = next.data;
    }
    return true;
  }
  if (old instanceof Element && next instanceof Element) {
    morphAttributes(old, next);
    morphChildren(old, next);
  }
  return true;
}

function morphAttributes(old: Element, next: Element): void {
  for (const name of old.getAttributeNames()) {
    if (!next.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const name of next.getAttributeNames()) {
    const value = next.getAttribute(name) ?? '';
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function morphChildren(old: Element, next: Element): void {
  const kept = [...old.childNodes];
  const wanted = [...next.childNodes];
  wanted.forEach((node, index) => {
    const at = kept[index];
    if (at === undefined) old.append(node);
    else if (!morph(at, node)) at.replaceWith(node);
  });
  for (const rest of kept.slice(wanted.length)) rest.remove();
}
