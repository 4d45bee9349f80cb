// What is sent for a turn: the system prompt and the turns above it.

import type { WireMessage } from '../api/client.ts';
import { isEmpty } from './tree.ts';
import type { Call, Message } from './types.ts';

// Answers that never came are left out, and calls that were given no result; two messages of one
// role that then stand together are joined, since templates want the roles to alternate.
export function promptOf(turns: readonly Message[], systemPrompt: string): WireMessage[] {
  const wire: WireMessage[] = [];
  if (systemPrompt.trim() !== '') wire.push({ role: 'system', content: systemPrompt });
  for (const [index, turn] of turns.entries()) {
    const next = turns[index + 1];
    const results = next?.role === 'tool' ? (next.results ?? []) : [];
    const last = wire.at(-1);
    if (turn.role === 'tool' || isEmpty(turn)) continue;
    if (turn.calls !== undefined && results.length > 0) {
      wire.push(calling(turn, turn.calls));
      for (const { id } of turn.calls) {
        const content = results.find(({ call }) => call === id)?.content ?? '';
        wire.push({ role: 'tool', tool_call_id: id, content });
      }
    } else if (turn.content === '') {
      continue;
    } else if (last?.role === turn.role && last.tool_calls === undefined) {
      last.content += `\n\n${turn.content}`;
    } else {
      wire.push({ role: turn.role, content: turn.content });
    }
  }
  return wire;
}

// Models that reason want to see what led to their own calls.
function calling({ content, reasoning }: Message, calls: readonly Call[]): WireMessage {
  return {
    role: 'assistant',
    content,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    tool_calls: calls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    })),
  };
}

// For a server that cannot continue a started answer: asks in words.
export const kContinueWords =
  'Continue your last answer exactly where it stopped. Do not repeat anything and do not comment.';
