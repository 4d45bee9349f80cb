// Where the person writes. Send turns into Stop in place; the text in the box is a draft that a
// reload keeps.

import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';

import { isBusy, send, stop } from '../chat/answer.ts';
import { link, model } from '../chat/connection.ts';
import { currentId } from '../chat/conversations.ts';
import { formatOf } from '../chat/format.ts';
import { settings } from '../chat/settings.ts';
import { offeredTools } from '../chat/tools.ts';
import { t } from '../i18n/index.ts';
import { ContextMeter } from './context_meter.tsx';
import { Icon } from './icon.tsx';
import { focusComposer, settingsOpen } from './panels.ts';
import { editLast } from './shortcuts.ts';

const kDraftSlot = 'aquilon.draft';
const draft = signal(sessionStorage.getItem(kDraftSlot) ?? '');

function setDraft(text: string): void {
  draft.value = text;
  sessionStorage.setItem(kDraftSlot, text);
}

export function Composer() {
  const field = useRef<HTMLTextAreaElement>(null);
  const busy = isBusy();
  const text = draft.value;
  useLayoutEffect(focusComposer, [currentId.value]);
  useLayoutEffect(() => fit(field.current), [text]);
  const submit = () => {
    if (busy) stop();
    else if (send(text)) setDraft('');
    field.current?.focus();
  };
  return (
    <div class="dock">
      <form
        class="composer"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <textarea
          id="message"
          ref={field}
          rows={1}
          aria-label={t('message')}
          placeholder={t('placeholder')}
          value={text}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onKeyDown={(event) => onKey(event, busy, submit)}
        />
        <ToolsButton />
        <FormatButton />
        <button
          type="submit"
          class={busy ? 'go busy' : 'go'}
          aria-label={t(busy ? 'stop' : 'send')}
          title={t(busy ? 'stop' : 'send')}
          aria-disabled={!busy && text.trim() === ''}
        >
          <Icon name={busy ? 'stop' : 'send'} />
        </button>
      </form>
      {model.value !== null ? (
        <ContextMeter />
      ) : (
        <p class="meter">{link.value === 'connecting' ? t('connecting') : ''}</p>
      )}
    </div>
  );
}

// Says that tools are on offer, and leads to them.
function ToolsButton() {
  const count = offeredTools(settings.value).length;
  if (count === 0) return null;
  const label = t('toolsOn', { n: count });
  return (
    <button
      type="button"
      class="format"
      aria-label={label}
      title={label}
      onClick={() => (settingsOpen.value = true)}
    >
      <Icon name="braces" />
      {count}
    </button>
  );
}

// Says that answers are held to a schema, and leads to it.
function FormatButton() {
  const format = formatOf(settings.value.jsonSchema);
  if (format === null || format === 'broken') return null;
  return (
    <button
      type="button"
      class="format"
      aria-label={t('jsonOn')}
      title={t('jsonOn')}
      onClick={() => (settingsOpen.value = true)}
    >
      JSON
    </button>
  );
}

function onKey(event: KeyboardEvent, busy: boolean, submit: () => void): void {
  const field = event.currentTarget as HTMLTextAreaElement;
  if (event.key === 'ArrowUp' && field.value === '') {
    event.preventDefault();
    editLast();
    return;
  }
  // Enter that ends a composition of an input method is not meant for us; 229 is what some of them
  // report.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (!busy) submit();
}

// As high as its text, up to what the style sheet allows.
function fit(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
