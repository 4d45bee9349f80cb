// Tools that the page itself can compute: a clock and a calculator.

import type { WireTool } from '../api/client.ts';
import { asRecord } from '../api/errors.ts';
import { evaluate } from './arithmetic.ts';

export interface PageTool {
  tool: WireTool;
  run: (text: string) => string; // by the arguments' JSON; what went wrong is a result as well
}

type Arguments = Record<string, unknown>;

function pageToolOf(
  name: string,
  description: string,
  properties: object,
  required: string[],
  compute: (given: Arguments) => string,
): PageTool {
  const parameters = { type: 'object', properties, required, additionalProperties: false };
  return {
    tool: { type: 'function', function: { name, description, parameters } },
    run: (text) => {
      try {
        return compute(asRecord(JSON.parse(text)));
      } catch (cause) {
        return `Error: ${cause instanceof Error ? cause.message : String(cause)}`;
      }
    },
  };
}

const kTools = [
  pageToolOf(
    'clock',
    'The current date and time, with the day of the week.',
    {
      time_zone: {
        type: 'string',
        description: 'IANA name such as Europe/Paris; without it, that of the user',
      },
    },
    [],
    ({ time_zone: zone }) => timeIn(typeof zone === 'string' && zone !== '' ? zone : undefined),
  ),
  pageToolOf(
    'calculator',
    'The value of an arithmetic expression.',
    {
      expression: {
        type: 'string',
        description:
          'numbers, + - * / % ^, parentheses, pi, e, sqrt, abs, round, ln, log, sin, cos, tan',
      },
    },
    ['expression'],
    ({ expression }) => {
      if (typeof expression !== 'string') throw new Error('expression is missing');
      return String(evaluate(expression));
    },
  ),
];

export const kPageTools: readonly string[] = kTools.map(({ tool }) => tool.function.name);

export function pageTool(name: string): PageTool | undefined {
  return kTools.find(({ tool }) => tool.function.name === name);
}

// In words that models know, whatever the page's language.
export function timeIn(zone: string | undefined, now = new Date()): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
    timeZoneName: 'longOffset',
    ...(zone === undefined ? {} : { timeZone: zone }),
  });
  const part = Object.fromEntries(
    format.formatToParts(now).map(({ type, value }) => [type, value]),
  );
  const { weekday, year, month, day, hour, minute, second, timeZoneName } = part;
  const place = format.resolvedOptions().timeZone;
  return `${weekday}, ${year}-${month}-${day} ${hour}:${minute}:${second} (${place}, ${timeZoneName})`;
}
