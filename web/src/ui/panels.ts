// Which of the things that lie over the page are open.

import { signal } from '@preact/signals';

export const settingsOpen = signal(false);
export const shortcutsOpen = signal(false);
export const sheetOpen = signal(false); // the rail, on a phone
export const editingId = signal<string | null>(null); // the message being edited

export function isPhone(): boolean {
  return matchMedia('(max-width: 799px)').matches;
}

// Not on a touch screen: the keyboard that comes up would hide what was asked for.
export function focusComposer(): void {
  if (!matchMedia('(pointer: coarse)').matches) document.getElementById('message')?.focus();
}
