// The official @mistralai/mistralai library against a real server (server_for_test.py) and the default model.
// Answers are a few tokens long: the tests run on two busy cores. The library checks every answer and chunk
// against its schemas, so that a field of a wrong shape fails here.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Mistral } from "@mistralai/mistralai";
import { HTTPValidationError, SDKError } from "@mistralai/mistralai/models/errors";
import { ANSWERS, assertFree } from "./cancel_case.mjs";

const { AQUILON_TEST_URL, AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY } = process.env;
const QUESTION = [{ role: "user", content: "What is 2 + 2?" }];
// Greedily, the default model goes on with this for more than 600 tokens.
const COUNT = [{ role: "user", content: "Write the numbers from 1 to 1000, one a line." }];
const CONTEXT = 4096;

const clientOf = (serverURL = AQUILON_TEST_URL, apiKey = "unused") =>
  new Mistral({ serverURL, apiKey, timeoutMs: 300_000 });
const client = clientOf();
let model = "";
before(async () => { model = (await client.models.list()).data[0].id; });

const request = (body) => ({ model, messages: QUESTION, temperature: 0, ...body });
const chat = (body, options) => client.chat.complete(request(body), options);
const stream = (body, options) => client.chat.stream(request(body), options);
const textOf = (events) => events.map((event) => event.data.choices[0].delta.content ?? "").join("");

async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

async function refused(kind, status, says, promise) {
  let error;
  await assert.rejects(promise, (caught) => { error = caught; return true; });
  assert.ok(error instanceof kind, `${error}`);
  assert.equal(error.statusCode, status);
  assert.match(error.body, says);
  return error;
}

test("models: list and retrieve", async () => {
  const { data } = await client.models.list();
  assert.equal(data.length, 1);
  assert.match(data[0].id, /smollm2-135m-instruct/);
  assert.deepEqual([data[0].type, data[0].maxContextLength], ["base", CONTEXT]);
  assert.equal(data[0].capabilities.completionChat, true);
  assert.equal((await client.models.retrieve({ modelId: data[0].id })).id, data[0].id);
});

test("a chat answer equals its stream", async () => {
  const whole = await chat({ maxTokens: 32 });
  const [choice] = whole.choices;
  assert.match(choice.message.content, /4/);
  assert.equal(choice.finishReason, "stop");
  assert.equal(whole.usage.totalTokens, whole.usage.promptTokens + whole.usage.completionTokens);

  const events = await collect(await stream({ maxTokens: 32 }));
  const chunks = events.map((event) => event.data), last = chunks.at(-1);
  assert.deepEqual([chunks[0].choices[0].delta.role, chunks[0].choices[0].delta.content], ["assistant", ""]);
  assert.equal(textOf(events), choice.message.content);
  assert.ok(chunks.slice(0, -1).every((c) => c.choices[0].finishReason === null && c.usage === undefined));
  assert.equal(last.choices[0].finishReason, "stop");
  assert.equal(last.usage.completionTokens, whole.usage.completionTokens);
});

test("maxTokens end with length, n gives several, stop strings end", async () => {
  const cut = await chat({ maxTokens: 3, n: 2 });
  assert.deepEqual(cut.choices.map((c) => [c.index, c.finishReason]), [[0, "length"], [1, "length"]]);
  assert.equal(cut.usage.completionTokens, 6);
  for (const stop of [" is", ["Rome", " is"]]) {
    const [choice] = (await chat({ stop, maxTokens: 16 })).choices;
    assert.deepEqual([choice.message.content, choice.finishReason], ["The answer", "stop"]);
  }
});

test("seeds reproduce", async () => {
  const messages = [{ role: "user", content: "Tell me a story." }];
  const text = async (randomSeed) =>
    (await chat({ messages, temperature: 0.9, randomSeed, maxTokens: 8 })).choices[0].message.content;
  const first = await text(7);
  assert.equal(await text(7), first);
  assert.ok(new Set([first, await text(8), await text(9)]).size > 1);
});

test("embeddings", async () => {
  const { data } = await client.embeddings.create({ model, inputs: ["a lighthouse", "the sea"] });
  assert.equal(data.length, 2);
  assert.ok(Math.abs(data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3);
});

test("streams never split a character", async () => {
  const messages = [{ role: "user", content: "Repeat after me: 😀🎉 naïve café déjà vu" }];
  const whole = (await chat({ messages, maxTokens: 16 })).choices[0].message.content;
  assert.equal(textOf(await collect(await stream({ messages, maxTokens: 16 }))), whole);
  assert.match(whole, /[^\x00-\x7f]/);
});

test("errors have their own classes", async () => {
  await refused(SDKError, 404, /'mistral-x'/, chat({ model: "mistral-x" }));
  await refused(SDKError, 404, /'mistral-x'/, stream({ model: "mistral-x" }));
  for (const [name, field, value] of [["temperature", "temperature", 3], ["maxTokens", "max_tokens", 0]]) {
    const error = await refused(HTTPValidationError, 422, new RegExp(field), chat({ [name]: value }));
    assert.deepEqual(error.detail.map((d) => d.loc), [["body", field]]);
  }
  const long = [{ role: "user", content: "a ".repeat(5000) }];
  const error = await refused(SDKError, 400, /context_length_exceeded/, chat({ messages: long }));
  const numbers = error.body.match(/\d{4,}/g).map(Number);
  assert.ok(numbers.includes(CONTEXT) && Math.max(...numbers) > 5000, error.body);
});

test("fields of later chapters are refused by name", async () => {
  for (const [name, field, value] of [
    ["promptMode", "prompt_mode", "reasoning"],
  ]) await refused(SDKError, 400, new RegExp(`'${field}'`), chat({ [name]: value }));
});

test("keys", async () => {
  await refused(SDKError, 401, /key/, clientOf(AQUILON_TEST_KEYED_URL, "wrong").models.list());
  const { data } = await clientOf(AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY).models.list();
  assert.equal(data.length, 1);
});

const free = () => assertFree(() => chat({ maxTokens: 2 }));
const endless = { messages: COUNT, maxTokens: 3500, n: ANSWERS };

test("an aborted stream frees the server", async () => {
  const abort = new AbortController();
  let events = 0;
  await assert.rejects(async () => {
    for await (const event of await stream(endless, { fetchOptions: { signal: abort.signal } })) {
      assert.equal(event.data.choices[0].finishReason, null);
      if (++events === 3) abort.abort();
    }
  }, { name: "AbortError" });
  assert.ok(events >= 3);
  await free();
});

test("so does a loop that is left", async () => {
  for await (const event of await stream(endless)) {
    assert.equal(event.data.choices[0].finishReason, null);
    break;
  }
  await free();
});
