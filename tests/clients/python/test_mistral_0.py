"""mistralai 0.1, the library of Mistral Large's launch, against a real server (server_for_test.py) and the default model."""
import asyncio
import os
import unittest

from mistralai.async_client import MistralAsyncClient
from mistralai.client import MistralClient
from mistralai.exceptions import MistralAPIException
from mistralai.models.chat_completion import ChatMessage

from cancel_case import CancelCase

URL = os.environ["AQUILON_TEST_URL"]
KEYED_URL = os.environ["AQUILON_TEST_KEYED_URL"]
QUESTION = [ChatMessage(role="user", content="What is 2 + 2?")]
ANSWER = "The answer is 4."


class LaunchLibrary(CancelCase, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = MistralClient(api_key="unused", endpoint=URL)
        cls.model = cls.client.list_models().data[0].id  # a GET with a body

    def chat(self, messages=QUESTION, **options):
        return self.client.chat(messages, **{"model": self.model, "temperature": 0, "max_tokens": 16} | options)

    def stream(self, messages=QUESTION, **options):
        return self.client.chat_stream(messages, **{"model": self.model, "temperature": 0, "max_tokens": 16} | options)

    def test_models(self):
        [card] = self.client.list_models().data
        self.assertEqual((card.object, card.owned_by), ("model", "aquilon"))

    def test_answer_equals_its_stream(self):
        whole = self.chat()
        self.assertEqual((whole.choices[0].message.content, whole.choices[0].finish_reason.value), (ANSWER, "stop"))
        self.assertEqual(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)
        chunks = list(self.stream())
        self.assertEqual("".join(c.choices[0].delta.content for c in chunks), ANSWER)
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-1].choices[0].finish_reason.value, "stop")
        self.assertEqual(chunks[-1].usage.completion_tokens, whole.usage.completion_tokens)

    def test_dictionaries_seeds_and_the_guard(self):
        ask = {"messages": [{"role": "user", "content": "Tell me a story."}], "temperature": 0.9, "max_tokens": 8}
        texts = [self.chat(**ask, random_seed=seed).choices[0].message.content for seed in (7, 7, 8)]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])
        guarded = [self.chat(max_tokens=1, **{name: True}).usage.prompt_tokens for name in ("safe_prompt", "safe_mode")]
        self.assertEqual(guarded[0], guarded[1])
        self.assertGreater(guarded[0], self.chat(max_tokens=1).usage.prompt_tokens)

    def test_embeddings(self):
        one = self.client.embeddings(self.model, "a lighthouse")
        two = self.client.embeddings(self.model, ["a lighthouse", "the sea"])
        self.assertEqual([d.index for d in two.data], [0, 1])
        self.assertAlmostEqual(sum(x * x for x in one.data[0].embedding), 1, places=4)
        self.assertEqual(one.data[0].embedding, two.data[0].embedding)

    def test_errors(self):
        for status, says, options in ((404, "mistral-x", {"model": "mistral-x"}), (422, "temperature", {"temperature": 3})):
            for call in (self.chat, lambda **options: list(self.stream(**options))):
                with self.subTest(says), self.assertRaisesRegex(MistralAPIException, says) as caught:
                    call(**options)
                self.assertEqual(caught.exception.http_status, status)
        with self.assertRaises(MistralAPIException) as caught:
            MistralClient(api_key="wrong", endpoint=KEYED_URL).list_models()
        self.assertEqual(caught.exception.http_status, 401)
        right = MistralClient(api_key=os.environ["AQUILON_TEST_KEY"], endpoint=KEYED_URL)
        self.assertEqual(right.chat(QUESTION, model="azureai", max_tokens=1).usage.completion_tokens, 1)

    def test_async(self):
        async def ask():
            client = MistralAsyncClient(api_key="unused", endpoint=URL)
            try:
                ask = {"messages": QUESTION, "model": self.model, "temperature": 0, "max_tokens": 16}
                whole = await client.chat(**ask)
                return whole.choices[0].message.content, [c.choices[0].delta.content async for c in client.chat_stream(**ask)]
            finally:
                await client.close()
        whole, deltas = asyncio.run(ask())
        self.assertEqual((whole, "".join(deltas)), (ANSWER, ANSWER))

    def short_answer(self):
        self.chat(max_tokens=2)

    def endless_stream(self):
        """Ends when its generator is closed; a whole context for one answer, as the library has no `n`."""
        import contextlib
        count = [ChatMessage(role="user", content="Write the numbers from 1 to 1000, one a line.")]
        return contextlib.closing(self.stream(count, max_tokens=3500))


if __name__ == "__main__":
    unittest.main(verbosity=2)
