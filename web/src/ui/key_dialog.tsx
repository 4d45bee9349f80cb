// Asks for the API key when the server wants one.

import { useRef } from 'preact/hooks';

import { resumeAfterKey } from '../chat/answer.ts';
import { keyRejected, link, unlock } from '../chat/connection.ts';
import { t } from '../i18n/index.ts';
import { Dialog } from './dialog.tsx';

export function KeyDialog() {
  return link.value === 'locked' ? <Ask /> : null;
}

function Ask() {
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await unlock(field.current?.value.trim() ?? '')) resumeAfterKey();
    else field.current?.select();
  };
  return (
    <Dialog
      title={t('keyTitle')}
      class="modal"
      onClose={() => link.value === 'locked' && (link.value = 'connecting')}
    >
      <form onSubmit={(event) => void submit(event)}>
        <p>{t('keyText')}</p>
        <label class="field">
          <span>{t('keyTitle')}</span>
          <input ref={field} type="password" autocomplete="off" required autofocus />
        </label>
        {keyRejected.value && (
          <p class="problem" role="alert">
            {t('keyWrong')}
          </p>
        )}
        <button type="submit" class="primary">
          {t('unlock')}
        </button>
      </form>
    </Dialog>
  );
}
