"""Libraries that speak to Azure, against a real server (server_for_test.py) and the default model: azure-ai-inference,
mistralai's azure client, openai's AzureOpenAI."""
import os
import unittest

import openai
from azure.ai.inference import ChatCompletionsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from mistralai.azure.client import MistralAzure

URL = os.environ["AQUILON_TEST_URL"]
KEYED_URL = os.environ["AQUILON_TEST_KEYED_URL"]
KEY = os.environ["AQUILON_TEST_KEY"]
QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]
ANSWER = "The answer is 4."


def inference(url=URL, key="unused", **options):
    return ChatCompletionsClient(endpoint=url, credential=AzureKeyCredential(key), **options)


class Inference(unittest.TestCase):
    def test_without_a_model_whole_and_streamed(self):
        with inference() as client:
            self.assertEqual(client.get_model_info().model_type, "chat_completion")
            whole = client.complete(messages=QUESTION, max_tokens=16, temperature=0)
            self.assertEqual((whole.choices[0].message.content, whole.choices[0].finish_reason), (ANSWER, "stop"))
            self.assertEqual(whole.model, client.get_model_info().model_name)
            chunks = client.complete(messages=QUESTION, max_tokens=16, temperature=0, stream=True)
            self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), ANSWER)

    def test_fields_that_the_server_does_not_know(self):
        def ask(**options):
            with inference(**options) as client:
                return client.complete(messages=QUESTION, max_tokens=1, model_extras={"colour": 1})
        self.assertEqual(ask().usage.completion_tokens, 1)  # the library says pass-through by itself
        with self.assertRaises(HttpResponseError) as caught:
            ask(headers={"extra-parameters": "error"})
        self.assertEqual(caught.exception.status_code, 422)
        self.assertIn("colour", caught.exception.message)

    def test_keys_and_errors(self):
        with inference(KEYED_URL, KEY) as right, inference(KEYED_URL, "wrong") as wrong:
            self.assertEqual(right.complete(messages=QUESTION, max_tokens=1).usage.completion_tokens, 1)
            with self.assertRaises(HttpResponseError) as caught:
                wrong.complete(messages=QUESTION, max_tokens=1)
            self.assertEqual((caught.exception.status_code, caught.exception.error.code), (401, "invalid_api_key"))
            with self.assertRaises(ResourceNotFoundError):
                right.complete(messages=QUESTION, model="gpt")


class Mistral(unittest.TestCase):
    def test_whole_and_streamed(self):
        with MistralAzure(api_key="unused", server_url=URL) as client:
            whole = client.chat.complete(model="azureai", messages=QUESTION, max_tokens=16, temperature=0)
            self.assertEqual(whole.choices[0].message.content, ANSWER)
            with client.chat.stream(model="azureai", messages=QUESTION, max_tokens=16, temperature=0) as stream:
                self.assertEqual("".join(e.data.choices[0].delta.content or "" for e in stream), ANSWER)


class OpenAi(unittest.TestCase):
    def client(self, **options):
        return openai.AzureOpenAI(azure_endpoint=KEYED_URL, api_key=KEY, api_version="2024-10-21", max_retries=0, **options)

    def test_a_deployment_is_a_model(self):
        with inference(KEYED_URL, KEY) as info:
            model = info.get_model_info().model_name
        with self.client() as client:
            answer = client.chat.completions.create(model=model, messages=QUESTION, max_tokens=16, temperature=0)
            self.assertEqual((answer.choices[0].message.content, answer.model), (ANSWER, model))
            self.assertEqual(client.completions.create(model=model, prompt="a", max_tokens=1).usage.completion_tokens, 1)
            with self.assertRaises(openai.NotFoundError):
                client.chat.completions.create(model="other", messages=QUESTION)
        with self.client(azure_deployment=model) as client:
            chunks = client.chat.completions.create(model="gpt-4o", messages=QUESTION, max_tokens=16, temperature=0, stream=True)
            self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks), ANSWER)


if __name__ == "__main__":
    unittest.main(verbosity=2)
