// What turns of both sides have: a copy button and the way between versions.

import { useState } from 'preact/hooks';

import { isBusy } from '../chat/answer.ts';
import { messages, showVersion } from '../chat/conversations.ts';
import { versionKey } from '../chat/tree.ts';
import type { Message } from '../chat/types.ts';
import { t } from '../i18n/index.ts';
import { copyText } from './copy.ts';
import { IconButton } from './icon.tsx';

export interface TurnProps {
  message: Message;
  number: number; // of the turn, from 1
  last: boolean;
  next: Message | undefined; // below it
  version: number; // of this turn, from 0
  versionCount: number;
}

export function CopyButton({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    void copyText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  return (
    <IconButton
      icon={copied ? 'check' : 'copy'}
      label={t(copied ? 'copied' : 'copy')}
      onClick={copy}
    />
  );
}

export function VersionStepper({ message, version, versionCount }: TurnProps) {
  if (versionCount < 2) return null;
  const step = (by: number) => {
    const all = messages.value.filter((other) => versionKey(other) === versionKey(message));
    const target = all[version + by];
    if (target !== undefined && !isBusy()) showVersion(target);
  };
  const label = t('versionOf', { n: version + 1, count: versionCount });
  return (
    <span class="stepper" role="group" aria-label={label}>
      <IconButton icon="left" label={t('previous')} onClick={() => step(-1)} />
      <span title={label}>
        {version + 1} / {versionCount}
      </span>
      <IconButton icon="right" label={t('next')} onClick={() => step(1)} />
    </span>
  );
}
