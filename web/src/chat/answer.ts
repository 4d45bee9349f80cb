// Sending, answering, stopping, retrying, continuing. A message is stored before its answer is asked for, and
// the answer while it arrives, so that a reload loses nothing that was seen.

import { signal } from '@preact/signals';

import { streamChat, type ChatRequest, type Usage, type WireMessage } from '../api/client.ts';
import { ApiError, type ChatError } from '../api/errors.ts';
import { connect, connectLater, link, model } from './connection.ts';
import {
  changeConversation, createConversation, current, messagesInMemory, newId, path, putMessage,
} from './conversations.ts';
import { t } from '../i18n/index.ts';
import { LiveAnswer } from './live.ts';
import { PrefixFilter } from './prefix.ts';
import { kContinueWords, promptOf } from './prompt.ts';
import { running, setRun } from './running.ts';
import { settings } from './settings.ts';
import { leaveForReload, saveMessage } from './store.ts';
import { pathTo } from './tree.ts';
import type { Message, MessageState } from './types.ts';

export type Announcement = 'statusStarted' | 'statusDone' | 'statusStopped' | 'statusFailed';
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
  ask(conversation.id, last?.id ?? null, text);
  return true;
}

// Another version of a message of the person's own; what followed the old one stays with it.
export function edit(message: Message, text: string): void {
  if (text.trim() === '' || isBusy()) return;
  ask(message.conversation, message.parent, text);
}

export function stop(): void {
  if (current.value !== null) running.value.get(current.value.id)?.live.controller.abort();
}

// Another version of an answer. An answer of which nothing came is replaced.
export function regenerate(answer: Message): void {
  if (running.value.has(answer.conversation) || answer.parent === null) return;
  const message = newAnswer(answer.conversation, answer.parent);
  void run(answer.content === '' ? { ...message, id: answer.id, created: answer.created } : message, false);
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
    if (message !== undefined) messages.push({ ...message, content: live.text });
  }
  if (messages.length > 0) leaveForReload(messages);
}

function ask(conversation: string, parent: string | null, text: string): void {
  const now = Date.now();
  const message: Message = {
    id: newId(), conversation, parent, role: 'user', content: text, created: now, state: 'done',
  };
  putMessage(message);
  changeConversation(conversation, { leaf: message.id, updated: now });
  void run(newAnswer(conversation, message.id), false);
}

function newAnswer(conversation: string, parent: string): Message {
  return {
    id: newId(), conversation, parent, role: 'assistant', content: '', created: Date.now() + 1, state: 'streaming',
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
  const saver = setInterval(() => void saveMessage({ ...started, content: live.text }), kSaveEveryMs);
  const end = await stream(started, live, continuing);
  clearInterval(saver);
  const stats = live.stats(end.usage);
  putMessage({
    ...started,
    ...(end.model === undefined ? {} : { model: end.model }),
    content: live.text,
    state: end.state,
    ...(end.error === undefined ? {} : { error: end.error }),
    ...(stats.completionTokens > 0 ? { stats } : {}),
  });
  setRun(conversation, null);
  announce(end.state);
}

interface End {
  state: MessageState;
  model?: string;
  usage?: Usage;
  error?: ChatError;
}

async function stream(answer: Message, live: LiveAnswer, continuing: boolean): Promise<End> {
  try {
    const turns = pathTo(messagesInMemory(answer.conversation), answer.parent);
    const messages = promptOf(turns, settings.value.systemPrompt);
    const modelId = await readyModel();
    const end =
      continuing && answer.content !== ''
        ? await receiveRest(modelId, answer.content, messages, live)
        : await receive(request(modelId, messages), live, '');
    return { ...end, model: modelId };
  } catch (cause) {
    return failed(cause, answer, live);
  }
}

// A message may be sent before the page knows the server's models.
async function readyModel(): Promise<string> {
  if (model.value === null) await connect();
  if (model.value !== null) return model.value.id;
  const kind = link.value === 'locked' ? 'unauthorised' : link.value === 'ready' ? 'server' : 'network';
  throw new ApiError({ kind, message: kind === 'server' ? t('noModel') : '' });
}

function request(modelId: string, messages: WireMessage[]): ChatRequest {
  const { temperature, maxTokens } = settings.value;
  return {
    model: modelId,
    messages,
    ...(temperature === null ? {} : { temperature }),
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
  };
}

async function receive(body: ChatRequest, live: LiveAnswer, prefix: string): Promise<End> {
  const filter = new PrefixFilter(prefix);
  let finish = 'stop';
  let usage: Usage | undefined;
  for await (const part of streamChat(body, live.controller.signal)) {
    live.add(filter.push(part.text));
    finish = part.finish ?? finish;
    usage = part.usage ?? usage;
  }
  live.add(filter.flush());
  const state = finish === 'length' ? 'length' : finish === 'model_length' ? 'full' : 'done';
  return { state, ...(usage === undefined ? {} : { usage }) };
}

// Gives the server the beginning of its answer; one that refuses that is asked in words.
async function receiveRest(
  modelId: string, text: string, messages: WireMessage[], live: LiveAnswer,
): Promise<End> {
  const begun: WireMessage = { role: 'assistant', content: text };
  try {
    return await receive(request(modelId, [...messages, { ...begun, prefix: true }]), live, text);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.info.kind !== 'refused') throw cause;
    const words: WireMessage[] = [...messages, begun, { role: 'user', content: kContinueWords }];
    return await receive(request(modelId, words), live, text);
  }
}

function failed(cause: unknown, answer: Message, live: LiveAnswer): End {
  if (live.controller.signal.aborted) return { state: 'stopped' };
  const error: ChatError =
    cause instanceof ApiError ? cause.info : { kind: 'server', message: String(cause).slice(0, 300) };
  if (error.kind === 'unauthorised') {
    waitingForKey = answer;
    link.value = 'locked';
  } else if (error.kind === 'network') {
    connectLater();
  } else if (error.kind === 'interrupted') {
    void connect();
  }
  return { state: live.text === '' ? 'error' : 'interrupted', error };
}

function announce(state: MessageState): void {
  if (state === 'stopped') announcement.value = 'statusStopped';
  else if (state === 'error' || state === 'interrupted') announcement.value = 'statusFailed';
  else announcement.value = 'statusDone';
}
