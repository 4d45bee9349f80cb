"""The official mistralai library, majors 1 to 3, against a real server (server_for_test.py) and the default model.

Answers are a few tokens long: the tests run on two busy cores."""
import asyncio
import inspect
import json
import os
import re
import unittest

try:
    from mistralai.client import Mistral, errors
except ImportError:  # 1.x
    from mistralai import Mistral, models as errors

from cancel_case import ANSWERS, CancelCase

URL = os.environ["AQUILON_TEST_URL"]
KEYED_URL = os.environ["AQUILON_TEST_KEYED_URL"]
QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]
# Greedily, the default model goes on with this for more than 600 tokens.
COUNT = [{"role": "user", "content": "Write the numbers from 1 to 1000, one a line."}]
CONTEXT = 4096


def client_of(url=URL, key="unused"):
    return Mistral(api_key=key, server_url=url, timeout_ms=300_000)


def delta_text(event):
    return event.data.choices[0].delta.content or ""


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = cls.enterClassContext(client_of())
        cls.model = cls.client.models.list().data[0].id

    def known(self, field):
        """Whether this major has the field."""
        return field in inspect.signature(self.client.chat.complete).parameters

    def options(self, options):
        return {"model": self.model, "messages": QUESTION, "temperature": 0} | options

    def chat(self, **options):
        return self.client.chat.complete(**self.options(options))

    def stream(self, **options):
        return self.client.chat.stream(**self.options(options))


class Models(ClientTest):
    def test_list_and_retrieve(self):
        [card] = self.client.models.list().data
        self.assertIn("smollm2-135m-instruct", card.id)
        self.assertEqual((card.type, card.max_context_length), ("base", CONTEXT))
        self.assertTrue(card.capabilities.completion_chat)
        self.assertTrue(card.capabilities.function_calling)
        self.assertEqual(self.client.models.retrieve(model_id=card.id).id, card.id)


class Chat(ClientTest):
    def test_answer_equals_its_stream(self):
        whole = self.chat(max_tokens=32)
        [choice] = whole.choices
        self.assertIn("4", choice.message.content)
        self.assertEqual((choice.index, choice.message.role, choice.finish_reason), (0, "assistant", "stop"))
        self.assertRegex(whole.id, "^[0-9a-f]{32}$")
        self.assertEqual((whole.object, whole.model), ("chat.completion", self.model))
        self.assertEqual(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)

        with self.stream(max_tokens=32) as stream:
            events = list(stream)
        chunks = [event.data for event in events]
        first = chunks[0].choices[0].delta
        self.assertEqual((first.role, first.content), ("assistant", ""))
        self.assertEqual("".join(map(delta_text, events)), choice.message.content)
        self.assertEqual([c.choices[0].finish_reason for c in chunks], [None] * (len(chunks) - 1) + ["stop"])
        self.assertEqual([c.usage for c in chunks[:-1]], [None] * (len(chunks) - 1))
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)

    def test_max_tokens_end_with_length(self):
        answer = self.chat(max_tokens=3)
        self.assertEqual((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 3))

    def test_system_message_and_content_chunks(self):
        messages = [{"role": "system", "content": "Be brief."},
                    {"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]}]
        plain = [messages[0], *QUESTION]
        self.assertEqual(self.chat(messages=messages, max_tokens=3).choices[0].message.content,
                         self.chat(messages=plain, max_tokens=3).choices[0].message.content)

    def test_streams_never_split_a_character(self):
        messages = [{"role": "user", "content": "Repeat after me: 😀🎉 naïve café déjà vu"}]
        whole = self.chat(messages=messages, max_tokens=16).choices[0].message.content
        with self.stream(messages=messages, max_tokens=16) as stream:
            self.assertEqual("".join(map(delta_text, stream)), whole)
        self.assertTrue(any(ord(c) > 127 for c in whole), whole)


    def test_the_guard_is_a_system_message(self):
        guard = ("Always assist with care, respect, and truth. Respond with utmost utility yet securely. Avoid harmful, "
                 "unethical, prejudiced, or negative content. Ensure replies promote fairness and positivity.")
        guarded = self.chat(safe_prompt=True, max_tokens=3)
        by_hand = self.chat(messages=[{"role": "system", "content": guard}, *QUESTION], max_tokens=3)
        self.assertEqual(guarded.usage.prompt_tokens, by_hand.usage.prompt_tokens)
        self.assertEqual(guarded.choices[0].message.content, by_hand.choices[0].message.content)

    def test_a_guess_of_the_answer_changes_nothing(self):
        guess = {"type": "content", "content": "The answer is 5."}
        self.assertEqual(self.chat(prediction=guess, max_tokens=4).choices[0].message.content,
                         self.chat(max_tokens=4).choices[0].message.content)


class Sampling(ClientTest):
    def test_seeds_reproduce(self):
        def text(seed):
            return self.chat(temperature=0.9, random_seed=seed, max_tokens=8,
                             messages=[{"role": "user", "content": "Tell me a story."}]).choices[0].message.content
        self.assertEqual(text(7), text(7))
        self.assertGreater(len({text(seed) for seed in (7, 8, 9)}), 1)

    def test_n_answers(self):
        answer = self.chat(n=2, max_tokens=2)
        self.assertEqual([c.index for c in answer.choices], [0, 1])

    def test_stop_strings(self):
        for stop in (" is", ["Rome", " is"]):
            with self.subTest(stop):
                [choice] = self.chat(stop=stop, max_tokens=16).choices
                self.assertEqual((choice.message.content, choice.finish_reason), ("The answer", "stop"))

    def test_logprobs(self):
        if not self.known("logprobs"):
            self.skipTest("not in this major")
        [choice] = self.chat(max_tokens=2, logprobs=True, top_logprobs=1).choices
        self.assertEqual("".join(e.token for e in choice.logprobs.content), choice.message.content)


    def test_logprobs_of_the_prompt(self):
        if not self.known("prompt_logprobs"):
            self.skipTest("not in this major")
        answer = self.chat(max_tokens=1, prompt_logprobs=True, top_prompt_logprobs=2)
        entries = answer.choices[0].prompt_logprobs.content
        self.assertEqual(len(entries), answer.usage.prompt_tokens - 1)
        self.assertTrue(all(len(e.top_logprobs) == 2 and e.logprob <= e.top_logprobs[0].logprob for e in entries))


class Errors(ClientTest):
    def refused(self, kind, status, says, call, **options):
        with self.assertRaises(kind) as caught:
            call(**options)
        self.assertEqual(caught.exception.status_code, status)
        self.assertRegex(caught.exception.body, says)
        return caught.exception

    def test_an_unknown_model(self):
        self.refused(errors.SDKError, 404, "'mistral-x'", self.chat, model="mistral-x")
        self.refused(errors.SDKError, 404, "'mistral-x'", self.stream, model="mistral-x")
        self.refused(errors.SDKError, 404, "mistral-x", self.client.models.retrieve, model_id="mistral-x")

    def test_values_out_of_range(self):
        for field, value in (("temperature", 3), ("max_tokens", 0), ("top_p", 1.5), ("random_seed", -1)):
            with self.subTest(field):
                error = self.refused(errors.HTTPValidationError, 422, field, self.chat, **{field: value})
                [detail] = error.data.detail
                self.assertEqual(detail.loc, ["body", field])
                self.assertTrue(detail.msg and detail.type)

    def test_a_prompt_beyond_the_context_is_refused_with_both_numbers(self):
        messages = [{"role": "user", "content": "a " * 5000}]
        error = self.refused(errors.SDKError, 400, "context_length_exceeded", self.chat, messages=messages)
        numbers = [int(number) for number in re.findall(r"\d{4,}", error.body)]
        self.assertIn(CONTEXT, numbers)
        self.assertGreater(max(numbers), 5000)

    def test_fields_of_later_chapters_are_refused_by_name(self):
        for field, value in (("prompt_mode", "reasoning"), ("reasoning_effort", "high")):
            if self.known(field):
                with self.subTest(field):
                    self.refused(errors.SDKError, 400, f"'{field}'", self.chat, max_tokens=1, **{field: value})

    def test_a_least_length_is_kept(self):
        if not self.known("min_tokens"):
            self.skipTest("not in this major")
        answer = self.chat(max_tokens=40, min_tokens=30, temperature=0)
        self.assertGreaterEqual(answer.usage.completion_tokens, 30)

    def test_a_model_that_cannot_fill_in_says_so(self):
        self.refused(errors.SDKError, 400, "cannot fill in", self.client.fim.complete, model=self.model, prompt="def f(",
                     suffix="return 1")

    def test_embeddings(self):
        answer = self.client.embeddings.create(model=self.model, inputs=["a lighthouse", "the sea"])
        self.assertEqual([d.index for d in answer.data], [0, 1])
        self.assertAlmostEqual(sum(x * x for x in answer.data[0].embedding), 1, places=4)

    def test_a_schema_is_kept(self):
        schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}, "people": {"type": "integer", "minimum": 0}},
                  "required": ["city", "people"], "additionalProperties": False}
        form = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}}
        for seed in range(3):
            answer = self.chat(max_tokens=80, temperature=1, random_seed=seed, response_format=form)
            choice = answer.choices[0]
            if choice.finish_reason == "stop":
                self.assertEqual(sorted(json.loads(choice.message.content)), ["city", "people"])
            else:
                self.assertEqual(choice.finish_reason, "length")

    def test_keys(self):
        with client_of(KEYED_URL, "wrong") as wrong, client_of(KEYED_URL, os.environ["AQUILON_TEST_KEY"]) as right:
            self.refused(errors.SDKError, 401, "key", wrong.models.list)
            answer = right.chat.complete(model=right.models.list().data[0].id, messages=QUESTION, max_tokens=1)
            self.assertEqual(answer.usage.completion_tokens, 1)


class Cancel(CancelCase, ClientTest):
    def short_answer(self):
        self.chat(max_tokens=2)

    def endless_stream(self):
        return self.stream(messages=COUNT, max_tokens=3500, n=ANSWERS)


class Async(ClientTest):
    def test_complete_and_stream(self):
        async def ask():
            async with client_of() as client:
                whole = await client.chat.complete_async(**self.options({"max_tokens": 4}))
                stream = await client.chat.stream_async(**self.options({"max_tokens": 4}))
                async with stream:
                    return whole.choices[0].message.content, [delta_text(event) async for event in stream]
        whole, deltas = asyncio.run(ask())
        self.assertEqual("".join(deltas), whole)
        self.assertGreater(len(deltas), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
