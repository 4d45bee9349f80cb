// A message of the person's own: plain text as it was typed, never Markdown.

import { useLayoutEffect, useRef } from 'preact/hooks';

import { edit, isBusy } from '../chat/answer.ts';
import type { Message } from '../chat/types.ts';
import { t } from '../i18n/index.ts';
import { IconButton } from './icon.tsx';
import { editingId, focusComposer } from './panels.ts';
import { CopyButton, VersionStepper, type TurnProps } from './turn_parts.tsx';

export function UserTurn(props: TurnProps) {
  const { message, number } = props;
  const editing = editingId.value === message.id;
  return (
    <article class="turn user" aria-label={t('yourTurn', { n: number })}>
      {editing ? <Editor message={message} /> : <p class="bubble">{message.content}</p>}
      {!editing && (
        <div class="actions">
          <VersionStepper {...props} />
          <CopyButton text={message.content} />
          <IconButton
            icon="pencil"
            label={t('edit')}
            onClick={() => !isBusy() && (editingId.value = message.id)}
          />
        </div>
      )}
    </article>
  );
}

function Editor({ message }: { message: Message }) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(message.content.length, message.content.length);
  }, []);
  const leave = () => {
    editingId.value = null;
    focusComposer();
  };
  const save = () => {
    const text = field.current?.value ?? '';
    leave();
    edit(message, text);
  };
  return (
    <div class="editor">
      <textarea
        ref={field}
        aria-label={t('editing')}
        defaultValue={message.content}
        onKeyDown={(event) => {
          if (event.key === 'Escape') leave();
          else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) save();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <div class="editor-actions">
        <button type="button" onClick={leave}>
          {t('cancel')}
        </button>
        <button type="button" class="primary" onClick={save}>
          {t('save')}
        </button>
      </div>
    </div>
  );
}
