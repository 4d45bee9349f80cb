// The JSON Schema that the person wants answers to be values of.

export interface ResponseFormat {
  type: 'json_schema';
  json_schema: { name: 'answer'; strict: true; schema: unknown };
}

// null: none is wanted. 'broken': the text is no schema yet, as while it is being written.
export function formatOf(text: string): ResponseFormat | 'broken' | null {
  if (text.trim() === '') return null;
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch {
    return 'broken';
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return 'broken';
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

// JSON as a block of code in Markdown, whatever is in its strings; `text` may still grow.
export function asCode(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return `${'`'.repeat(Math.max(12, longest + 1))}json\n${text}`;
}
