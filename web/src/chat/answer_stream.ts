// One answer over the wire: what is sent, what comes back, how it ended.

import { streamChat, type ChatRequest, type Usage, type WireMessage } from '../api/client.ts';
import { ApiError, type ChatError } from '../api/errors.ts';
import { t } from '../i18n/index.ts';
import { connect, link, model } from './connection.ts';
import { messagesInMemory } from './conversations.ts';
import { formatOf } from './format.ts';
import type { LiveAnswer } from './live.ts';
import { PrefixFilter, seam } from './prefix.ts';
import { kContinueWords, promptOf } from './prompt.ts';
import { settings } from './settings.ts';
import { offeredTools } from './tools.ts';
import { pathTo } from './tree.ts';
import type { Message, MessageState } from './types.ts';

// How a request ended.
export interface End {
  state: MessageState;
  model?: string;
  usage?: Usage;
  error?: ChatError;
}

// Asks for the answer to the turns above it, or for the rest of it; its text goes to `live` as it
// arrives. Never throws.
export async function stream(answer: Message, live: LiveAnswer, continuing: boolean): Promise<End> {
  try {
    const turns = pathTo(messagesInMemory(answer.conversation), answer.parent);
    const messages = promptOf(turns, settings.value.systemPrompt);
    const modelId = await readyModel();
    const end =
      continuing && answer.content !== ''
        ? await receiveRest(modelId, answer, messages, live)
        : await receive(request(modelId, messages, answer.json, 'tools'), live, '');
    return { ...end, model: modelId };
  } catch (cause) {
    return failed(cause, live);
  }
}

// A message may be sent before the page knows the server's models.
async function readyModel(): Promise<string> {
  if (model.value === null) await connect();
  if (model.value !== null) return model.value.id;
  const kind =
    link.value === 'locked' ? 'unauthorised' : link.value === 'ready' ? 'server' : 'network';
  throw new ApiError({ kind, message: kind === 'server' ? t('noModel') : '' });
}

// Tools are on offer to whole answers. A call that is asked for is wanted of the answer to a message:
// one to results has to end some time.
function request(
  modelId: string,
  messages: WireMessage[],
  json?: true,
  kind?: 'tools',
): ChatRequest {
  const tools = kind === 'tools' ? offeredTools(settings.value) : [];
  const must = settings.value.mustCall && messages.at(-1)?.role === 'user';
  const { temperature, maxTokens, jsonSchema } = settings.value;
  const format = json ? formatOf(jsonSchema) : null;
  return {
    model: modelId,
    messages,
    ...(temperature === null ? {} : { temperature }),
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(format === null || format === 'broken' ? {} : { response_format: format }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length > 0 && must ? { tool_choice: 'required' as const } : {}),
  };
}

async function receive(
  body: ChatRequest,
  live: LiveAnswer,
  prefix: string,
  join: (text: string) => string = (text) => text,
): Promise<End> {
  const filter = new PrefixFilter(prefix);
  let finish = 'stop';
  let usage: Usage | undefined;
  for await (const part of streamChat(body, live.controller.signal)) {
    if (part.reasoning !== undefined) live.think(part.reasoning);
    live.add(join(filter.push(part.text)));
    if (part.calls !== undefined) live.call(part.calls);
    finish = part.finish ?? finish;
    usage = part.usage ?? usage;
  }
  live.add(join(filter.flush()));
  const state = finish === 'length' ? 'length' : finish === 'model_length' ? 'full' : 'done';
  return { state, ...(usage === undefined ? {} : { usage }) };
}

// Gives the server the beginning of its answer; one that refuses that is asked in words.
async function receiveRest(
  modelId: string,
  { content: text, json }: Message,
  messages: WireMessage[],
  live: LiveAnswer,
): Promise<End> {
  const begun: WireMessage = { role: 'assistant', content: text };
  try {
    const turns: WireMessage[] = [...messages, { ...begun, prefix: true }];
    return await receive(request(modelId, turns, json), live, text);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.info.kind !== 'refused') throw cause;
    const words: WireMessage[] = [...messages, begun, { role: 'user', content: kContinueWords }];
    const join = (piece: string) => (live.text === text ? seam(text, piece) + piece : piece);
    return await receive(request(modelId, words), live, text, join);
  }
}

function failed(cause: unknown, live: LiveAnswer): End {
  if (live.controller.signal.aborted) return { state: 'stopped' };
  const error: ChatError =
    cause instanceof ApiError
      ? cause.info
      : { kind: 'server', message: String(cause).slice(0, 300) };
  return { state: live.text === '' && live.calls.length === 0 ? 'error' : 'interrupted', error };
}
