// A server with Aquilon's interface, for the page's tests: serves build/web/dist under the real
// headers and answers from a script. What it does next is set through `mock.behaviour`; what it saw
// is in `mock.requests`. Run by itself (`node mock_server.mjs [PORT]`) it is a playground for
// working on the page.

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const kDist = fileURLToPath(new URL('../../build/web/dist/', import.meta.url));

export const kCsp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
  "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'";

const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export const kDefaultBehaviour = {
  text: 'Hello! How can I help you today?', // or a function of the request's body
  reasoning: '', // before the text
  calls: [], // behind it: {name, arguments}, or a function of the request's body
  tokensPerSecond: 200,
  firstTokenMs: 0,
  finish: 'stop',
  status: 200, // anything else: an error with `message`
  message: '',
  headers: {},
  dropAfter: Infinity, // tokens, then the connection breaks
  errorAfter: Infinity, // tokens, then an error inside the stream
  key: null, // wanted API key
  prefix: false, // takes a started answer
  models: [{ id: 'mock-1b', max_context_length: 8192 }],
};

export async function startMock(port = 0) {
  const mock = { behaviour: { ...kDefaultBehaviour }, requests: [], open: 0, closedEarly: [] };
  const sockets = new Set();
  const server = createServer((request, response) => handle(mock, request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  mock.set = (change) => (mock.behaviour = { ...kDefaultBehaviour, ...change });
  mock.stop = () =>
    new Promise((done) => {
      server.close(done);
      for (const socket of sockets) socket.destroy();
    });
  mock.start = (at) => new Promise((done) => server.listen(at, '127.0.0.1', done));
  await mock.start(port);
  mock.port = server.address().port;
  mock.url = `http://127.0.0.1:${mock.port}/`;
  return mock;
}

async function handle(mock, request, response) {
  const path = request.url.split('?')[0];
  if (!path.startsWith('/v1/')) return serveFile(path, response);
  const { key, models } = mock.behaviour;
  if (key !== null && request.headers.authorization !== `Bearer ${key}`) {
    return sendError(response, 401, 'Missing or wrong API key.');
  }
  if (path === '/v1/models') {
    const data = models.map((card) => ({
      object: 'model',
      created: 0,
      owned_by: 'mock',
      type: 'base',
      ...card,
    }));
    return sendJson(response, 200, { object: 'list', data });
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  const body = JSON.parse(text);
  mock.requests.push(body);
  await complete(mock, body, response);
}

async function complete(mock, body, response) {
  const now = mock.behaviour;
  if (now.status !== 200) return sendError(response, now.status, now.message, now.headers);
  const started = body.messages.at(-1).role === 'assistant';
  if (started && !now.prefix)
    return sendError(response, 400, '"prefix" is not supported.', {}, 'messages.prefix');
  let gone = false;
  mock.open += 1;
  response.on('close', () => {
    mock.open -= 1;
    if (!response.writableFinished) {
      gone = true;
      mock.closedEarly.push(Date.now());
    }
  });
  const answer = typeof now.text === 'function' ? now.text(body) : now.text;
  const calls = typeof now.calls === 'function' ? now.calls(body) : now.calls;
  const tokens = answer.match(/[\s\S]{1,4}/gu) ?? [''];
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const event = (choice, more = {}) =>
    response.write(
      `data: ${JSON.stringify({
        id: 'mock',
        object: 'chat.completion.chunk',
        created: 0,
        model: body.model,
        ...more,
        choices: [{ index: 0, finish_reason: null, ...choice }],
      })}\n\n`,
    );
  event({ delta: { role: 'assistant', content: '' } });
  await sleep(now.firstTokenMs);
  if (now.reasoning !== '') event({ delta: { reasoning_content: now.reasoning } });
  const start = performance.now();
  for (const [index, token] of tokens.entries()) {
    const due = start + (index * 1000) / now.tokensPerSecond;
    if (due > performance.now() + 1) await sleep(due - performance.now());
    if (gone) return;
    if (index >= now.dropAfter) {
      await sleep(100); // what was written is on its way
      return void response.destroy();
    }
    if (index >= now.errorAfter) {
      event(
        { delta: {}, finish_reason: 'error' },
        { error: { message: 'The engine stopped.', type: 'server_error' } },
      );
      break;
    }
    const last = index === tokens.length - 1;
    const promptTokens = body.messages.reduce(
      (sum, { content }) => sum + Math.ceil(content.length / 4) + 4,
      0,
    );
    const usage = {
      prompt_tokens: promptTokens,
      completion_tokens: tokens.length,
      total_tokens: promptTokens + tokens.length,
    };
    if (last && calls.length > 0) {
      if (token !== '') event({ delta: { content: token } });
      const delta = { tool_calls: calls.map(wireCall) };
      event({ delta, finish_reason: 'tool_calls' }, { usage });
      break;
    }
    event(
      { delta: { content: token }, finish_reason: last ? now.finish : null },
      last ? { usage } : {},
    );
  }
  response.end('data: [DONE]\n\n');
}

let callsMade = 0;

function wireCall(call, index) {
  callsMade += 1;
  return { index, id: `call_${callsMade}`, type: 'function', function: call };
}

function sendJson(response, status, body, headers = {}) {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));
}

function sendError(response, status, message, headers = {}, param = null) {
  const error = { message, type: 'invalid_request_error', param, code: null };
  sendJson(response, status, { object: 'error', ...error, error }, headers);
}

function serveFile(path, response) {
  const file = join(kDist, normalize(path === '/' ? '/index.html' : path));
  if (!file.startsWith(kDist) || !existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, {
    'content-type': kTypes[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': kCsp,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  });
  createReadStream(file).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock(Number(process.argv[2] ?? 8081));
  mock.set({
    tokensPerSecond: 40,
    text: ({ messages }) => `You said:\n\n> ${messages.at(-1).content}\n\n**Indeed.**`,
  });
  console.log(`the page with a scripted server: ${mock.url}`);
}
