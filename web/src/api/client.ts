// The two calls that the page makes: GET v1/models, POST v1/chat/completions as a stream.
// Addresses are relative, so the page works below any path.

import { ApiError, asRecord, errorFields, errorOf } from './errors.ts';
import { SseParser } from './sse.ts';

export interface Model {
  id: string;
  contextLength: number | null;
}

export interface WireCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export interface WireMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  prefix?: true;
  reasoning_content?: string;
  tool_calls?: WireCall[];
  tool_call_id?: string;
}

export interface WireTool {
  type: 'function';
  function: { name: string; description?: string; parameters?: object; strict?: boolean };
}

export interface ChatRequest {
  model: string;
  messages: WireMessage[];
  temperature?: number;
  max_tokens?: number;
  response_format?: object;
  tools?: WireTool[];
  tool_choice?: 'required';
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
}

// A call, or a piece of one: those of one index are one call.
export interface CallPart {
  index: number;
  id: string;
  name: string;
  arguments: string;
}

export interface StreamPart {
  text: string;
  reasoning?: string;
  calls?: CallPart[];
  finish?: string;
  usage?: Usage;
}

const kKeySlot = 'aquilon.key'; // the session's storage only: gone with the tab

export function setApiKey(key: string): void {
  if (key === '') sessionStorage.removeItem(kKeySlot);
  else sessionStorage.setItem(kKeySlot, key);
}

function headers(): Record<string, string> {
  const key = sessionStorage.getItem(kKeySlot);
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers: { ...headers(), ...init.headers } });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError({ kind: 'network', message: '' });
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

export async function fetchModels(): Promise<Model[]> {
  const response = await request('v1/models', { cache: 'no-store' });
  const body = asRecord(await response.json().catch(() => null));
  const cards = Array.isArray(body['data']) ? body['data'] : [];
  return cards
    .map(asRecord)
    .filter((card) => typeof card['id'] === 'string')
    .map((card) => ({
      id: String(card['id']),
      contextLength:
        typeof card['max_context_length'] === 'number' ? card['max_context_length'] : null,
    }));
}

// One event of the stream. Throws ApiError on an error carried inside the stream.
export function streamPart(data: string): StreamPart {
  const chunk = asRecord(JSON.parse(data));
  if (chunk['error'] !== undefined) throw new ApiError({ kind: 'server', ...errorFields(chunk) });
  const choice = asRecord(Array.isArray(chunk['choices']) ? chunk['choices'][0] : null);
  const delta = asRecord(choice['delta']);
  const part: StreamPart = { text: textOf(delta['content']) };
  const reasoning = textOf(delta['reasoning_content']);
  if (reasoning !== '') part.reasoning = reasoning;
  if (Array.isArray(delta['tool_calls'])) part.calls = delta['tool_calls'].map(callPart);
  if (typeof choice['finish_reason'] === 'string') part.finish = choice['finish_reason'];
  const usage = asRecord(chunk['usage']);
  if (typeof usage['completion_tokens'] === 'number') {
    part.usage = {
      promptTokens: Number(usage['prompt_tokens'] ?? 0),
      completionTokens: usage['completion_tokens'],
    };
  }
  return part;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function callPart(value: unknown, place: number): CallPart {
  const call = asRecord(value);
  const called = asRecord(call['function']);
  return {
    index: typeof call['index'] === 'number' ? call['index'] : place,
    id: textOf(call['id']),
    name: textOf(called['name']),
    arguments: textOf(called['arguments']),
  };
}

// Streams an answer. Ends after [DONE]; a stream that ends earlier is an ApiError `interrupted`.
// Aborting the signal closes the connection, by which the server stops generating.
export async function* streamChat(
  body: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<StreamPart> {
  const response = await request('v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ ...body, stream: true }),
    signal,
  });
  if (response.body === null) throw new ApiError({ kind: 'interrupted', message: '' });
  const reader = response.body.getReader();
  const parser = new SseParser();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        if (signal.aborted) throw cause;
        throw new ApiError({ kind: 'interrupted', message: '' });
      });
      if (done) throw new ApiError({ kind: 'interrupted', message: '' });
      for (const data of parser.push(value)) {
        if (data === '[DONE]') return;
        yield streamPart(data);
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
