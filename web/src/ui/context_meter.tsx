// How much of the model's context the conversation fills, as a barometer's scale, by the server's
// own counts.

import { model } from '../chat/connection.ts';
import { path } from '../chat/conversations.ts';
import { number, t } from '../i18n/index.ts';

export function band(share: number): 'fair' | 'change' | 'storm' {
  return share >= 0.95 ? 'storm' : share >= 0.75 ? 'change' : 'fair';
}

export function ContextMeter() {
  const limit = model.value?.contextLength ?? null;
  if (limit === null) return <p class="meter" />;
  const stats = path.value.findLast(({ stats }) => (stats?.promptTokens ?? 0) > 0)?.stats;
  const used = stats === undefined ? 0 : stats.promptTokens + stats.completionTokens;
  const share = Math.min(used / limit, 1);
  return (
    <p class={`meter ${band(share)}`}>
      <svg viewBox="0 0 121 10" preserveAspectRatio="xMinYMax slice" aria-hidden="true">
        {Array.from({ length: 25 }, (_, i) => (
          <path
            key={i}
            class={i / 24 <= share && used > 0 ? 'on' : ''}
            d={`M${0.5 + 5 * i} 10V${i % 4 === 0 ? 1 : 5}`}
          />
        ))}
      </svg>
      <span>
        {used === 0
          ? t('contextSize', { limit: number(limit) })
          : t('contextUse', { used: number(used), limit: number(limit) })}
      </span>
    </p>
  );
}
