"""The official openai library against a real server (server_for_test.py) and the default model.

Answers are a few tokens long: the tests run on two busy cores."""
import asyncio
import json
import os
import re
import time
import unittest

import openai

from cancel_case import ANSWERS, LONGEST_WAIT, CancelCase

URL = os.environ["AQUILON_TEST_URL"] + "/v1"
KEYED_URL = os.environ["AQUILON_TEST_KEYED_URL"] + "/v1"
QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]
CAPITAL_TEXT = "The capital of France is"
CAPITAL_IDS = [504, 3575, 282, 4649, 314]  # the same in SmolLM2's tokens
PARIS = 7042  # " Paris"
CONTEXT = 4096


def client_of(url=URL, key="unused"):
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=300)


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client_of()
        cls.addClassCleanup(cls.client.close)
        cls.model = cls.client.models.list().data[0].id

    def chat(self, messages=QUESTION, **options):
        return self.client.chat.completions.create(**{"model": self.model, "messages": messages, "temperature": 0} | options)

    def complete(self, prompt=CAPITAL_TEXT, **options):
        return self.client.completions.create(**{"model": self.model, "prompt": prompt, "temperature": 0} | options)


class Models(ClientTest):
    def test_list_and_retrieve(self):
        listed = self.client.models.list().data
        self.assertEqual([m.object for m in listed], ["model"])
        self.assertIn("smollm2-135m-instruct", listed[0].id)
        self.assertLess(abs(listed[0].created - time.time()), 3600)
        self.assertEqual(self.client.models.retrieve(listed[0].id), listed[0])


class Chat(ClientTest):
    def test_answer_equals_its_stream(self):
        whole = self.chat(max_tokens=32)
        [choice] = whole.choices
        self.assertIn("4", choice.message.content)
        self.assertEqual((choice.index, choice.message.role, choice.finish_reason), (0, "assistant", "stop"))
        self.assertRegex(whole.id, "^[0-9a-f]{32}$")
        self.assertEqual((whole.object, whole.model), ("chat.completion", self.model))
        self.assertGreater(whole.usage.prompt_tokens, 5)
        self.assertGreater(whole.usage.completion_tokens, 2)
        self.assertEqual(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)

        chunks = list(self.chat(max_tokens=32, stream=True))
        first, last = chunks[0].choices[0].delta, chunks[-1]
        self.assertEqual((first.role, first.content), ("assistant", ""))
        self.assertEqual([c.choices[0].delta.role for c in chunks[1:]], [None] * (len(chunks) - 1))
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks), choice.message.content)
        self.assertEqual([c.choices[0].finish_reason for c in chunks], [None] * (len(chunks) - 1) + ["stop"])
        self.assertEqual([c.usage for c in chunks[:-1]], [None] * (len(chunks) - 1))
        self.assertEqual(last.usage.completion_tokens, whole.usage.completion_tokens)
        self.assertEqual(len({c.id for c in chunks}), 1)

    def test_include_usage_adds_a_chunk_without_choices(self):
        chunks = list(self.chat(max_tokens=2, stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1].choices, [])
        self.assertEqual(chunks[-1].usage.completion_tokens, 2)
        self.assertEqual(chunks[-2].choices[0].finish_reason, "length")

    def test_max_tokens_end_with_length(self):
        for name in ("max_tokens", "max_completion_tokens"):
            with self.subTest(name):
                answer = self.chat(**{name: 3})
                self.assertEqual((answer.choices[0].finish_reason, answer.usage.completion_tokens), ("length", 3))

    def test_the_librarys_own_stream_helper(self):
        with self.client.chat.completions.stream(model=self.model, messages=QUESTION, temperature=0,
                                                 max_tokens=16, stop=" is") as stream:
            deltas = [event.delta for event in stream if event.type == "content.delta"]
            final = stream.get_final_completion()
        self.assertEqual("".join(deltas), "The answer")
        self.assertEqual(final.choices[0].message.content, "The answer")
        self.assertEqual(final.choices[0].finish_reason, "stop")

    def test_a_system_message_and_history_are_part_of_the_prompt(self):
        short = self.chat([{"role": "system", "content": "Be brief."}, *QUESTION], max_tokens=1)
        longer = self.chat([{"role": "system", "content": "Be brief."}, *QUESTION,
                            {"role": "assistant", "content": "Paris."}, {"role": "user", "content": "And of Spain?"}],
                           max_tokens=1)
        self.assertGreater(longer.usage.prompt_tokens, short.usage.prompt_tokens + 5)

    def test_content_parts(self):
        parts = [{"role": "user", "content": [{"type": "text", "text": QUESTION[0]["content"]}]}]
        self.assertEqual(self.chat(parts, max_tokens=4).choices[0].message.content,
                         self.chat(max_tokens=4).choices[0].message.content)

    def test_logprobs(self):
        [choice] = self.chat(max_tokens=3, logprobs=True, top_logprobs=2).choices
        entries = choice.logprobs.content
        self.assertEqual("".join(e.token for e in entries), choice.message.content)
        for entry in entries:  # greedy: the token is the likeliest
            self.assertEqual(bytes(entry.bytes).decode(), entry.token)
            self.assertEqual([entry.token, 2], [entry.top_logprobs[0].token, len(entry.top_logprobs)])
            self.assertEqual(entry.logprob, entry.top_logprobs[0].logprob)
            self.assertTrue(0 >= entry.logprob > entry.top_logprobs[1].logprob)


class Sampling(ClientTest):
    def test_seeds_reproduce(self):
        def texts(seed):
            return [c.text for c in self.complete("Once upon a time", temperature=0.9, seed=seed, n=2, max_tokens=8).choices]
        first = texts(7)
        self.assertEqual(texts(7), first)
        self.assertNotEqual(texts(8), first)
        self.assertNotEqual(first[0], first[1])

    def test_n_answers(self):
        answer = self.chat(n=2, max_tokens=3)
        self.assertEqual([c.index for c in answer.choices], [0, 1])
        self.assertEqual(answer.choices[0].message.content, answer.choices[1].message.content)
        self.assertEqual(answer.usage.completion_tokens, 6)

    def test_stop_strings(self):
        for stop in (" Paris", ["Rome", " Paris"]):
            for stream in (False, True):
                with self.subTest(stop=stop, stream=stream):
                    answer = self.complete(stop=stop, max_tokens=16, stream=stream)
                    choices = [part.choices[0] for part in answer] if stream else answer.choices
                    self.assertEqual(("".join(c.text for c in choices), choices[-1].finish_reason), ("", "stop"))

    def test_logit_bias(self):
        self.assertEqual(self.complete(logit_bias={PARIS: 100}, max_tokens=3).choices[0].text, " Paris" * 3)
        self.assertNotIn("Paris", self.complete(logit_bias={str(PARIS): -100}, max_tokens=3).choices[0].text)


class Completions(ClientTest):
    def test_text_and_ids_are_the_same_prompt(self):
        text, ids = self.complete(max_tokens=4), self.complete(CAPITAL_IDS, max_tokens=4)
        self.assertEqual(text.choices[0].text[:6], " Paris")
        self.assertEqual((text.choices, text.usage), (ids.choices, ids.usage))
        self.assertEqual((text.object, text.usage.prompt_tokens, text.usage.completion_tokens), ("text_completion", 5, 4))

    def test_several_prompts(self):
        answer = self.complete(["1, 2, 3, 4,", CAPITAL_TEXT], max_tokens=2)
        self.assertEqual([c.index for c in answer.choices], [0, 1])
        self.assertEqual(answer.choices[1].text[:6], " Paris")

    def test_logprobs(self):
        [choice] = self.complete(max_tokens=2, logprobs=2).choices
        self.assertEqual("".join(choice.logprobs.tokens), choice.text)
        self.assertEqual(choice.logprobs.tokens[0], " Paris")
        self.assertEqual([len(top) for top in choice.logprobs.top_logprobs], [2, 2])
        self.assertEqual(choice.logprobs.top_logprobs[0][" Paris"], choice.logprobs.token_logprobs[0])

    def test_the_prompts_logprobs(self):
        prompt = "naïve café: 2 + 2"
        [choice] = self.complete(prompt, max_tokens=1, echo=True, logprobs=1, extra_body={"prompt_logprobs": 1}).choices
        self.assertTrue(choice.text.startswith(prompt))
        shown = choice.logprobs
        self.assertEqual([choice.text[at:at + len(token)] for at, token in zip(shown.text_offset, shown.tokens)], shown.tokens)
        self.assertIsNone(shown.token_logprobs[0])
        self.assertIsNone(choice.prompt_logprobs[0])
        for token, logprob, position in zip(shown.tokens[1:], shown.token_logprobs[1:], choice.prompt_logprobs[1:]):
            own = next(iter(position.values()))
            self.assertEqual((own["decoded_token"], own["logprob"]), (token, logprob))
            self.assertEqual(min(entry["rank"] for entry in position.values()), 1)

    def test_streams_never_split_a_character(self):
        for prompt in ("naïve café, déjà vu, naïve café, déjà vu, naïve", "😀🎉日本😀🎉日本😀🎉"):
            with self.subTest(prompt):
                options = {"prompt": prompt, "max_tokens": 14}
                whole = self.complete(**options).choices[0].text
                parts = [chunk.choices[0].text for chunk in self.complete(**options, stream=True)]
                self.assertEqual("".join(parts), whole)
                self.assertTrue(any(ord(c) > 127 for c in whole), whole)
                # Only where max_tokens cut a character may there be a replacement character.
                self.assertNotIn("\ufffd", whole.rstrip("\ufffd"))


class Embeddings(ClientTest):
    def embed(self, texts, **options):
        return self.client.embeddings.create(model=self.model, input=texts, **options)

    def test_bytes_and_numbers_are_the_same(self):
        coded = self.embed(["a lighthouse", "the sea"])  # the library asks for base64 by itself
        plain = self.embed(["a lighthouse", "the sea"], encoding_format="float")
        self.assertEqual([d.index for d in coded.data], [0, 1])
        for one, other in zip(coded.data, plain.data):
            self.assertLess(max(abs(a - b) for a, b in zip(one.embedding, other.embedding, strict=True)), 1e-6)
        self.assertEqual(len(self.embed("the sea", dimensions=8).data[0].embedding), 8)
        self.assertEqual(coded.usage.prompt_tokens, coded.usage.total_tokens)


class Errors(ClientTest):
    def refused(self, kind, status, says, call, **options):
        with self.assertRaises(kind) as caught:
            call(**options)
        self.assertEqual(caught.exception.status_code, status)
        self.assertRegex(caught.exception.message, says)
        return caught.exception

    def test_an_unknown_model(self):
        error = self.refused(openai.NotFoundError, 404, "'gpt-x'", self.chat, model="gpt-x")
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))
        self.refused(openai.NotFoundError, 404, "gpt-x", self.client.models.retrieve, model="gpt-x")

    def test_values_of_a_wrong_type_or_range(self):
        for field, value in (("temperature", "hot"), ("temperature", 3), ("max_tokens", 0), ("n", 1.5), ("stop", "")):
            with self.subTest(field=field, value=value):
                error = self.refused(openai.UnprocessableEntityError, 422, field, self.chat, **{field: value})
                self.assertEqual(error.param, field)

    def test_a_prompt_beyond_the_context_is_refused_with_both_numbers(self):
        for stream in (False, True):
            error = self.refused(openai.BadRequestError, 400, "5000", self.complete, prompt=[504] * 5000, stream=stream)
            self.assertIn(str(CONTEXT), re.findall(r"\d+", error.message))
            self.assertEqual(error.code, "context_length_exceeded")

    def test_fields_of_later_chapters_are_refused_by_name(self):
        for field, value in (("reasoning_effort", "high"),
                             ("store", True), ("modalities", ["audio"])):
            with self.subTest(field):
                error = self.refused(openai.BadRequestError, 400, f"'{field}'", self.chat, **{field: value})
                self.assertEqual(error.param, field)

    def test_a_schema_is_kept(self):
        schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}, "people": {"type": "integer", "minimum": 0}},
                  "required": ["city", "people"], "additionalProperties": False}
        form = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}}
        for seed in range(3):
            answer = self.chat(max_tokens=80, temperature=1, seed=seed, response_format=form)
            choice = answer.choices[0]
            if choice.finish_reason == "stop":
                self.assertEqual(sorted(json.loads(choice.message.content)), ["city", "people"])
            else:
                self.assertEqual(choice.finish_reason, "length")

    def test_keys(self):
        with client_of(KEYED_URL, "wrong") as wrong, client_of(KEYED_URL, os.environ["AQUILON_TEST_KEY"]) as right:
            self.refused(openai.AuthenticationError, 401, "key", wrong.models.list)
            answer = right.chat.completions.create(model=right.models.list().data[0].id, messages=QUESTION, max_tokens=1)
            self.assertEqual(answer.usage.completion_tokens, 1)


class Responses(ClientTest):
    def respond(self, **options):
        return self.client.responses.create(**{"model": self.model, "input": "What is 2 + 2?", "temperature": 0} | options)

    def test_answer_equals_its_stream_and_a_chats(self):
        whole = self.respond(max_output_tokens=32)
        self.assertEqual(whole.output_text, self.chat(max_tokens=32).choices[0].message.content)
        self.assertEqual((whole.status, whole.object, whole.error), ("completed", "response", None))
        self.assertEqual(whole.usage.total_tokens, whole.usage.input_tokens + whole.usage.output_tokens)
        with self.client.responses.stream(model=self.model, input="What is 2 + 2?", temperature=0,
                                          max_output_tokens=32) as stream:
            events = list(stream)
            final = stream.get_final_response()
        self.assertEqual("".join(e.delta for e in events if e.type == "response.output_text.delta"), whole.output_text)
        self.assertEqual((final.output_text, final.usage.output_tokens), (whole.output_text, whole.usage.output_tokens))
        self.assertEqual([e.sequence_number for e in events], list(range(len(events))))

    def test_a_conversation_that_the_client_keeps(self):
        first = self.respond(max_output_tokens=8)
        items = [{"role": "user", "content": "What is 2 + 2?"}, *first.output, {"role": "user", "content": "And 3 + 3?"}]
        second = self.respond(input=items, instructions="You are a helpful assistant.", max_output_tokens=2)
        self.assertEqual((second.status, second.incomplete_details.reason), ("incomplete", "max_output_tokens"))
        self.assertEqual(second.instructions, "You are a helpful assistant.")

    def test_what_a_server_without_memory_refuses(self):
        for field, value in (("store", True), ("previous_response_id", "resp_1"), ("background", True)):
            with self.subTest(field), self.assertRaisesRegex(openai.BadRequestError, field):
                self.respond(**{field: value})


class Cancel(CancelCase, ClientTest):
    def short_answer(self):
        self.chat(max_tokens=2)

    def endless(self, **options):
        return self.complete("Once", max_tokens=3500, n=ANSWERS, extra_body={"ignore_eos": True}, **options)

    def endless_stream(self):
        return self.endless(stream=True)

    def test_so_does_a_client_that_gives_up_waiting(self):
        with self.assertRaises(openai.APITimeoutError):
            self.endless(timeout=1)
        self.assertEqual(self.client.with_options(timeout=LONGEST_WAIT).chat.completions.create(
            model=self.model, messages=QUESTION, max_tokens=2).usage.completion_tokens, 2)


class Async(ClientTest):
    def test_requests_side_by_side(self):
        async def ask():
            async with openai.AsyncOpenAI(base_url=URL, api_key="unused", max_retries=0, timeout=300) as client:
                async def streamed():
                    stream = await client.chat.completions.create(model=self.model, messages=QUESTION, temperature=0,
                                                                  max_tokens=4, stream=True)
                    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
                return await asyncio.gather(streamed(), streamed(), client.models.list())
        first, second, models = asyncio.run(ask())
        self.assertEqual(first, self.chat(max_tokens=4).choices[0].message.content)
        self.assertEqual(first, second)
        self.assertEqual(models.data[0].id, self.model)


if __name__ == "__main__":
    unittest.main(verbosity=2)
