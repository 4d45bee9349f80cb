// The left rail: new chat and the list of conversations. On a phone it slides over the page.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import {
  changeConversation,
  conversations,
  currentId,
  deleteConversation,
  openConversation,
  persistent,
} from '../chat/conversations.ts';
import { running } from '../chat/running.ts';
import { settings } from '../chat/settings.ts';
import type { Conversation } from '../chat/types.ts';
import { t, type Key } from '../i18n/index.ts';
import { Icon, IconButton } from './icon.tsx';
import { focusComposer, isPhone, settingsOpen, sheetOpen, shortcutsOpen } from './panels.ts';
import { newChat, toggleRail } from './shortcuts.ts';

const kDayMs = 24 * 60 * 60 * 1000;

export function groupOf(updated: number, now: number): Key {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (updated >= midnight) return 'today';
  return updated >= midnight - 6 * kDayMs ? 'week' : 'older';
}

export function Rail() {
  const phone = isPhone();
  const shown = phone ? sheetOpen.value : settings.value.railOpen;
  const rail = useRef<HTMLElement>(null);
  useEffect(() => {
    if (phone && shown) rail.current?.querySelector('button')?.focus();
  }, [phone, shown]);
  const groups = Map.groupBy(conversations.value, ({ updated }) => groupOf(updated, Date.now()));
  return (
    <>
      {phone && shown && <div class="veil" onClick={toggleRail} />}
      <nav
        class={shown ? 'rail shown' : 'rail'}
        aria-label={t('conversations')}
        ref={rail}
        inert={!shown}
      >
        <div class="rail-head">
          <span class="wordmark">Aquilon</span>
          <IconButton icon="menu" label={t('hideList')} expanded={shown} onClick={toggleRail} />
        </div>
        <button type="button" class="new-chat" onClick={newChat}>
          <Icon name="plus" />
          {t('newChat')}
        </button>
        <div class="rail-list">
          {conversations.value.length === 0 && <p class="quiet">{t('noChats')}</p>}
          {[...groups].map(([group, members]) => (
            <section key={group}>
              <h2>{t(group)}</h2>
              <ul>
                {members.map((each) => (
                  <Entry key={each.id} conversation={each} />
                ))}
              </ul>
            </section>
          ))}
        </div>
        {!persistent.value && <p class="quiet">{t('notKept')}</p>}
        <div class="rail-foot">
          <IconButton
            icon="sliders"
            label={t('settings')}
            text={t('settings')}
            onClick={() => (settingsOpen.value = true)}
          />
          <IconButton
            icon="keyboard"
            label={t('shortcuts')}
            onClick={() => (shortcutsOpen.value = true)}
          />
        </div>
      </nav>
    </>
  );
}

function Entry({ conversation }: { conversation: Conversation }) {
  const [renaming, setRenaming] = useState(false);
  const { id } = conversation;
  const title = conversation.title || t('untitled');
  if (renaming)
    return (
      <li>
        <Rename conversation={conversation} onDone={() => setRenaming(false)} />
      </li>
    );
  return (
    <li class={currentId.value === id ? 'entry chosen' : 'entry'}>
      <a
        href={`#${id}`}
        aria-current={currentId.value === id ? 'page' : undefined}
        onClick={(event) => {
          event.preventDefault();
          sheetOpen.value = false;
          openConversation(id);
          focusComposer();
        }}
      >
        {running.value.has(id) && <span class="pulse" aria-hidden="true" />}
        {title}
      </a>
      <IconButton
        icon="pencil"
        label={t('renameOf', { title })}
        onClick={() => setRenaming(true)}
      />
      <IconButton
        icon="trash"
        label={t('deleteOf', { title })}
        onClick={() => {
          deleteConversation(conversation);
          focusComposer();
        }}
      />
    </li>
  );
}

export function Rename({
  conversation,
  onDone,
}: {
  conversation: Conversation;
  onDone: () => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  const cancelled = useRef(false);
  useLayoutEffect(() => field.current?.select(), []);
  const finish = () => {
    const title = field.current?.value.trim() ?? '';
    if (!cancelled.current && title !== '') changeConversation(conversation.id, { title });
    onDone();
  };
  return (
    <input
      class="rename"
      ref={field}
      aria-label={t('title')}
      maxLength={200}
      defaultValue={conversation.title}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== 'Escape') return;
        event.preventDefault();
        cancelled.current = event.key === 'Escape';
        field.current?.blur();
        focusComposer();
      }}
    />
  );
}
