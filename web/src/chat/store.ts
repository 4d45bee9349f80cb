// The history, in this browser's IndexedDB. Where that is refused (some private windows) the page
// goes on in memory and `persistent` says so.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';

import type { Conversation, Message } from './types.ts';

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: Message; indexes: { conversation: string } };
}

let database: IDBPDatabase<Schema> | null = null;

const kReloadSlot = 'aquilon.reload';

// For messages of a page that is going away: the database would answer too late, local storage is
// immediate.
export function leaveForReload(messages: readonly Message[]): void {
  try {
    localStorage.setItem(kReloadSlot, JSON.stringify(messages));
  } catch {
    // Full or refused: what was saved half a second ago stands.
  }
}

async function takeAfterReload(): Promise<void> {
  try {
    const messages: unknown = JSON.parse(localStorage.getItem(kReloadSlot) ?? '[]');
    localStorage.removeItem(kReloadSlot);
    if (Array.isArray(messages)) await Promise.all((messages as Message[]).map(saveMessage));
  } catch {
    // Nothing that could be read.
  }
}

export async function openStore(): Promise<{ persistent: boolean; conversations: Conversation[] }> {
  try {
    database = await openDB<Schema>('aquilon', 1, {
      upgrade(db) {
        db.createObjectStore('conversations', { keyPath: 'id' });
        db.createObjectStore('messages', { keyPath: 'id' }).createIndex(
          'conversation',
          'conversation',
        );
      },
      terminated: () => (database = null),
    });
  } catch {
    return { persistent: false, conversations: [] };
  }
  await takeAfterReload();
  const all = await database.getAll('conversations');
  const deleted = all.filter((conversation) => conversation.deleted !== undefined);
  await Promise.all(deleted.map((conversation) => purge(conversation.id)));
  return {
    persistent: true,
    conversations: all.filter((conversation) => conversation.deleted === undefined),
  };
}

// In order of creation. A message still marked as streaming was cut off: its page went away.
export async function loadMessages(conversation: string): Promise<Message[]> {
  const messages =
    (await database?.getAllFromIndex('messages', 'conversation', conversation)) ?? [];
  messages.sort(
    (a, b) => a.created - b.created || (a.id === b.parent ? -1 : b.id === a.parent ? 1 : 0),
  );
  return messages.map((message) =>
    message.state === 'streaming' ? { ...message, state: 'interrupted' } : message,
  );
}

export async function saveConversation(conversation: Conversation): Promise<void> {
  await database?.put('conversations', conversation);
}

export async function saveMessage(message: Message): Promise<void> {
  await database?.put('messages', message);
}

export async function purge(conversation: string): Promise<void> {
  if (database === null) return;
  const change = database.transaction(['conversations', 'messages'], 'readwrite');
  const messages = change.objectStore('messages');
  const keys = await messages.index('conversation').getAllKeys(conversation);
  await Promise.all([
    change.objectStore('conversations').delete(conversation),
    ...keys.map((key) => messages.delete(key)),
    change.done,
  ]);
}
