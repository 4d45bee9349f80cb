// What the person chose, kept in local storage. The API key is not here: see api/client.ts.

import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

export interface Settings {
  systemPrompt: string;
  temperature: number | null; // null: the server's default
  maxTokens: number | null; // null: up to the end of the context
  jsonSchema: string; // of answers; empty: they are free
  tools: string; // that answers may call, as JSON; empty: none
  pageTools: string[]; // those of the page that are on offer, by name
  mustCall: boolean; // an answer to a message calls one at least
  theme: Theme;
  language: string | null; // null: the browser's
  model: string | null; // null: the server's first
  railOpen: boolean;
}

export const kDefaults: Settings = {
  systemPrompt: '',
  temperature: null,
  maxTokens: null,
  jsonSchema: '',
  tools: '',
  pageTools: [],
  mustCall: false,
  theme: 'auto',
  language: null,
  model: null,
  railOpen: true,
};

const kSlot = 'aquilon.settings';

// Values of the wrong type, from another version or another hand, fall back to their defaults.
export function readSettings(text: string | null): Settings {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? '{}');
  } catch {
    stored = {};
  }
  const from = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<
    string,
    unknown
  >;
  const word = (key: string) => (typeof from[key] === 'string' ? from[key] : null);
  const number = (key: string) => (typeof from[key] === 'number' ? from[key] : null);
  const theme = word('theme');
  const pageTools: unknown[] = Array.isArray(from['pageTools']) ? from['pageTools'] : [];
  return {
    systemPrompt: word('systemPrompt') ?? kDefaults.systemPrompt,
    temperature: number('temperature'),
    maxTokens: number('maxTokens'),
    jsonSchema: word('jsonSchema') ?? kDefaults.jsonSchema,
    tools: word('tools') ?? kDefaults.tools,
    pageTools: pageTools.filter((name) => typeof name === 'string'),
    mustCall: from['mustCall'] === true,
    theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
    language: word('language'),
    model: word('model'),
    railOpen: from['railOpen'] !== false,
  };
}

export const settings = signal<Settings>(kDefaults);

export function changeSettings(change: Partial<Settings>): void {
  settings.value = { ...settings.value, ...change };
  try {
    localStorage.setItem(kSlot, JSON.stringify(settings.value));
  } catch {
    // Storage is full or refused: the choice holds until the page closes.
  }
}

export function startSettings(): void {
  try {
    settings.value = readSettings(localStorage.getItem(kSlot));
  } catch {
    // Storage is refused: the defaults stand.
  }
  effect(() => {
    const theme = settings.value.theme;
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  });
}
