// Tool loops of the official libraries (openai, @mistralai/mistralai, @anthropic-ai/sdk, @ai-sdk/mistral) against a
// real server (server_for_test.py). A call is required where its form is looked at: so small models make one too.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { Mistral } from "@mistralai/mistralai";
import OpenAI from "openai";
import * as ai6 from "ai-6";
import * as ai7 from "ai";
import * as mistral3 from "ai-sdk-mistral-3";
import * as mistral4 from "@ai-sdk/mistral";

const { AQUILON_TEST_URL } = process.env;
globalThis.AI_SDK_LOG_WARNINGS = false;
const QUESTION = "What is the weather in Rome?", RESULT = "sunny, 23 degrees";
const asked = () => [{ role: "user", content: QUESTION }];
const parameters = {
  type: "object", properties: { city: { type: "string", enum: ["Rome", "Oslo"] } }, required: ["city"], additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "weather", description: "The weather of a city.", parameters } }];
const named = { type: "function", function: { name: "weather" } };
let model = "";
before(async () => { model = (await (await fetch(`${AQUILON_TEST_URL}/v1/models`)).json()).data[0].id; });

const cityOf = (text) => assert.ok(["Rome", "Oslo"].includes(JSON.parse(text).city), text);

test("openai: a loop, a stream, responses", async () => {
  const client = new OpenAI({ baseURL: `${AQUILON_TEST_URL}/v1`, apiKey: "unused", maxRetries: 0, timeout: 300_000 });
  const body = { model, messages: asked(), temperature: 0, max_tokens: 64, tools, tool_choice: named, parallel_tool_calls: false };
  const { choices: [choice] } = await client.chat.completions.create(body);
  assert.equal(choice.finish_reason, "tool_calls");
  const [call] = choice.message.tool_calls;
  cityOf(call.function.arguments);
  const messages = [...asked(), choice.message, { role: "tool", tool_call_id: call.id, content: RESULT }];
  const last = await client.chat.completions.create({ ...body, messages, tool_choice: "none" });
  assert.ok(last.choices[0].message.content);
  const streamed = await client.chat.completions.stream(body).finalChatCompletion();
  assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);

  const flat = [{ type: "function", name: "weather", parameters, strict: true }];
  const options = { model, temperature: 0, max_output_tokens: 64, store: false, tools: flat, parallel_tool_calls: false };
  const first = await client.responses.create({ ...options, input: asked(), tool_choice: "required" });
  assert.deepEqual([first.output[0].type, first.output[0].name], ["function_call", "weather"]);
  const input = [...asked(), first.output[0],
    { type: "function_call_output", call_id: first.output[0].call_id, output: RESULT }];
  assert.ok((await client.responses.create({ ...options, input, tool_choice: "none" })).output_text);
  const events = [];
  for await (const event of await client.responses.create({ ...options, input: asked(), tool_choice: "required", stream: true }))
    events.push(event.type);
  assert.ok(events.includes("response.function_call_arguments.done"));
});

test("openai: the library's own loop", async () => {
  const client = new OpenAI({ baseURL: `${AQUILON_TEST_URL}/v1`, apiKey: "unused", maxRetries: 0, timeout: 300_000 });
  const cities = [];
  const own = [{ type: "function", function: {
    name: "weather", description: "The weather of a city.", parameters, parse: JSON.parse,
    function: ({ city }) => { cities.push(city); return RESULT; },
  } }];
  const runner = client.chat.completions.runTools(
    { model, messages: asked(), temperature: 0, max_tokens: 64, tools: own, tool_choice: named, parallel_tool_calls: false },
    { maxChatCompletions: 1 });
  await runner.done();
  assert.ok(cities.length > 0);
});

test("mistral: a loop and a stream", async () => {
  const client = new Mistral({ serverURL: AQUILON_TEST_URL, apiKey: "unused", timeoutMs: 300_000 });
  const body = { model, messages: asked(), temperature: 0, maxTokens: 64, tools, toolChoice: "any", parallelToolCalls: false };
  const { choices: [choice] } = await client.chat.complete(body);
  assert.equal(choice.finishReason, "tool_calls");
  const [call] = choice.message.toolCalls;
  cityOf(call.function.arguments);
  const messages = [...asked(), choice.message, { role: "tool", name: "weather", content: RESULT, toolCallId: call.id }];
  assert.ok((await client.chat.complete({ ...body, messages, toolChoice: "none" })).choices[0].message.content);
  const calls = [];
  for await (const { data } of await client.chat.stream(body)) calls.push(...(data.choices[0].delta.toolCalls ?? []));
  assert.equal(calls.length, 1);
  cityOf(calls[0].function.arguments);
});

test("anthropic: a loop and a stream", async () => {
  const client = new Anthropic({ baseURL: AQUILON_TEST_URL, apiKey: "unused", maxRetries: 0, timeout: 300_000 });
  const own = [{ name: "weather", description: "The weather of a city.", input_schema: parameters }];
  const body = { model, max_tokens: 64, messages: asked(), tools: own,
    tool_choice: { type: "any", disable_parallel_tool_use: true } };
  const first = await client.messages.create({ ...body, temperature: 0 });
  assert.equal(first.stop_reason, "tool_use");
  const [use] = first.content;
  assert.ok(["Rome", "Oslo"].includes(use.input.city));
  const messages = [...asked(), { role: "assistant", content: first.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: RESULT }] }];
  const last = await client.messages.create({ ...body, messages, tool_choice: { type: "none" } });
  assert.ok(last.content[0].text);
  const final = await client.messages.stream({ ...body, temperature: 0 }).finalMessage();
  assert.deepEqual(final.content[0].input, use.input);
});

for (const [major, ai, { createMistral }] of [[3, ai6, mistral3], [4, ai7, mistral4]]) {
  test(`@ai-sdk/mistral ${major}: a call, its result, a stream`, async () => {
    const provider = createMistral({ baseURL: `${AQUILON_TEST_URL}/v1`, apiKey: "unused" });
    const weather = ai.tool({ description: "The weather of a city.", inputSchema: ai.jsonSchema(parameters),
      execute: async () => RESULT });
    const options = { model: provider(model), prompt: QUESTION, temperature: 0, maxOutputTokens: 64, maxRetries: 0,
      tools: { weather }, toolChoice: "required", providerOptions: { mistral: { parallelToolCalls: false } } };
    const done = await ai.generateText(options);
    assert.equal(done.finishReason, "tool-calls");
    assert.equal(done.toolCalls[0].toolName, "weather");
    assert.ok(JSON.stringify(done.toolResults[0]).includes(RESULT));
    const stream = ai.streamText(options);
    const called = [];
    for await (const part of stream.fullStream) if (part.type === "tool-call") called.push(part.toolName);
    assert.ok(called.length > 0 && called.every((name) => name === "weather"));
  });
}
