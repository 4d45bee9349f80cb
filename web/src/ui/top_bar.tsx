// Above the messages: the conversation's title, the model, the way to the settings.

import { useState } from 'preact/hooks';

import { link, model, models } from '../chat/connection.ts';
import { current } from '../chat/conversations.ts';
import { changeSettings, settings } from '../chat/settings.ts';
import { number, t } from '../i18n/index.ts';
import { IconButton } from './icon.tsx';
import { isPhone, settingsOpen } from './panels.ts';
import { Rename } from './rail.tsx';
import { newChat, toggleRail } from './shortcuts.ts';

export function TopBar() {
  const railHidden = isPhone() || !settings.value.railOpen;
  return (
    <header class="top-bar">
      {railHidden && (
        <IconButton icon="menu" label={t('showList')} expanded={false} onClick={toggleRail} />
      )}
      <Title />
      <ModelPicker />
      {railHidden && <IconButton icon="plus" label={t('newChat')} onClick={newChat} />}
      {railHidden && (
        <IconButton
          icon="sliders"
          label={t('settings')}
          onClick={() => (settingsOpen.value = true)}
        />
      )}
    </header>
  );
}

function Title() {
  const [renaming, setRenaming] = useState<string | null>(null);
  const conversation = current.value;
  if (conversation === null) return <h1 class="title">{t('newChat')}</h1>;
  if (renaming === conversation.id) {
    return (
      <div class="title">
        <Rename conversation={conversation} onDone={() => setRenaming(null)} />
      </div>
    );
  }
  return (
    <h1 class="title">
      <button type="button" title={t('rename')} onClick={() => setRenaming(conversation.id)}>
        {conversation.title || t('untitled')}
      </button>
    </h1>
  );
}

function ModelPicker() {
  const chosen = model.value;
  if (chosen === null) return link.value === 'ready' ? <p class="model">{t('noModel')}</p> : null;
  const size =
    chosen.contextLength === null ? '' : t('contextSize', { limit: number(chosen.contextLength) });
  if (models.value.length === 1)
    return (
      <p class="model" title={size}>
        {chosen.id}
      </p>
    );
  return (
    <select
      class="model"
      aria-label={t('model')}
      value={chosen.id}
      onChange={(event) => changeSettings({ model: event.currentTarget.value })}
    >
      {models.value.map(({ id }) => (
        <option key={id} value={id}>
          {id}
        </option>
      ))}
    </select>
  );
}
