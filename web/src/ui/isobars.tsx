// The one ornament: isobars around a low and a high, as on a weather chart.

const kLines = [
  'M-20 232C60 214 96 150 168 138S300 168 372 122 492 18 640 34',
  'M-20 196C54 182 84 122 160 106S292 136 356 92 470-10 640-2',
  'M-20 268C66 250 112 186 180 174S318 204 396 156 516 60 640 72',
  'M-20 304C76 288 128 224 196 212S336 240 424 192 540 104 640 110',
  'M132 44c-34 8-62 26-58 44s40 16 72 0 60-32 52-46-38-6-66 2Z',
  'M134 56c-20 6-38 16-36 26s26 8 44-2 34-20 30-26-22-2-38 2Z',
  'M446 238c-36 6-70 24-64 42s52 18 92 4 74-34 64-48-56-4-92 2Z',
  'M452 250c-22 4-44 14-40 24s32 10 58 2 46-20 40-28-36-2-58 2Z',
];

export function Isobars() {
  return (
    <svg
      class="isobars"
      viewBox="0 0 620 300"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
    >
      {kLines.map((line) => (
        <path key={line} d={line} />
      ))}
      <text x="128" y="78">
        L
      </text>
      <text x="455" y="270">
        H
      </text>
    </svg>
  );
}
