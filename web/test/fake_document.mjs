// As much of a document as the Markdown renderer may touch. Anything else it tried would throw.

class FakeNode {
  constructor(name, data = '') {
    this.name = name;
    this.data = data;
    this.attributes = {};
    this.children = [];
  }
  append(...nodes) {
    this.children.push(...nodes);
  }
  appendChild(node) {
    this.children.push(node);
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  get text() {
    return this.data + this.children.map((child) => child.text).join('');
  }
  *all() {
    yield this;
    for (const child of this.children) yield* child.all();
  }
}

export const fakeDocument = Object.freeze({
  createElement: (name) => new FakeNode(name),
  createTextNode: (data) => new FakeNode('#text', data),
});
