// The tools that answers may call: the person's own, by a list in JSON, and those of the page.

import type { WireTool } from '../api/client.ts';
import { asRecord } from '../api/errors.ts';
import { pageTool } from './page_tools.ts';
import type { Settings } from './settings.ts';

const kName = /^[A-Za-z0-9_-]{1,64}$/; // what servers take

// null: none are wanted. 'broken': the text is no list of tools yet, as while it is being written.
// A list, or a single one; each flat or as requests have it, with `function` around it.
export function toolsOf(text: string): WireTool[] | 'broken' | null {
  if (text.trim() === '') return null;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return 'broken';
  }
  const tools = (Array.isArray(list) ? list : [list]).map(toolOf);
  const names = new Set(tools.map((tool) => tool?.function.name));
  return names.has(undefined) || names.size < tools.length ? 'broken' : (tools as WireTool[]);
}

function toolOf(value: unknown): WireTool | null {
  const outer = asRecord(value);
  const { name, description, parameters, strict } = asRecord(outer['function'] ?? value);
  if (typeof name !== 'string' || !kName.test(name)) return null;
  if (description !== undefined && typeof description !== 'string') return null;
  if (parameters !== undefined && !isObject(parameters)) return null;
  return {
    type: 'function',
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
      ...(typeof strict === 'boolean' ? { strict } : {}),
    },
  };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// A tool of the person's own stands in for one of the page of the same name.
export function offeredTools({ tools, pageTools }: Settings): WireTool[] {
  const own = toolsOf(tools);
  const list = own === null || own === 'broken' ? [] : own;
  const taken = new Set(list.map((tool) => tool.function.name));
  const more = pageTools.filter((name) => !taken.has(name)).map((name) => pageTool(name)?.tool);
  return [...list, ...more.filter((tool) => tool !== undefined)];
}

// What computes a call's result in the page; null where the person has to give it.
export function runner(settings: Settings, name: string): ((text: string) => string) | null {
  const own = toolsOf(settings.tools);
  if (Array.isArray(own) && own.some((tool) => tool.function.name === name)) return null;
  return pageTool(name)?.run ?? null;
}

// Arguments for a person to read. Those that are no JSON stay as they are.
export function laidOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
