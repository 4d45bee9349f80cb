// Libraries that speak to Azure, against a real server (server_for_test.py) and the default model.
import assert from "node:assert/strict";
import { test } from "node:test";
import ModelClient from "@azure-rest/ai-inference";
import { MistralAzure } from "@mistralai/mistralai-azure";
import { AzureOpenAI } from "openai";

const { AQUILON_TEST_KEYED_URL: URL, AQUILON_TEST_KEY: KEY } = process.env;
const messages = [{ role: "user", content: "What is 2 + 2?" }];
const ANSWER = "The answer is 4.";

test("Mistral's library for Azure, which names no model", async () => {
  const client = new MistralAzure({ apiKey: KEY, endpoint: URL });
  const whole = await client.chat.complete({ messages, temperature: 0, maxTokens: 16 });
  assert.equal(whole.choices[0].message.content, ANSWER);
  let text = "";
  for await (const event of await client.chat.stream({ messages, temperature: 0, maxTokens: 16 }))
    text += event.data.choices[0].delta.content ?? "";
  assert.equal(text, ANSWER);
});

test("Azure's own library", async () => {
  const ask = (key) => ModelClient(URL, { key }, { allowInsecureConnection: true }).path("/chat/completions")
    .post({ body: { messages, temperature: 0, max_tokens: 16 } });
  const right = await ask(KEY);
  assert.deepEqual([right.status, right.body.choices[0].message.content], ["200", ANSWER]);
  const wrong = await ask("wrong");
  assert.deepEqual([wrong.status, wrong.body.error.code], ["401", "invalid_api_key"]);
});

test("OpenAI's library for Azure", async () => {
  const client = new AzureOpenAI({ endpoint: URL, apiKey: KEY, apiVersion: "2024-10-21", deployment: "azureai", maxRetries: 0 });
  const whole = await client.chat.completions.create({ model: "gpt-4o", messages, temperature: 0, max_tokens: 16 });
  assert.equal(whole.choices[0].message.content, ANSWER);
});
