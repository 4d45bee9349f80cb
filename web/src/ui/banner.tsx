// Tells that the server is away. Everything that was said stays readable meanwhile.

import { connect, link, retryAt } from '../chat/connection.ts';
import { t } from '../i18n/index.ts';
import { useCountdown } from './countdown.ts';
import { Icon } from './icon.tsx';

export function Banner() {
  if (link.value !== 'lost') return null;
  return <Lost />;
}

function Lost() {
  const seconds = useCountdown(retryAt.value);
  return (
    <div class="banner">
      <Icon name="warn" />
      <span role="alert">{t('lost')}</span>
      <span>{seconds > 0 ? t('retryIn', { n: seconds }) : t('connecting')}</span>
      <button type="button" class="small" onClick={() => void connect()}>
        {t('retryNow')}
      </button>
    </div>
  );
}
