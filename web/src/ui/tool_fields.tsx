// The tools in the settings: the person's own, those of the page, and whether one must be called.

import { kPageTools } from '../chat/page_tools.ts';
import { changeSettings, settings } from '../chat/settings.ts';
import { toolsOf } from '../chat/tools.ts';
import { t, type Key } from '../i18n/index.ts';
import { CodeField } from './field.tsx';

const kExample = '[{"name": "weather", "description": "…", "parameters": {"type": "object"}}]';

const kNames: Record<string, Key> = { clock: 'toolClock', calculator: 'toolCalculator' };

export function ToolFields() {
  const { tools, pageTools, mustCall } = settings.value;
  const broken = toolsOf(tools) === 'broken';
  return (
    <>
      <CodeField
        id="tools"
        label={t('tools')}
        hint={t(broken ? 'toolsBroken' : 'toolsHint')}
        broken={broken}
        placeholder={kExample}
        value={tools}
        onChange={(text) => changeSettings({ tools: text })}
      />
      <fieldset class="checks" aria-describedby="page-tools-hint">
        <legend>{t('pageTools')}</legend>
        {kPageTools.map((name) => (
          <Check
            key={name}
            label={t(kNames[name] ?? 'tools')}
            checked={pageTools.includes(name)}
            onChange={(on) =>
              changeSettings({
                pageTools: kPageTools.filter((each) =>
                  each === name ? on : pageTools.includes(each),
                ),
              })
            }
          />
        ))}
        <p class="quiet" id="page-tools-hint">
          {t('pageToolsHint')}
        </p>
        <Check
          label={t('mustCall')}
          checked={mustCall}
          onChange={(on) => changeSettings({ mustCall: on })}
        />
      </fieldset>
    </>
  );
}

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (on: boolean) => void;
}

function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
