"""The official langchain-mistralai library against a real server (server_for_test.py) and the default model."""
import asyncio
import os
import unittest

import httpx
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_mistralai import ChatMistralAI, MistralAIEmbeddings
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

URL = os.environ["AQUILON_TEST_URL"] + "/v1"
KEYED_URL = os.environ["AQUILON_TEST_KEYED_URL"] + "/v1"
MODEL = httpx.get(f"{URL}/models").json()["data"][0]["id"]
QUESTION = "What is 2 + 2?"
ANSWER = "The answer is 4."


def chat(url=URL, key="unused", **options):
    return ChatMistralAI(**{"endpoint": url, "api_key": key, "model": MODEL, "temperature": 0, "max_tokens": 16,
                            "max_retries": 1, "timeout": 300} | options)


class Chat(unittest.TestCase):
    def test_answer_equals_its_stream(self):
        whole = chat().invoke(QUESTION)
        self.assertEqual((whole.content, whole.response_metadata["finish_reason"]), (ANSWER, "stop"))
        chunks = list(chat().stream(QUESTION))
        joined = sum(chunks[1:], chunks[0])
        self.assertEqual((joined.content, joined.response_metadata["finish_reason"]), (ANSWER, "stop"))
        self.assertEqual(joined.usage_metadata, whole.usage_metadata)
        self.assertGreater(len(chunks), 3)

    def test_messages_and_batches(self):
        system = [SystemMessage("Be brief."), HumanMessage(QUESTION)]
        answers = chat(max_tokens=2).batch([system, QUESTION, system])
        self.assertEqual(answers[0].content, answers[2].content)
        self.assertGreater(answers[0].usage_metadata["output_tokens"], 0)

    def test_a_chain_and_stop_strings(self):
        chain = ChatPromptTemplate.from_messages([("human", "What is {a} + {b}?")]) | chat() | StrOutputParser()
        self.assertEqual(chain.invoke({"a": 2, "b": 2}), ANSWER)
        self.assertEqual(chat().invoke(QUESTION, stop=[" is"]).content, "The answer")

    def test_seeds_reproduce(self):
        texts = [chat(temperature=0.9, random_seed=seed, max_tokens=8).invoke("Tell me a story.").content for seed in (7, 7, 8)]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_async(self):
        async def ask():
            return await chat().ainvoke(QUESTION), [c.content async for c in chat().astream(QUESTION)]
        whole, deltas = asyncio.run(ask())
        self.assertEqual((whole.content, "".join(deltas)), (ANSWER, ANSWER))

    def test_errors(self):
        for status, says, model in ((404, "mistral-x", chat(model="mistral-x")), (401, "key", chat(KEYED_URL, "wrong"))):
            for call in (model.invoke, lambda question: list(model.stream(question))):
                with self.subTest(says), self.assertRaisesRegex(httpx.HTTPStatusError, says) as caught:
                    call(QUESTION)
                self.assertEqual(caught.exception.response.status_code, status)
        self.assertTrue(chat(KEYED_URL, os.environ["AQUILON_TEST_KEY"]).invoke(QUESTION).content)


# Its own would be fetched from the network; it only sizes the batches.
TOKENIZER = Tokenizer(WordLevel({"?": 0}, unk_token="?"))


class Embeddings(unittest.TestCase):
    def test_documents_and_query(self):
        embed = MistralAIEmbeddings(endpoint=URL, api_key="unused", model=MODEL, tokenizer=TOKENIZER)
        documents = embed.embed_documents(["a lighthouse", "the sea"])
        self.assertEqual(len(documents), 2)
        self.assertEqual(embed.embed_query("the sea"), documents[1])
        self.assertAlmostEqual(sum(x * x for x in documents[0]), 1, places=4)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")  # the library leaves its sockets to the collector
