// The page: rail, top bar, messages, composer, and what lies over them.

import { announcement } from '../chat/answer.ts';
import { current, justDeleted } from '../chat/conversations.ts';
import { settings } from '../chat/settings.ts';
import { t } from '../i18n/index.ts';
import { Banner } from './banner.tsx';
import { Composer } from './composer.tsx';
import { KeyDialog } from './key_dialog.tsx';
import { Log } from './log.tsx';
import { Rail } from './rail.tsx';
import { SettingsDialog } from './settings_dialog.tsx';
import { useShortcuts } from './shortcuts.ts';
import { ShortcutsDialog } from './shortcuts_dialog.tsx';
import { Toast } from './toast.tsx';
import { TopBar } from './top_bar.tsx';

export function App() {
  useShortcuts();
  const title = current.value?.title;
  document.title = title === undefined ? 'Aquilon' : `${title} · Aquilon`;
  return (
    <div class={settings.value.railOpen ? 'page with-rail' : 'page'}>
      <a class="skip" href="#message" onClick={skip}>
        {t('skip')}
      </a>
      <Rail />
      <main>
        <TopBar />
        <Banner />
        <Log />
        <Composer />
      </main>
      <SettingsDialog />
      <ShortcutsDialog />
      <KeyDialog />
      <Toast />
      <p class="unseen" role="status">
        {status()}
      </p>
    </div>
  );
}

// The one live region: what happened, never the streaming text itself.
function status(): string {
  const deleted = justDeleted.value;
  if (deleted !== null) return t('deleted', { title: deleted.title });
  return announcement.value === null ? '' : t(announcement.value);
}

function skip(event: Event): void {
  event.preventDefault(); // the part after # belongs to the conversations
  document.getElementById('message')?.focus();
}
