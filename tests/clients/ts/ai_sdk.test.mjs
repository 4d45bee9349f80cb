// @ai-sdk/mistral with the AI SDK of its time against a real server (server_for_test.py) and the default model.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as ai6 from "ai-6";
import * as ai7 from "ai";
import * as mistral3 from "ai-sdk-mistral-3";
import * as mistral4 from "@ai-sdk/mistral";
import { assertFree } from "./cancel_case.mjs";

const { AQUILON_TEST_URL, AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY } = process.env;
globalThis.AI_SDK_LOG_WARNINGS = false;
const QUESTION = "What is 2 + 2?", ANSWER = "The answer is 4.";
const COUNT = "Write the numbers from 1 to 1000, one a line.";
let model = "";
before(async () => { model = (await (await fetch(`${AQUILON_TEST_URL}/v1/models`)).json()).data[0].id; });

async function refused(ai, status, says, promise) {
  await assert.rejects(async () => promise, (error) => {
    assert.ok(ai.APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, status);
    assert.match(error.message, says);
    return true;
  });
}

for (const [major, ai, { createMistral }] of [[3, ai6, mistral3], [4, ai7, mistral4]]) {
  const provider = (url = AQUILON_TEST_URL, apiKey = "unused") => createMistral({ baseURL: `${url}/v1`, apiKey });
  const options = (more) =>
    ({ model: provider()(model), prompt: QUESTION, temperature: 0, maxOutputTokens: 16, maxRetries: 0, ...more });
  const generate = (more) => ai.generateText(options(more));

  test(`${major}: an answer equals its stream`, async () => {
    const whole = await generate();
    assert.deepEqual([whole.text, whole.finishReason], [ANSWER, "stop"]);
    assert.equal(whole.usage.totalTokens, whole.usage.inputTokens + whole.usage.outputTokens);
    const stream = ai.streamText(options());
    let text = "", deltas = 0;
    for await (const delta of stream.textStream) { text += delta; deltas += 1; }
    assert.equal(text, ANSWER);
    assert.ok(deltas > 2);
    assert.equal(await stream.finishReason, "stop");
    assert.equal((await stream.usage).outputTokens, whole.usage.outputTokens);
  });

  test(`${major}: messages, ends and seeds`, async () => {
    assert.equal((await generate({ maxOutputTokens: 2 })).finishReason, "length");
    assert.equal((await generate({ stopSequences: [" is"] })).text, "The answer");
    const messages = [{ role: "user", content: "What is 1 + 1?" }, { role: "assistant", content: "2." },
      { role: "user", content: [{ type: "text", text: QUESTION }] }];
    assert.match((await generate({ prompt: undefined, messages })).text, /4/);
    const story = async (seed) =>
      (await generate({ prompt: "Tell me a story.", temperature: 0.9, maxOutputTokens: 8, seed })).text;
    assert.equal(await story(7), await story(7));
    assert.notEqual(await story(7), await story(8));
    const guarded = await generate({ providerOptions: { mistral: { safePrompt: true } }, maxOutputTokens: 1 });
    assert.ok(guarded.usage.inputTokens > (await generate({ maxOutputTokens: 1 })).usage.inputTokens);
  });

  test(`${major}: embeddings`, async () => {
    const embedder = provider().embeddingModel(model);
    const { embeddings } = await ai.embedMany({ model: embedder, values: ["a lighthouse", "the sea"], maxRetries: 0 });
    assert.equal(embeddings.length, 2);
    assert.ok(Math.abs(embeddings[0].reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3);
    const one = await ai.embed({ model: embedder, value: "the sea", maxRetries: 0 });
    assert.deepEqual(one.embedding, embeddings[1]);
  });

  test(`${major}: errors and keys`, async () => {
    await refused(ai, 404, /'mistral-x'/, generate({ model: provider()("mistral-x") }));
    await refused(ai, 422, /temperature/, generate({ temperature: 3 }));
    await refused(ai, 401, /key/, generate({ model: provider(AQUILON_TEST_KEYED_URL, "wrong")(model) }));
    const right = provider(AQUILON_TEST_KEYED_URL, AQUILON_TEST_KEY)(model);
    assert.equal((await generate({ model: right, maxOutputTokens: 1 })).usage.outputTokens, 1);
    const failed = ai.streamText(options({ model: provider()("mistral-x"), onError() {} }));
    const errors = [];
    for await (const part of failed.fullStream) if (part.type === "error") errors.push(part.error.statusCode);
    assert.deepEqual(errors, [404]);
  });

  test(`${major}: an aborted stream frees the server`, async () => {
    const abort = new AbortController();
    const stream = ai.streamText(options({ prompt: COUNT, maxOutputTokens: 3500, abortSignal: abort.signal, onError() {} }));
    let deltas = 0;
    for await (const _ of stream.textStream) if (++deltas === 3) abort.abort();
    assert.ok(deltas >= 3);
    await assertFree(() => generate({ maxOutputTokens: 2 }));
  });
}
