"""The official anthropic library against a real server (server_for_test.py) and the default model.

The library has no `temperature` any more; the API has."""
import os
import unittest

import anthropic

URL = os.environ["AQUILON_TEST_URL"]
KEYED_URL = os.environ["AQUILON_TEST_KEYED_URL"]
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"  # the model's own, where none is given
QUESTION = [{"role": "user", "content": "What is 2 + 2?"}]
GREEDY = {"extra_body": {"temperature": 0}}


def client_of(url=URL, key="unused"):
    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0, timeout=300)


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = cls.enterClassContext(client_of())
        cls.model = cls.client.models.list().data[0].id

    def create(self, **options):
        return self.client.messages.create(**{"model": self.model, "max_tokens": 32, "messages": QUESTION} | GREEDY | options)

    def test_answer_equals_its_stream(self):
        whole = self.create(system=SYSTEM)
        [block] = whole.content
        self.assertIn("4", block.text)
        self.assertEqual((whole.stop_reason, whole.stop_sequence, whole.role), ("end_turn", None, "assistant"))
        self.assertRegex(whole.id, "^msg_[0-9a-f]{32}$")
        self.assertGreater(whole.usage.output_tokens, 2)
        with self.client.messages.stream(model=self.model, max_tokens=32, messages=QUESTION,
                                         system=[{"type": "text", "text": SYSTEM}], **GREEDY) as stream:
            self.assertEqual("".join(stream.text_stream), block.text)
            final = stream.get_final_message()
        self.assertEqual((final.content[0].text, final.stop_reason), (block.text, "end_turn"))
        self.assertEqual(final.usage.output_tokens, whole.usage.output_tokens)
        self.assertEqual(final.usage.input_tokens + final.usage.cache_read_input_tokens,
                         whole.usage.input_tokens + whole.usage.cache_read_input_tokens)

    def test_raw_events_come_in_their_order(self):
        kinds = [event.type for event in self.create(max_tokens=2, stream=True)]
        self.assertEqual(kinds, ["message_start", "content_block_start", "content_block_delta", "content_block_delta",
                                 "content_block_stop", "message_delta", "message_stop"])

    def test_stop_reasons(self):
        self.assertEqual(self.create(max_tokens=2).stop_reason, "max_tokens")
        for stops in ([" is"], ["Rome", " is", "4"]):
            answer = self.create(stop_sequences=stops)
            self.assertEqual((answer.content[0].text, answer.stop_reason, answer.stop_sequence),
                             ("The answer", "stop_sequence", " is"))

    def test_an_answer_that_is_begun(self):
        begun = [*QUESTION, {"role": "assistant", "content": "The answer"}]
        self.assertEqual(self.create(messages=begun, max_tokens=2).content[0].text, " is ")

    def test_count_tokens(self):
        counted = self.client.messages.count_tokens(model=self.model, messages=QUESTION).input_tokens
        usage = self.create(max_tokens=1).usage
        self.assertEqual(counted, usage.input_tokens + usage.cache_read_input_tokens)

    def test_errors_have_their_own_classes(self):
        for kind, says, options in (
                (anthropic.NotFoundError, "'claude'", {"model": "claude"}),
                (anthropic.BadRequestError, "max_tokens", {"max_tokens": 0}),
                (anthropic.BadRequestError, "thinking", {"thinking": {"type": "enabled", "budget_tokens": 1024}})):
            with self.subTest(says), self.assertRaisesRegex(kind, says) as caught:
                self.create(**options)
            self.assertRegex(caught.exception.request_id, "^[0-9a-f]{32}$")
            self.assertEqual(caught.exception.body["type"], "error")

    def test_keys(self):
        ask = {"model": "azureai", "max_tokens": 1, "messages": QUESTION}
        with client_of(KEYED_URL, "wrong") as wrong, client_of(KEYED_URL, os.environ["AQUILON_TEST_KEY"]) as right:
            with self.assertRaises(anthropic.AuthenticationError):
                wrong.messages.create(**ask)
            self.assertEqual(right.messages.create(**ask).usage.output_tokens, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
