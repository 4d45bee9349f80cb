// Sending, answering, stopping, retrying, continuing. A message is stored before its answer is
// asked for, and the answer while it arrives, so that a reload loses nothing that was seen.

import { signal } from '@preact/signals';

import type { ChatError } from '../api/errors.ts';
import { stream } from './answer_stream.ts';
import { connect, connectLater, link } from './connection.ts';
import {
  changeConversation,
  createConversation,
  current,
  messagesInMemory,
  newId,
  path,
  putMessage,
} from './conversations.ts';
import { formatOf } from './format.ts';
import { LiveAnswer } from './live.ts';
import { running, setRun } from './running.ts';
import { settings } from './settings.ts';
import { leaveForReload, saveMessage } from './store.ts';
import { isEmpty } from './tree.ts';
import type { CallResult, Message, MessageState } from './types.ts';

export type Announcement =
  'statusStarted' | 'statusDone' | 'statusCalls' | 'statusStopped' | 'statusFailed';
export const announcement = signal<Announcement | null>(null); // for screen readers

const kSaveEveryMs = 500;

let waitingForKey: Message | null = null;

export function isBusy(): boolean {
  return current.value !== null && running.value.has(current.value.id);
}

// False where nothing can be sent now.
export function send(text: string): boolean {
  if (text.trim() === '' || isBusy()) return false;
  const last = path.value.at(-1);
  const conversation = current.value ?? createConversation(text);
  ask(conversation.id, last?.id ?? null, { role: 'user', content: text });
  return true;
}

// Another version of a message of the person's own; what followed the old one stays with it.
export function edit(message: Message, text: string): void {
  if (text.trim() === '' || isBusy()) return;
  ask(message.conversation, message.parent, { role: 'user', content: text });
}

// What the calls of an answer gave: the model goes on. Given again, another version of them.
export function sendResults(answer: Message, results: CallResult[]): void {
  if (isBusy()) return;
  ask(answer.conversation, answer.id, { role: 'tool', content: '', results });
}

export function stop(): void {
  if (current.value !== null) running.value.get(current.value.id)?.live.controller.abort();
}

// Another version of an answer. An answer of which nothing came is replaced.
export function regenerate(answer: Message): void {
  if (running.value.has(answer.conversation) || answer.parent === null) return;
  const message = newAnswer(answer.conversation, answer.parent);
  void run(
    isEmpty(answer) ? { ...message, id: answer.id, created: answer.created } : message,
    false,
  );
}

export function continueAnswer(answer: Message): void {
  if (!running.value.has(answer.conversation)) void run(answer, true);
}

// Called once the server took a key: asks again for the answer that was refused.
export function resumeAfterKey(): void {
  const message = waitingForKey;
  waitingForKey = null;
  if (message !== null) regenerate(message);
}

// Stores the answers under way, for a page that is being closed.
export function saveRunning(): void {
  const messages: Message[] = [];
  for (const [conversation, { messageId, live }] of running.value) {
    const message = messagesInMemory(conversation).find(({ id }) => id === messageId);
    if (message !== undefined) messages.push({ ...message, ...live.told() });
  }
  if (messages.length > 0) leaveForReload(messages);
}

function ask(
  conversation: string,
  parent: string | null,
  said: Pick<Message, 'role' | 'content' | 'results'>,
): void {
  const now = Date.now();
  const message: Message = {
    id: newId(),
    conversation,
    parent,
    ...said,
    created: now,
    state: 'done',
  };
  putMessage(message);
  changeConversation(conversation, { leaf: message.id, updated: now });
  void run(newAnswer(conversation, message.id), false);
}

function newAnswer(conversation: string, parent: string): Message {
  const format = formatOf(settings.value.jsonSchema);
  return {
    id: newId(),
    conversation,
    parent,
    role: 'assistant',
    content: '',
    created: Date.now() + 1,
    state: 'streaming',
    ...(format === null || format === 'broken' ? {} : { json: true as const }),
  };
}

async function run(answer: Message, continuing: boolean): Promise<void> {
  const { conversation } = answer;
  const { error: _, ...rest } = answer;
  const started: Message = { ...rest, state: 'streaming' };
  const live = new LiveAnswer(answer.content);
  setRun(conversation, { messageId: answer.id, live });
  putMessage(started);
  changeConversation(conversation, { leaf: answer.id });
  announcement.value = 'statusStarted';
  const saver = setInterval(() => void saveMessage({ ...started, ...live.told() }), kSaveEveryMs);
  const end = await stream(started, live, continuing);
  clearInterval(saver);
  const stats = live.stats(end.usage);
  putMessage({
    ...started,
    ...(end.model === undefined ? {} : { model: end.model }),
    ...live.told(),
    state: end.state,
    ...(end.error === undefined ? {} : { error: end.error }),
    ...(stats.completionTokens > 0 ? { stats } : {}),
  });
  if (end.error !== undefined) react(end.error, started);
  setRun(conversation, null);
  announce(end.state, live.calls.length > 0);
}

// What an error means for the page as a whole.
function react(error: ChatError, answer: Message): void {
  if (error.kind === 'unauthorised') {
    waitingForKey = answer;
    link.value = 'locked';
  } else if (error.kind === 'network') {
    connectLater();
  } else if (error.kind === 'interrupted') {
    void connect();
  }
}

function announce(state: MessageState, calls: boolean): void {
  if (state === 'stopped') announcement.value = 'statusStopped';
  else if (state === 'error' || state === 'interrupted') announcement.value = 'statusFailed';
  else announcement.value = calls ? 'statusCalls' : 'statusDone';
}
