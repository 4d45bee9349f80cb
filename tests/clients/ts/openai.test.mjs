// The official openai library against a real server (server_for_test.py) and the default model.
// Answers are a few tokens long: the tests run on two busy cores.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import OpenAI, {
  APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError, UnprocessableEntityError,
} from "openai";
import { ANSWERS, assertFree } from "./cancel_case.mjs";

const { AQUILON_TEST_URL, AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY } = process.env;
const QUESTION = [{ role: "user", content: "What is 2 + 2?" }];
const CAPITAL_TEXT = "The capital of France is";
const CAPITAL_IDS = [504, 3575, 282, 4649, 314]; // the same in SmolLM2's tokens
const PARIS = 7042; // " Paris"

const clientOf = (url = AQUILON_TEST_URL, apiKey = "unused") =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, timeout: 300_000 });
const client = clientOf();
let model = "";
before(async () => { model = (await client.models.list()).data[0].id; });

const chat = (body, options) =>
  client.chat.completions.create({ model, messages: QUESTION, temperature: 0, ...body }, options);
const complete = (body, options) =>
  client.completions.create({ model, prompt: CAPITAL_TEXT, temperature: 0, ...body }, options);

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function refused(kind, status, says, promise) {
  let error;
  await assert.rejects(async () => promise, (caught) => { error = caught; return true; });
  assert.ok(error instanceof kind, `${error}`);
  assert.equal(error.status, status);
  assert.match(error.message, says);
  return error;
}

test("models: list and retrieve", async () => {
  const { data } = await client.models.list();
  assert.equal(data.length, 1);
  assert.match(data[0].id, /smollm2-135m-instruct/);
  assert.deepEqual(await client.models.retrieve(data[0].id), data[0]);
});

test("a chat answer equals its stream", async () => {
  const whole = await chat({ max_tokens: 32 });
  const [choice] = whole.choices;
  assert.match(choice.message.content, /4/);
  assert.equal(choice.message.role, "assistant");
  assert.equal(choice.finish_reason, "stop");
  assert.match(whole.id, /^[0-9a-f]{32}$/);
  assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);

  const chunks = await collect(await chat({ max_tokens: 32, stream: true }));
  const [first] = chunks, last = chunks.at(-1);
  assert.deepEqual(first.choices[0].delta, { role: "assistant", content: "" });
  assert.ok(chunks.slice(1).every((c) => !("role" in c.choices[0].delta)));
  assert.equal(chunks.map((c) => c.choices[0].delta.content ?? "").join(""), choice.message.content);
  assert.ok(chunks.slice(0, -1).every((c) => c.choices[0].finish_reason === null && !("usage" in c)));
  assert.equal(last.choices[0].finish_reason, "stop");
  assert.equal(last.usage.completion_tokens, whole.usage.completion_tokens);
});

test("include_usage adds a chunk without choices", async () => {
  const body = { max_tokens: 2, stream: true, stream_options: { include_usage: true } };
  const chunks = await collect(await chat(body));
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 2);
  assert.equal(chunks.at(-2).choices[0].finish_reason, "length");
});

test("the library's own stream helper", async () => {
  const stream = client.chat.completions.stream({ model, messages: QUESTION, temperature: 0, max_tokens: 4 });
  const deltas = [];
  stream.on("content", (delta) => deltas.push(delta));
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, "length");
  assert.ok(final.choices[0].message.content.length > 0);
  assert.equal(deltas.join(""), final.choices[0].message.content);
});

test("seeds reproduce, n answers differ", async () => {
  const texts = async (seed) => (await complete(
    { prompt: "Once upon a time", temperature: 0.9, seed, n: 2, max_tokens: 8 })).choices.map((c) => c.text);
  const first = await texts(7);
  assert.deepEqual(await texts(7), first);
  assert.notDeepEqual(await texts(8), first);
  assert.notEqual(first[0], first[1]);
});

test("stop strings", async () => {
  for (const stop of [" Paris", ["Rome", " Paris"]]) {
    const [choice] = (await complete({ stop, max_tokens: 16 })).choices;
    assert.deepEqual([choice.text, choice.finish_reason], ["", "stop"]);
  }
});

test("logprobs and logit_bias", async () => {
  const [choice] = (await chat({ max_tokens: 2, logprobs: true, top_logprobs: 2 })).choices;
  assert.equal(choice.logprobs.content.map((e) => e.token).join(""), choice.message.content);
  for (const entry of choice.logprobs.content) {
    assert.equal(entry.top_logprobs.length, 2);
    assert.equal(entry.top_logprobs[0].logprob, entry.logprob);
  }
  const biased = await complete({ logit_bias: { [PARIS]: 100 }, max_tokens: 3 });
  assert.equal(biased.choices[0].text, " Paris Paris Paris");
});

test("text and ids are the same prompt", async () => {
  const text = await complete({ max_tokens: 4 }), ids = await complete({ prompt: CAPITAL_IDS, max_tokens: 4 });
  assert.ok(text.choices[0].text.startsWith(" Paris"));
  assert.deepEqual([ids.choices, ids.usage], [text.choices, text.usage]);
  assert.deepEqual([text.usage.prompt_tokens, text.usage.completion_tokens], [5, 4]);
});

test("embeddings: bytes and numbers are the same", async () => {
  const ask = { model, input: ["a lighthouse", "the sea"] };
  const coded = await client.embeddings.create(ask); // the library asks for base64 by itself
  const plain = await client.embeddings.create({ ...ask, encoding_format: "float" });
  assert.equal(coded.data.length, 2);
  coded.data.forEach((one, i) => one.embedding.forEach((x, k) =>
    assert.ok(Math.abs(x - plain.data[i].embedding[k]) < 1e-6)));
});

test("streams never split a character", async () => {
  for (const prompt of ["naïve café, déjà vu, naïve café, déjà vu, naïve", "😀🎉日本😀🎉日本😀🎉"]) {
    const whole = (await complete({ prompt, max_tokens: 14 })).choices[0].text;
    const chunks = await collect(await complete({ prompt, max_tokens: 14, stream: true }));
    assert.equal(chunks.map((c) => c.choices[0].text).join(""), whole);
    assert.match(whole, /[^\x00-\x7f]/);
    assert.doesNotMatch(whole, /\ufffd[^\ufffd]/u); // but where max_tokens cut the last one
  }
});

test("errors have their own classes", async () => {
  const unknown = await refused(NotFoundError, 404, /'gpt-x'/, chat({ model: "gpt-x" }));
  assert.deepEqual([unknown.code, unknown.param], ["model_not_found", "model"]);
  for (const [field, value] of [["temperature", "hot"], ["temperature", 3], ["max_tokens", 0]]) {
    const error = await refused(UnprocessableEntityError, 422, new RegExp(field), chat({ [field]: value }));
    assert.equal(error.param, field);
  }
  for (const stream of [false, true]) {
    const prompt = Array(5000).fill(504);
    const error = await refused(BadRequestError, 400, /5000.*4096|4096.*5000/, complete({ prompt, stream }));
    assert.equal(error.code, "context_length_exceeded");
  }
  const functions = [{ name: "f", parameters: { type: "object", properties: {} } }];
  assert.equal((await refused(BadRequestError, 400, /'functions'/, chat({ functions }))).param, "functions");
});

test("any JSON object is one", async () => {
  const answer = await chat({ response_format: { type: "json_object" }, temperature: 0, max_tokens: 200 });
  const [choice] = answer.choices;
  assert.ok(choice.message.content.trimStart().startsWith("{"));
  if (choice.finish_reason === "stop") assert.equal(typeof JSON.parse(choice.message.content), "object");
});

test("keys", async () => {
  await refused(AuthenticationError, 401, /key/, clientOf(AQUILON_TEST_KEYED_URL, "wrong").models.list());
  const { data } = await clientOf(AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY).models.list();
  assert.equal(data.length, 1);
});

const free = () => assertFree(() => chat({ max_tokens: 2 }));
const endless = { prompt: "Once", max_tokens: 3500, n: ANSWERS, ignore_eos: true };

test("an aborted stream frees the server", async () => {
  const abort = new AbortController();
  let chunks = 0;
  const stream = await complete({ ...endless, stream: true }, { signal: abort.signal });
  for await (const chunk of stream) {
    assert.equal(chunk.choices[0].finish_reason, null);
    if (++chunks === 3) abort.abort();
  }
  assert.ok(chunks >= 3);
  await free();
});

test("so does a loop that is left, and an aborted request", async () => {
  for await (const chunk of await complete({ ...endless, stream: true })) {
    assert.equal(chunk.choices[0].finish_reason, null);
    break;
  }
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 500);
  await assert.rejects(complete(endless, { signal: abort.signal }), APIUserAbortError);
  await free();
});
