// Conversations are trees: each message knows its parent, a conversation knows the leaf that it
// shows.

import type { ChatError } from '../api/errors.ts';

export type MessageState =
  | 'done'
  | 'streaming'
  | 'stopped' // by the person
  | 'length' // the token limit of the request
  | 'full' // the end of the context
  | 'interrupted' // the page or the connection went away
  | 'error'; // nothing came; see error

export interface Stats {
  promptTokens: number;
  completionTokens: number;
  tokensPerSecond: number;
  firstTokenSeconds: number;
}

// A call of a tool, as the model wrote it.
export interface Call {
  id: string;
  name: string;
  arguments: string; // JSON
}

export interface CallResult {
  call: string; // its id
  content: string;
}

export interface Message {
  id: string;
  conversation: string;
  parent: string | null;
  role: 'user' | 'assistant' | 'tool';
  content: string; // of a tool's: empty
  reasoning?: string; // before the answer
  calls?: Call[]; // of an answer
  results?: CallResult[]; // of a tool's: one for each call of the answer above it
  created: number; // ms since the epoch
  state: MessageState;
  model?: string;
  json?: true; // an answer that was to be JSON
  error?: ChatError;
  stats?: Stats;
}

export interface Conversation {
  id: string;
  title: string;
  created: number;
  updated: number;
  leaf: string | null;
  deleted?: number; // when; undone or purged soon after
}
