// Which models the server has, and whether it can be reached. Asks again by itself after a failure.

import { computed, signal } from '@preact/signals';

import { fetchModels, setApiKey, type Model } from '../api/client.ts';
import { ApiError } from '../api/errors.ts';
import { settings } from './settings.ts';

export type Link = 'connecting' | 'ready' | 'lost' | 'locked'; // locked: the server wants a key

export const link = signal<Link>('connecting');
export const models = signal<Model[]>([]);
export const retryAt = signal(0); // ms since the epoch, while lost
export const keyRejected = signal(false);

// The model that the next answer comes from.
export const model = computed<Model | null>(
  () => models.value.find((each) => each.id === settings.value.model) ?? models.value[0] ?? null,
);

const kFirstDelayMs = 1000;
const kLongestDelayMs = 30_000;

let delay = kFirstDelayMs;
let timer: ReturnType<typeof setTimeout> | undefined;

export async function connect(): Promise<void> {
  clearTimeout(timer);
  try {
    models.value = await fetchModels();
    link.value = 'ready';
    delay = kFirstDelayMs;
  } catch (cause) {
    if (cause instanceof ApiError && cause.info.kind === 'unauthorised') link.value = 'locked';
    else connectLater();
  }
}

// 1, 2, 4 … 30 s, each shortened by up to a fifth so that many pages do not come back in step.
export function connectLater(): void {
  const wait = delay * (1 - 0.2 * Math.random());
  delay = Math.min(delay * 2, kLongestDelayMs);
  retryAt.value = Date.now() + wait;
  link.value = 'lost';
  clearTimeout(timer);
  timer = setTimeout(() => void connect(), wait);
}

// Returns whether the server takes the key.
export async function unlock(key: string): Promise<boolean> {
  setApiKey(key);
  await connect();
  keyRejected.value = link.peek() === 'locked';
  return !keyRejected.value;
}
