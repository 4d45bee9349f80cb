import { justDeleted, undoDeletion } from '../chat/conversations.ts';
import { t } from '../i18n/index.ts';

// After a deletion, for some seconds: the way back.
export function Toast() {
  const conversation = justDeleted.value;
  if (conversation === null) return null;
  return (
    <div class="toast">
      <span>{t('deleted', { title: conversation.title || t('untitled') })}</span>
      <button type="button" class="small" onClick={undoDeletion}>
        {t('undo')}
      </button>
    </div>
  );
}
