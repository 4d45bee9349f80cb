// Keys that work anywhere on the page. The same list is shown by shortcuts_dialog.tsx.

import { useEffect } from 'preact/hooks';

import { isBusy, stop } from '../chat/answer.ts';
import { openConversation, path } from '../chat/conversations.ts';
import { changeSettings, settings } from '../chat/settings.ts';
import {
  editingId,
  focusComposer,
  isPhone,
  settingsOpen,
  sheetOpen,
  shortcutsOpen,
} from './panels.ts';

export function toggleRail(): void {
  if (isPhone()) sheetOpen.value = !sheetOpen.value;
  else changeSettings({ railOpen: !settings.value.railOpen });
}

export function newChat(): void {
  sheetOpen.value = false;
  openConversation(null);
  focusComposer();
}

export function editLast(): void {
  const last = path.value.findLast(({ role }) => role === 'user');
  if (last !== undefined && !isBusy()) editingId.value = last.id;
}

// On Apple's keyboards Option alone writes letters such as ñ and ß.
export const kApple = /^(Mac|iP)/.test(navigator.platform);

const kAltKeys: Record<string, () => void> = {
  KeyN: newChat,
  KeyB: toggleRail,
  KeyS: () => (settingsOpen.value = true),
};

function onKey(event: KeyboardEvent): void {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (event.defaultPrevented || target?.closest('dialog') != null) return;
  const writing = target?.matches('input, textarea, select') === true;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const held = event.altKey && event.ctrlKey === kApple && !event.metaKey;
  const action = held ? kAltKeys[event.code] : undefined;
  if (action !== undefined) action();
  else if (event.key === 'Escape' && sheetOpen.value) sheetOpen.value = false;
  else if (event.key === 'Escape' && isBusy()) stop();
  else if (event.key === '?' && plain && !writing) shortcutsOpen.value = true;
  else if (event.key === '/' && plain && !writing) focusComposer();
  else return;
  event.preventDefault();
}

export function useShortcuts(): void {
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
