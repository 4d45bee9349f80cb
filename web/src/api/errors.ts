// What can go wrong with a request, as the page shows it.

export type ErrorKind =
  | 'network' // no answer at all: the server is gone
  | 'interrupted' // the stream ended before the answer did
  | 'busy' // 429, 503
  | 'unauthorised' // 401
  | 'refused' // other 4xx: the server's own words help most
  | 'server'; // 5xx, or an error inside the stream

export interface ChatError {
  kind: ErrorKind;
  message: string; // the server's words; may be empty
  status?: number;
  param?: string;
  retryAt?: number; // ms since the epoch
}

export class ApiError extends Error {
  readonly info: ChatError;
  constructor(info: ChatError) {
    super(info.message);
    this.info = info;
  }
}

function kindOf(status: number): ErrorKind {
  if (status === 401) return 'unauthorised';
  if (status === 429 || status === 503) return 'busy';
  return status >= 500 ? 'server' : 'refused';
}

const kDefaultRetrySeconds = 5;
const kMaxRetrySeconds = 600;

// Seconds of a Retry-After header: a number or a date.
export function retryAfterSeconds(header: string | null, now: number): number {
  if (header === null || header === '') return kDefaultRetrySeconds;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - now) / 1000;
  if (!Number.isFinite(seconds)) return kDefaultRetrySeconds;
  return Math.min(Math.max(seconds, 0), kMaxRetrySeconds);
}

// The error in a body of either shape, {error: {message}} or {message}; detail[0].msg of a 422 as
// well.
export function errorFields(body: unknown): { message: string; param?: string } {
  const top = asRecord(body);
  const inner = asRecord(top['error']);
  const detail = Array.isArray(top['detail']) ? asRecord(top['detail'][0])['msg'] : top['detail'];
  const words = [inner['message'], top['message'], top['error'], detail].find(
    (w) => typeof w === 'string',
  );
  const param = inner['param'] ?? top['param'];
  return {
    message: typeof words === 'string' ? words : '',
    ...(typeof param === 'string' ? { param } : {}),
  };
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let fields: { message: string; param?: string };
  try {
    fields = errorFields(JSON.parse(text));
  } catch {
    fields = { message: text.slice(0, 300) };
  }
  const kind = kindOf(response.status);
  const info: ChatError = { kind, status: response.status, ...fields };
  if (kind === 'busy') {
    const now = Date.now();
    info.retryAt = now + 1000 * retryAfterSeconds(response.headers.get('retry-after'), now);
  }
  return new ApiError(info);
}
