import { t, type Key } from '../i18n/index.ts';
import { Dialog } from './dialog.tsx';
import { shortcutsOpen } from './panels.ts';
import { kApple } from './shortcuts.ts';

const kHeld = kApple ? 'Ctrl+Option' : 'Alt';
const kShortcuts: [string, Key][] = [
  ['Enter', 'keySend'],
  ['Shift+Enter', 'keyNewline'],
  ['Esc', 'keyStop'],
  ['↑', 'keyEditLast'],
  ['/', 'keyFocus'],
  [`${kHeld}+N`, 'keyNew'],
  [`${kHeld}+B`, 'keyList'],
  [`${kHeld}+S`, 'keySettings'],
  ['?', 'keyHelp'],
];

export function ShortcutsDialog() {
  if (!shortcutsOpen.value) return null;
  return (
    <Dialog title={t('shortcuts')} class="modal" onClose={() => (shortcutsOpen.value = false)}>
      <dl class="shortcuts">
        {kShortcuts.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>
              {keys.split('+').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
