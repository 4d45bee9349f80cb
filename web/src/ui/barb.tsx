// A wind barb, as weather charts draw speed: half a barb is 5, a barb 10, a pennant 50. Here:
// tokens a second. Decoration only: the number stands beside it.

import { barbParts } from './barb_parts.ts';

const kTop = 3;
const kStep = 3.4;

export function Barb({ speed }: { speed: number }) {
  const { pennants, barbs, half } = barbParts(speed);
  let y = kTop;
  let feathers = '';
  let flags = '';
  for (let i = 0; i < pennants; ++i, y += kStep + 1.2) flags += `M12 ${y}h8l-8 ${kStep}z`;
  for (let i = 0; i < barbs; ++i, y += kStep) feathers += `M12 ${y}l8-2`;
  if (half) feathers += `M12 ${pennants + barbs === 0 ? y + kStep : y}l4-1`;
  return (
    <svg class="barb" viewBox="0 0 24 32" aria-hidden="true">
      <path class="flag" d={flags} />
      <path d={`M12 ${kTop}V26${feathers}`} />
      <circle cx="12" cy="28" r="2" />
    </svg>
  );
}
