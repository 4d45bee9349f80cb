// Walks over a conversation's tree. Messages come in order of creation.

import type { Message } from './types.ts';

// From the first turn down to `leaf`. Stops at a message that is missing or met twice.
export function pathTo(messages: readonly Message[], leaf: string | null): Message[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const path: Message[] = [];
  for (let at = leaf; at !== null;) {
    const message = byId.get(at);
    if (message === undefined) break;
    byId.delete(at);
    path.push(message);
    at = message.parent;
  }
  return path.reverse();
}

// The versions of each turn, oldest first, by what `versionKey` gives: messages with one parent and
// role.
export function versions(messages: readonly Message[]): Map<string, Message[]> {
  return Map.groupBy(messages, versionKey);
}

export function versionKey(message: Message): string {
  return `${message.parent ?? ''}/${message.role}`;
}

// Of each turn, which of its role it is: from 1.
export function turnNumbers(path: readonly Message[]): number[] {
  const counts = { user: 0, assistant: 0, tool: 0 };
  return path.map(({ role }) => (counts[role] += 1));
}

// Of an answer: nothing came.
export function isEmpty({ content, calls }: Message): boolean {
  return content === '' && calls === undefined;
}

// The newest message below `id`, or itself: what switching to a branch shows.
export function newestLeaf(messages: readonly Message[], id: string): string {
  const below = new Set([id]);
  let leaf = id;
  for (const message of messages) {
    if (message.parent === null || !below.has(message.parent)) continue;
    below.add(message.id);
    leaf = message.id;
  }
  return leaf;
}
