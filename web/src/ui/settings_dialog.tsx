// The drawer with the person's choices. Each takes effect at once, for the next answer.

import { formatOf } from '../chat/format.ts';
import { changeSettings, kDefaults, settings, type Theme } from '../chat/settings.ts';
import { kLanguages, t, type Key } from '../i18n/index.ts';
import { Dialog } from './dialog.tsx';
import { CodeField, Field } from './field.tsx';
import { settingsOpen } from './panels.ts';
import { ToolFields } from './tool_fields.tsx';

const kThemes: Record<Theme, Key> = { auto: 'themeAuto', light: 'themeLight', dark: 'themeDark' };

const kSchemaExample = '{"type": "object", "properties": {"city": {"type": "string"}}}';

export function SettingsDialog() {
  return settingsOpen.value ? <Drawer /> : null;
}

function Drawer() {
  const { systemPrompt, temperature, maxTokens, theme, language } = settings.value;
  const { jsonSchema, railOpen } = settings.value;
  const broken = formatOf(jsonSchema) === 'broken';
  return (
    <Dialog title={t('settings')} class="drawer" onClose={() => (settingsOpen.value = false)}>
      <Field id="system" label={t('systemPrompt')} hint={t('systemHint')}>
        <textarea
          id="system"
          rows={5}
          value={systemPrompt}
          aria-describedby="system-hint"
          onInput={(event) => changeSettings({ systemPrompt: event.currentTarget.value })}
        />
      </Field>
      <Field id="temperature" label={t('temperature')} hint={t('temperatureHint')}>
        <NumberInput
          id="temperature"
          value={temperature}
          min={0}
          max={2}
          step={0.1}
          onChange={(value) => changeSettings({ temperature: value })}
        />
      </Field>
      <Field id="max-tokens" label={t('maxTokens')} hint={t('maxTokensHint')}>
        <NumberInput
          id="max-tokens"
          value={maxTokens}
          min={1}
          max={1_000_000}
          step={1}
          onChange={(value) => changeSettings({ maxTokens: value })}
        />
      </Field>
      <CodeField
        id="json-schema"
        label={t('jsonSchema')}
        hint={t(broken ? 'jsonBroken' : 'jsonHint')}
        broken={broken}
        placeholder={kSchemaExample}
        value={jsonSchema}
        onChange={(text) => changeSettings({ jsonSchema: text })}
      />
      <ToolFields />
      <fieldset class="choice">
        <legend>{t('theme')}</legend>
        {(Object.keys(kThemes) as Theme[]).map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="theme"
              checked={theme === each}
              onChange={() => changeSettings({ theme: each })}
            />
            <span>{t(kThemes[each])}</span>
          </label>
        ))}
      </fieldset>
      <Field id="language" label={t('language')}>
        <select
          id="language"
          value={language ?? ''}
          onChange={(event) => changeSettings({ language: event.currentTarget.value || null })}
        >
          <option value="">{t('languageAuto')}</option>
          {Object.entries(kLanguages).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <button type="button" onClick={() => changeSettings({ ...kDefaults, railOpen })}>
        {t('reset')}
      </button>
    </Dialog>
  );
}

interface NumberProps {
  id: string;
  value: number | null;
  min: number;
  max: number;
  step: number;
  onChange: (value: number | null) => void;
}

// Empty means null; what is out of range is not taken over.
function NumberInput({ id, value, min, max, step, onChange }: NumberProps) {
  return (
    <input
      id={id}
      type="number"
      inputMode="decimal"
      min={min}
      max={max}
      step={step}
      value={value ?? ''}
      aria-describedby={`${id}-hint`}
      onInput={(event) => {
        const { value: text, valueAsNumber, validity } = event.currentTarget;
        if (validity.valid) onChange(text === '' ? null : valueAsNumber);
      }}
    />
  );
}
