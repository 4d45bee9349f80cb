// The official Anthropic library against a real server (server_for_test.py) and the default model.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";

const { AQUILON_TEST_URL, AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY } = process.env;
const QUESTION = [{ role: "user", content: "What is 2 + 2?" }];

const clientOf = (baseURL = AQUILON_TEST_URL, apiKey = "unused") =>
  new Anthropic({ baseURL, apiKey, maxRetries: 0, timeout: 300_000 });
const client = clientOf();
let model = "";
before(async () => { model = (await client.models.list()).data[0].id; });

const request = (body) => ({ model, max_tokens: 32, messages: QUESTION, temperature: 0, ...body });
const create = (body) => client.messages.create(request(body));

test("an answer equals its stream", async () => {
  const whole = await create();
  assert.match(whole.content[0].text, /4/);
  assert.deepEqual([whole.content.length, whole.stop_reason, whole.role], [1, "end_turn", "assistant"]);
  const stream = client.messages.stream(request());
  let text = "";
  stream.on("text", (delta) => { text += delta; });
  const final = await stream.finalMessage();
  assert.equal(text, whole.content[0].text);
  assert.equal(final.content[0].text, text);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
});

test("stop reasons", async () => {
  assert.equal((await create({ max_tokens: 2 })).stop_reason, "max_tokens");
  const stopped = await create({ stop_sequences: ["Rome", " is"] });
  assert.deepEqual([stopped.content[0].text, stopped.stop_reason, stopped.stop_sequence],
    ["The answer", "stop_sequence", " is"]);
});

test("tokens are counted", async () => {
  const { input_tokens } = await client.messages.countTokens({ model, messages: QUESTION });
  const { usage } = await create({ max_tokens: 1 });
  assert.equal(input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
});

test("errors have their own classes", async () => {
  await assert.rejects(create({ model: "claude" }), (e) => e instanceof Anthropic.NotFoundError && /claude/.test(e.message));
  await assert.rejects(create({ max_tokens: 0 }), (e) => e instanceof Anthropic.BadRequestError && /max_tokens/.test(e.message));
  const wrong = clientOf(AQUILON_TEST_KEYED_URL, "wrong");
  const ask = { model: "azureai", max_tokens: 1, messages: QUESTION };
  await assert.rejects(wrong.messages.create(ask), (e) => e instanceof Anthropic.AuthenticationError);
  const right = await clientOf(AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY).messages.create(ask);
  assert.equal(right.usage.output_tokens, 1);
});
