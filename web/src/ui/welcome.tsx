import { send } from '../chat/answer.ts';
import { t } from '../i18n/index.ts';
import { Isobars } from './isobars.tsx';
import { focusComposer } from './panels.ts';

const kCards = ['card1', 'card2', 'card3', 'card4'] as const;

// An empty conversation: a greeting and something to start with.
export function Welcome() {
  return (
    <div class="welcome">
      <Isobars />
      <h2>{t('greeting')}</h2>
      <p class="quiet">{t('hint')}</p>
      <ul class="cards" aria-label={t('cards')}>
        {kCards.map((card) => (
          <li key={card}>
            <button
              type="button"
              onClick={() => {
                send(t(card));
                focusComposer();
              }}
            >
              {t(card)}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
