// The page's words: one dictionary a language, loaded when needed; numbers by Intl.

import { computed, effect, signal } from '@preact/signals';

import { settings } from '../chat/settings.ts';
import { en, type Dictionary } from './en.ts';

export const kLanguages: Record<string, string> = {
  en: 'English',
  fr: 'Français',
  es: 'Español',
  de: 'Deutsch',
  it: 'Italiano',
};

const loaders: Record<string, () => Promise<Dictionary>> = {
  fr: () => import('./fr.ts').then((module) => module.fr),
  es: () => import('./es.ts').then((module) => module.es),
  de: () => import('./de.ts').then((module) => module.de),
  it: () => import('./it.ts').then((module) => module.it),
};

const words = signal<{ language: string; dictionary: Dictionary }>({
  language: 'en',
  dictionary: en,
});

// The first of the wanted languages that the page speaks.
export function pickLanguage(wanted: readonly string[]): string {
  const codes = wanted.map((tag) => tag.toLowerCase().split('-')[0] ?? '');
  return codes.find((code) => Object.hasOwn(kLanguages, code)) ?? 'en';
}

// Returns once the words are there, so that no other language flashes up first.
export async function startLanguage(): Promise<void> {
  const wanted = computed(() =>
    pickLanguage([settings.value.language ?? '', ...navigator.languages]),
  );
  let first: Promise<void> = Promise.resolve();
  effect(() => {
    first = show(wanted.value);
  });
  await first;
}

async function show(language: string): Promise<void> {
  const dictionary = (await loaders[language]?.().catch(() => null)) ?? en;
  words.value = { language: dictionary === en ? 'en' : language, dictionary };
  document.documentElement.lang = words.peek().language;
}

export type Key = keyof Dictionary;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words.value.dictionary[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? number(value) : value;
  });
}

const formats = new Map<string, Intl.NumberFormat>(); // each costs as much as hundreds of uses

export function number(value: number, digits = 0): string {
  const { language } = words.value;
  const key = `${language}/${digits}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formats.set(key, format);
  }
  return format.format(value);
}
