import { useEffect, useState } from 'preact/hooks';

import type { LiveAnswer } from '../chat/live.ts';
import { number, t } from '../i18n/index.ts';
import { Barb } from './barb.tsx';

const kEveryMs = 250;

// The speed of an answer under way, as a number and as a wind barb.
export function LiveSpeed({ live }: { live: LiveAnswer }) {
  const [speed, setSpeed] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSpeed(live.speed()), kEveryMs);
    return () => clearInterval(timer);
  }, [live]);
  return (
    <p class="live-speed">
      <Barb speed={speed} />
      <span>
        {speed > 0 ? t('speed', { n: number(speed, speed < 10 ? 1 : 0) }) : t('thinking')}
      </span>
    </p>
  );
}
