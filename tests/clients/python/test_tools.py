"""Tool loops of the official libraries (openai, mistralai, anthropic, langchain-mistralai) against a real server
(server_for_test.py). A call is required where its form is looked at: so small models make one too."""
import json
import os
import re
import unittest
from typing import Literal

import anthropic
import httpx
import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_mistralai import ChatMistralAI
from mistralai.client import Mistral
from pydantic import BaseModel

ROOT = os.environ["AQUILON_TEST_URL"]
URL = ROOT + "/v1"
MODEL = httpx.get(f"{URL}/models").json()["data"][0]["id"]
QUESTION = "What is the weather in Rome?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Rome", "Oslo"]}, "days": {"type": "integer"}},
          "required": ["city"], "additionalProperties": False}
TEXT = "The weather of a city."
WEATHER = {"type": "function", "function": {"name": "weather", "description": TEXT, "parameters": SCHEMA}}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "The time now.",
                                          "parameters": {"type": "object", "properties": {}}}}
NAMED = {"type": "function", "function": {"name": "weather"}}
RESULT = "sunny, 23 degrees"


class Weather(BaseModel):
    """The weather of a city."""
    city: Literal["Rome", "Oslo"]


class OpenAi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai.OpenAI(base_url=URL, api_key="unused", max_retries=0, timeout=300)
        cls.addClassCleanup(cls.client.close)

    def chat(self, **options):
        return self.client.chat.completions.create(**{
            "model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0, "max_tokens": 64,
            "tools": [WEATHER, CLOCK]} | options)

    def test_a_loop(self):
        messages = [{"role": "user", "content": QUESTION}]
        [choice] = self.chat(messages=messages, tool_choice=NAMED, parallel_tool_calls=False).choices
        self.assertEqual(choice.finish_reason, "tool_calls")
        call = choice.message.tool_calls[0]
        self.assertEqual((call.type, call.function.name), ("function", "weather"))
        self.assertIn(json.loads(call.function.arguments)["city"], ("Rome", "Oslo"))
        messages += [choice.message, *({"role": "tool", "tool_call_id": one.id, "content": RESULT}
                                       for one in choice.message.tool_calls)]
        [last] = self.chat(messages=messages, tool_choice="none").choices
        self.assertTrue(last.message.content)
        self.assertIsNone(last.message.tool_calls)

    def test_choices(self):
        [required] = self.chat(tool_choice="required", parallel_tool_calls=False).choices
        self.assertEqual(len(required.message.tool_calls), 1)
        allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "clock"}}]}}
        [only] = self.chat(tool_choice=allowed, parallel_tool_calls=False).choices
        self.assertEqual([(c.function.name, c.function.arguments) for c in only.message.tool_calls], [("clock", "{}")])
        with self.assertRaisesRegex(openai.BadRequestError, "names 'moon'"):
            self.chat(tool_choice={"type": "function", "function": {"name": "moon"}})

    def test_calls_end(self):
        """Not because the answer's tokens are used up; again and as a stream they are the same."""
        def calls_of(choice):
            self.assertEqual(choice.finish_reason, "tool_calls")
            return [(call.function.name, call.function.arguments) for call in choice.message.tool_calls]
        schema = SCHEMA | {"properties": {"city": SCHEMA["properties"]["city"]}}
        weather = {"type": "function", "function": {"name": "weather", "description": TEXT, "parameters": schema}}
        options = {"tool_choice": "required", "max_tokens": 256, "tools": [weather, CLOCK]}
        calls = calls_of(self.chat(**options).choices[0])
        self.assertEqual(len(set(calls)), len(calls))
        self.assertEqual(calls_of(self.chat(**options).choices[0]), calls)
        with self.client.chat.completions.stream(
                model=MODEL, messages=[{"role": "user", "content": QUESTION}], temperature=0, **options) as stream:
            self.assertEqual(calls_of(stream.get_final_completion().choices[0]), calls)

    def test_a_stream_has_the_same_call(self):
        whole = self.chat(tool_choice=NAMED, parallel_tool_calls=False).choices[0].message.tool_calls[0].function
        with self.client.chat.completions.stream(
                model=MODEL, messages=[{"role": "user", "content": QUESTION}], temperature=0, max_tokens=64,
                tools=[WEATHER, CLOCK], tool_choice=NAMED, parallel_tool_calls=False) as stream:
            [choice] = stream.get_final_completion().choices
        self.assertEqual(choice.finish_reason, "tool_calls")
        [call] = choice.message.tool_calls
        self.assertEqual((call.function.name, call.function.arguments), (whole.name, whole.arguments))

    def test_parsed_arguments(self):
        done = self.client.chat.completions.parse(
            model=MODEL, messages=[{"role": "user", "content": QUESTION}], max_tokens=64, temperature=0,
            tools=[openai.pydantic_function_tool(Weather, name="weather")], tool_choice=NAMED, parallel_tool_calls=False)
        self.assertIsInstance(done.choices[0].message.tool_calls[0].function.parsed_arguments, Weather)

    def test_responses(self):
        tool = {"type": "function", "name": "weather", "description": TEXT, "parameters": SCHEMA, "strict": True}
        items = [{"role": "user", "content": QUESTION}]
        options = {"model": MODEL, "temperature": 0, "max_output_tokens": 64, "store": False, "tools": [tool]}
        first = self.client.responses.create(input=items, tool_choice="required", parallel_tool_calls=False, **options)
        [call] = first.output
        self.assertEqual((call.type, call.name), ("function_call", "weather"))
        items += [call, {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}]
        self.assertTrue(self.client.responses.create(input=items, tool_choice="none", **options).output_text)
        with self.client.responses.stream(input=items[:1], tool_choice="required", parallel_tool_calls=False, **options) as stream:
            kinds = [event.type for event in stream]
            [streamed] = stream.get_final_response().output
        self.assertIn("response.function_call_arguments.done", kinds)
        self.assertEqual(streamed.arguments, call.arguments)


class MistralAi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = cls.enterClassContext(Mistral(api_key="unused", server_url=ROOT, timeout_ms=300_000))

    def options(self, messages, **more):
        return {"model": MODEL, "messages": messages, "temperature": 0, "max_tokens": 64, "tools": [WEATHER, CLOCK]} | more

    def test_a_loop(self):
        messages = [{"role": "user", "content": QUESTION}]
        [choice] = self.client.chat.complete(**self.options(messages, tool_choice="any", parallel_tool_calls=False)).choices
        self.assertEqual(choice.finish_reason, "tool_calls")
        [call] = choice.message.tool_calls
        self.assertIn(call.function.name, ("weather", "clock"))
        json.loads(call.function.arguments)
        messages += [choice.message, {"role": "tool", "name": call.function.name, "content": RESULT, "tool_call_id": call.id}]
        self.assertTrue(self.client.chat.complete(**self.options(messages, tool_choice="none")).choices[0].message.content)

    def test_a_stream_has_whole_calls(self):
        messages = [{"role": "user", "content": QUESTION}]
        deltas = [event.data.choices[0].delta for event in self.client.chat.stream(**self.options(messages, tool_choice=NAMED))]
        calls = [call for delta in deltas for call in delta.tool_calls or []]
        self.assertEqual(calls[0].function.name, "weather")
        self.assertIn("city", json.loads(calls[0].function.arguments))


class Anthropic(unittest.TestCase):
    TOOL = {"name": "weather", "description": TEXT, "input_schema": SCHEMA}

    @classmethod
    def setUpClass(cls):
        cls.client = cls.enterClassContext(anthropic.Anthropic(base_url=ROOT, api_key="unused", max_retries=0, timeout=300))

    def options(self, messages, **more):
        return {"model": MODEL, "max_tokens": 64, "messages": messages, "tools": [self.TOOL],
                "extra_body": {"temperature": 0}} | more

    def test_a_loop(self):
        messages = [{"role": "user", "content": QUESTION}]
        one = {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}
        first = self.client.messages.create(**self.options(messages, tool_choice=one))
        self.assertEqual(first.stop_reason, "tool_use")
        [use] = first.content
        self.assertRegex(use.id, "^(toolu_[0-9A-Za-z]{24}|[0-9A-Za-z]{9})$")
        self.assertIn(use.input["city"], ("Rome", "Oslo"))
        messages += [{"role": "assistant", "content": first.content},
                     {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": RESULT}]}]
        last = self.client.messages.create(**self.options(messages, tool_choice={"type": "none"}))
        self.assertTrue(last.content[0].text)

    def test_a_stream_has_the_same_call(self):
        messages = [{"role": "user", "content": QUESTION}]
        one = {"type": "any", "disable_parallel_tool_use": True}
        whole = self.client.messages.create(**self.options(messages, tool_choice=one))
        with self.client.messages.stream(**self.options(messages, tool_choice=one)) as stream:
            final = stream.get_final_message()
        self.assertEqual([(b.name, b.input) for b in final.content], [(b.name, b.input) for b in whole.content])
        self.assertEqual(final.stop_reason, "tool_use")


class LangChain(unittest.TestCase):
    def chat(self):
        return ChatMistralAI(endpoint=URL, api_key="unused", model=MODEL, temperature=0, max_tokens=64, max_retries=1, timeout=300)

    def test_a_loop(self):
        asked = [HumanMessage(QUESTION)]
        answer = self.chat().bind_tools([WEATHER, CLOCK], tool_choice="any").invoke(asked)
        call = answer.tool_calls[0]
        self.assertIn(call["name"], ("weather", "clock"))
        results = [ToolMessage(RESULT, tool_call_id=one["id"], name=one["name"]) for one in answer.tool_calls]
        self.assertTrue(self.chat().invoke([*asked, answer, *results]).content)

    def test_structured_output(self):
        self.assertIsInstance(self.chat().with_structured_output(Weather, method="function_calling").invoke(QUESTION), Weather)

    def test_a_stream(self):
        chunks = list(self.chat().bind_tools([WEATHER], tool_choice="any").stream(QUESTION))
        joined = sum(chunks[1:], chunks[0])
        self.assertEqual(joined.tool_calls[0]["name"], "weather")
        self.assertTrue(re.fullmatch("call_[0-9A-Za-z]{24}|[0-9A-Za-z]{9}", joined.tool_calls[0]["id"]))


if __name__ == "__main__":
    unittest.main()
