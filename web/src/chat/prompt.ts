// What is sent for a turn: the system prompt and the turns above it.

import type { WireMessage } from '../api/client.ts';
import type { Message } from './types.ts';

// Answers that never came are left out; the two messages then standing together are joined, since
// templates want the roles to alternate.
export function promptOf(turns: readonly Message[], systemPrompt: string): WireMessage[] {
  const wire: WireMessage[] = [];
  if (systemPrompt.trim() !== '') wire.push({ role: 'system', content: systemPrompt });
  for (const { role, content } of turns) {
    const last = wire.at(-1);
    if (content === '') continue;
    if (last?.role === role) last.content += `\n\n${content}`;
    else wire.push({ role, content });
  }
  return wire;
}

// For a server that cannot continue a started answer: asks in words.
export const kContinueWords =
  'Continue your last answer exactly where it stopped. Do not repeat anything and do not comment.';
