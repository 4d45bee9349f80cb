// The page's own line icons, on a grid of 20.

const kPaths = {
  plus: 'M10 4v12M4 10h12',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  close: 'M5 5l10 10M15 5 5 15',
  send: 'M10 16V4M5 9l5-5 5 5',
  stop: 'M6 6h8v8H6z',
  copy: 'M7 7V4h9v9h-3M4 7h9v9H4z',
  check: 'M4 10.5l4 4 8-9',
  pencil: 'M4 16l1-4 8.5-8.5 3 3L8 15l-4 1ZM11.5 5.5l3 3',
  again: 'M15.5 8A6 6 0 1 0 16 11.5M16 4v4h-4',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10',
  sliders: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
  left: 'M12 5l-5 5 5 5',
  right: 'M8 5l5 5-5 5',
  down: 'M10 4v12M5 11l5 5 5-5',
  warn: 'M10 3 2.5 16.5h15L10 3ZM10 8v4M10 14.2v.3',
  keyboard: 'M2.5 5.5h15v9h-15zM5.5 8.5h.5M8.5 8.5H9M11.5 8.5h.5M14.5 8.5h.5M6 11.5h8',
  braces:
    'M7 3C5 3 5.5 5 5.5 7.5 5.5 9 5 10 3.5 10 5 10 5.5 11 5.5 12.5 5.5 15 5 17 7 17' +
    'M13 3c2 0 1.5 2 1.5 4.5 0 1.5.5 2.5 2 2.5-1.5 0-2 1-2 2.5 0 2.5.5 4.5-1.5 4.5',
  run: 'M6.5 4.5v11l9-5.5-9-5.5Z',
  back: 'M4 4v6a3 3 0 0 0 3 3h9M12 9l4 4-4 4',
  forward: 'M4 5v10M8 10h8M12 6l4 4-4 4',
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={kPaths[name]} />
    </svg>
  );
}

interface ButtonProps {
  icon: IconName;
  label: string; // the accessible name
  onClick: () => void;
  text?: string; // shown beside the icon
  class?: string;
  expanded?: boolean;
}

export function IconButton({
  icon,
  label,
  onClick,
  text,
  class: extra = '',
  expanded,
}: ButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${extra}`}
      aria-label={text === label ? undefined : label}
      aria-expanded={expanded}
      title={text === undefined ? label : undefined}
      onClick={onClick}
    >
      <Icon name={icon} />
      {text !== undefined && <span>{text}</span>}
    </button>
  );
}
