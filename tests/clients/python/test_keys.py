"""What the official openai, mistralai and anthropic libraries make of keys: refusals, limits, retries.

usage: test_keys.py AQUILON
Beside a server of its own, with a tiny model and a data folder."""
import pathlib
import sys
import tempfile
import unittest

import anthropic
import openai
from mistralai.client import Mistral, errors
from mistralai.client.utils import BackoffStrategy, RetryConfig

AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "accounts"))
from data_folder import Server, run, usage  # noqa: E402

PROMPT = {"model": "tiny", "prompt": [5, 6, 7], "max_tokens": 3}
MESSAGES = [{"role": "user", "content": "hi"}]


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "data"
        cls.narrow = cls.create("narrow", "--models", "other")
        cls.server = cls.enterClassContext(Server(AQUILON, cls.data))
        cls.url = f"http://127.0.0.1:{cls.server.port}"

    @classmethod
    def create(cls, name, *arguments):
        return run(AQUILON, "keys", "create", "--data", cls.data, "--name", name, *arguments).splitlines()[-1]

    def openai(self, key):
        client = openai.OpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0)
        self.addCleanup(client.close)
        return client

    def live(self, name, *arguments):
        """A key that the running server knows already."""
        key = self.create(name, *arguments)
        patient = openai.OpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0)
        self.addCleanup(patient.close)
        for _ in range(1000):
            try:
                patient.models.list()
                return key
            except openai.AuthenticationError:
                continue
        raise AssertionError(f"the server does not know the key of {name}")

    def test_wrong_keys(self):
        with self.assertRaises(openai.AuthenticationError) as refused:
            self.openai("no").completions.create(**PROMPT)
        self.assertEqual(refused.exception.code, "invalid_api_key")
        with Mistral(api_key="no", server_url=self.url) as client, self.assertRaises(errors.SDKError) as refused:
            client.chat.complete(model="tiny", messages=MESSAGES)
        self.assertEqual(refused.exception.status_code, 401)
        with anthropic.Anthropic(base_url=self.url, api_key="no", max_retries=0) as client, \
                self.assertRaises(anthropic.AuthenticationError):
            client.messages.create(model="tiny", max_tokens=3, messages=MESSAGES)

    def test_models_that_the_key_may_not_use(self):
        client = self.openai(self.narrow)
        self.assertEqual(client.models.list().data, [])
        with self.assertRaises(openai.PermissionDeniedError) as refused:
            client.completions.create(**PROMPT)
        self.assertEqual((refused.exception.code, refused.exception.param), ("model_not_allowed", "model"))
        with anthropic.Anthropic(base_url=self.url, api_key=self.narrow, max_retries=0) as client, \
                self.assertRaises(anthropic.PermissionDeniedError):
            client.messages.create(model="tiny", max_tokens=3, messages=MESSAGES)

    def test_limits(self):
        key = self.live("limited", "--rpm", "1", "--tpm", "100")
        client = self.openai(key)
        answer = client.completions.with_raw_response.create(**PROMPT)
        self.assertEqual(answer.headers["x-ratelimit-remaining-requests"], "0")
        self.assertEqual(answer.headers["x-ratelimit-remaining-tokens"], "94")
        self.assertEqual(answer.headers["x-ratelimit-tokens-query-cost"], "6")
        with self.assertRaises(openai.RateLimitError) as refused:
            client.completions.create(**PROMPT)
        self.assertEqual(refused.exception.code, "rate_limit_exceeded")
        self.assertGreater(int(refused.exception.response.headers["retry-after"]), 0)
        once = RetryConfig("backoff", BackoffStrategy(1, 1, 1, -1), False)  # no time for a second try, however soon the first is refused
        with Mistral(api_key=key, server_url=self.url, retry_config=once) as client, self.assertRaises(errors.SDKError) as refused:
            client.chat.complete(model="tiny", messages=MESSAGES)
        self.assertEqual(refused.exception.status_code, 429)
        with anthropic.Anthropic(base_url=self.url, api_key=key, max_retries=0) as client, \
                self.assertRaises(anthropic.RateLimitError):
            client.messages.create(model="tiny", max_tokens=3, messages=MESSAGES)

    def test_usage_has_the_ids_that_libraries_show(self):
        client = self.openai(self.live("counted"))
        seen = {client.completions.create(**PROMPT).id}
        for chunk in client.completions.create(**PROMPT, stream=True):
            identity = chunk.id
        seen.add(identity)
        rows = usage(AQUILON, self.data, "--only-key", "counted")
        self.assertEqual({row["id"] for row in rows}, seen)
        self.assertEqual([(row["prompt_tokens"], row["completion_tokens"]) for row in rows], [(3, 3), (3, 3)])


unittest.main(verbosity=2)
