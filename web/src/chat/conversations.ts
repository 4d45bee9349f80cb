// The list of conversations and the one that is open. The address after # names it, so that a
// reload and the browser's back button find it again.

import { batch, computed, signal } from '@preact/signals';

import { running } from './running.ts';
import { loadMessages, openStore, purge, saveConversation, saveMessage } from './store.ts';
import { newestLeaf, pathTo } from './tree.ts';
import type { Conversation, Message } from './types.ts';

export const conversations = signal<Conversation[]>([]); // newest first
export const currentId = signal<string | null>(null);
export const messages = signal<Message[]>([]); // of the open conversation, in order of creation
export const persistent = signal(true);
export const justDeleted = signal<Conversation | null>(null);

export const current = computed(
  () => conversations.value.find(({ id }) => id === currentId.value) ?? null,
);
export const path = computed(() => pathTo(messages.value, current.value?.leaf ?? null));

const kUndoMs = 8000;
const kTitleLength = 60;
const memory = new Map<string, Message[]>(); // messages of each opened conversation

let undoTimer: ReturnType<typeof setTimeout> | undefined;

export async function startConversations(): Promise<void> {
  const store = await openStore();
  persistent.value = store.persistent;
  conversations.value = store.conversations.sort((a, b) => b.updated - a.updated);
  addEventListener('hashchange', () => void followAddress());
  await followAddress();
}

async function followAddress(): Promise<void> {
  const id = location.hash.slice(1);
  const known = conversations.value.some((conversation) => conversation.id === id);
  await show(known ? id : null);
}

let wanted: string | null = null; // the latest wish, while messages are being loaded

async function show(id: string | null): Promise<void> {
  wanted = id;
  if (id !== null && !memory.has(id)) {
    const loaded = await loadMessages(id);
    if (!memory.has(id)) memory.set(id, loaded);
    if (wanted !== id) return;
  }
  batch(() => {
    currentId.value = id;
    messages.value = id === null ? [] : (memory.get(id) ?? []);
  });
}

// null: a new, empty one.
export function openConversation(id: string | null): void {
  if (id === null) history.pushState(null, '', location.pathname + location.search);
  else if (location.hash !== `#${id}`) history.pushState(null, '', `#${id}`);
  void show(id);
}

export function createConversation(firstMessage: string): Conversation {
  const now = Date.now();
  const conversation: Conversation = {
    id: newId(),
    title: titleFrom(firstMessage),
    created: now,
    updated: now,
    leaf: null,
  };
  conversations.value = [conversation, ...conversations.value];
  memory.set(conversation.id, []);
  openConversation(conversation.id);
  return conversation;
}

export function titleFrom(text: string): string {
  const line = text.trim().split('\n')[0]?.trim() ?? '';
  if (line.length <= kTitleLength) return line;
  const cut = line.slice(0, kTitleLength);
  const space = cut.lastIndexOf(' ');
  return `${space > kTitleLength / 2 ? cut.slice(0, space) : cut}…`;
}

export function changeConversation(id: string, change: Partial<Conversation>): void {
  const old = conversations.value.find((conversation) => conversation.id === id);
  if (old === undefined) return;
  const next = { ...old, ...change };
  conversations.value = conversations.value
    .map((conversation) => (conversation.id === id ? next : conversation))
    .sort((a, b) => b.updated - a.updated);
  void saveConversation(next);
}

// Adds or replaces a message, in memory and in the store.
export function putMessage(message: Message): void {
  const all = memory.get(message.conversation) ?? [];
  const at = all.findIndex(({ id }) => id === message.id);
  const next = at < 0 ? [...all, message] : all.with(at, message);
  memory.set(message.conversation, next);
  if (message.conversation === currentId.value) messages.value = next;
  void saveMessage(message);
}

export function messagesInMemory(conversation: string): readonly Message[] {
  return memory.get(conversation) ?? [];
}

export function showVersion(message: Message): void {
  changeConversation(message.conversation, { leaf: newestLeaf(messages.value, message.id) });
}

export function deleteConversation(conversation: Conversation): void {
  finishDeletion();
  running.value.get(conversation.id)?.live.controller.abort();
  conversations.value = conversations.value.filter(({ id }) => id !== conversation.id);
  justDeleted.value = conversation;
  void saveConversation({ ...conversation, deleted: Date.now() });
  undoTimer = setTimeout(finishDeletion, kUndoMs);
  if (currentId.value === conversation.id) openConversation(null);
}

export function undoDeletion(): void {
  const conversation = justDeleted.value;
  if (conversation === null) return;
  clearTimeout(undoTimer);
  justDeleted.value = null;
  conversations.value = [...conversations.value, conversation].sort(
    (a, b) => b.updated - a.updated,
  );
  void saveConversation(conversation);
  openConversation(conversation.id);
}

function finishDeletion(): void {
  clearTimeout(undoTimer);
  const conversation = justDeleted.value;
  if (conversation === null) return;
  justDeleted.value = null;
  memory.delete(conversation.id);
  void purge(conversation.id);
}

// crypto.randomUUID exists on secure origins only; a page on a local network has none.
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
