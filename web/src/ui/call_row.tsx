// One call: its name and, opened, its arguments.

import { useState } from 'preact/hooks';

import { laidOut } from '../chat/tools.ts';
import type { Call } from '../chat/types.ts';
import { Icon } from './icon.tsx';

export function CallRow({ call, open }: { call: Call; open: boolean }) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const shown = chosen ?? open;
  return (
    <details
      class="call"
      open={shown}
      onToggle={(event) => {
        if (event.currentTarget.open !== shown) setChosen(event.currentTarget.open);
      }}
    >
      <summary>
        <Icon name="braces" />
        <span class="name">{call.name}</span>
        {!shown && <span class="brief">{call.arguments}</span>}
      </summary>
      <pre>{laidOut(call.arguments)}</pre>
    </details>
  );
}
