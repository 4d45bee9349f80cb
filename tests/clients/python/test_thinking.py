"""What official libraries read of a model that thinks before it answers, on a server of its own: the default model under a
template that opens its thoughts, so that all that it says at first are such.

usage: test_thinking.py AQUILON
"""
import json
import pathlib
import sys
import tempfile
import unittest

import anthropic
import httpx
import openai
from mistralai.client import Mistral

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server_for_test import Server, default_model  # noqa: E402  # pylint: disable=wrong-import-position

TEMPLATE = """{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
<think>
{% if enable_thinking is defined and not enable_thinking %}
</think>

{% endif %}{% endif %}"""
MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]
SCHEMA = {"type": "object", "properties": {"colour": {"enum": ["blue", "red"]}}, "required": ["colour"],
          "additionalProperties": False}
PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())


class Thinking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".jinja") as file:
            file.write(TEMPLATE)
            file.flush()
            cls.server = Server(PROGRAM, "--model", default_model(PROGRAM), "--ctx", "1024", "--parallel", "1",
                                "--chat-template", file.name)
        cls.addClassCleanup(cls.server.stop)
        cls.url = cls.server.url
        cls.model = httpx.get(f"{cls.url}/v1/models").json()["data"][0]["id"]

    def options(self, **more):
        return {"model": self.model, "messages": MESSAGES, "max_tokens": 12, "temperature": 0} | more

    def openai(self):
        client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="unused", max_retries=0, timeout=120)
        self.addCleanup(client.close)
        return client

    def anthropic(self):
        client = anthropic.Anthropic(base_url=self.url, api_key="unused", max_retries=0, timeout=120)
        self.addCleanup(client.close)
        return client

    def test_chat_has_it_beside_the_content(self):
        client = self.openai()
        message = client.chat.completions.create(**self.options()).choices[0].message
        self.assertEqual(message.content, "")
        self.assertTrue(message.reasoning_content.strip())
        pieces = [chunk.choices[0].delta for chunk in client.chat.completions.create(**self.options(), stream=True)]
        thoughts = "".join(getattr(delta, "reasoning_content", None) or "" for delta in pieces)
        self.assertEqual(thoughts, message.reasoning_content)
        self.assertEqual("".join(delta.content or "" for delta in pieces), "")

    def test_without_effort_there_is_none(self):
        message = self.openai().chat.completions.create(**self.options(reasoning_effort="none")).choices[0].message
        self.assertTrue(message.content.strip())
        self.assertFalse(hasattr(message, "reasoning_content"))

    def test_a_form_holds_where_there_is_no_thought(self):
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
        message = self.openai().chat.completions.create(
            **self.options(reasoning_effort="none", response_format=form, max_tokens=60)).choices[0].message
        self.assertIn(json.loads(message.content)["colour"], ("blue", "red"))

    def test_a_form_does_not_hold_thoughts(self):
        form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
        message = self.openai().chat.completions.create(**self.options(response_format=form)).choices[0].message
        self.assertEqual(message.content, "")
        self.assertTrue(message.reasoning_content.strip())

    def test_mistral_has_parts(self):
        with Mistral(server_url=self.url, api_key="unused") as client:
            content = client.chat.complete(**self.options()).choices[0].message.content
            self.assertEqual([part.type for part in content][0], "thinking")
            thoughts = content[0].thinking[0].text
            self.assertTrue(thoughts.strip())
            told = ""
            for event in client.chat.stream(**self.options()):
                piece = event.data.choices[0].delta.content
                if isinstance(piece, list):
                    told += "".join(inner.text for part in piece for inner in part.thinking)
            self.assertEqual(told, thoughts)

    def test_messages_have_blocks(self):
        client = self.anthropic()
        asked = {"model": self.model, "messages": MESSAGES, "max_tokens": 12, "extra_body": {"temperature": 0}}
        block = client.messages.create(**asked).content[0]
        self.assertEqual(block.type, "thinking")
        self.assertTrue(block.thinking.strip())
        with client.messages.stream(**asked, thinking={"type": "enabled", "budget_tokens": 1024}) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_message()
        self.assertIn("thinking", kinds)
        self.assertEqual(final.content[0].thinking, block.thinking)
        off = client.messages.create(**asked, thinking={"type": "disabled"}).content
        self.assertEqual([one.type for one in off], ["text"])

    def test_responses_have_items(self):
        client = self.openai()
        asked = {"model": self.model, "input": MESSAGES[0]["content"], "max_output_tokens": 12, "temperature": 0}
        item = client.responses.create(**asked).output[0]
        self.assertEqual((item.type, item.summary), ("reasoning", []))
        self.assertTrue(item.content[0].text.strip())
        with client.responses.stream(**asked) as stream:
            events = list(stream)
        told = "".join(event.delta for event in events if event.type == "response.reasoning_text.delta")
        self.assertEqual(told, item.content[0].text)
        self.assertEqual(events[-1].type, "response.incomplete")
        self.assertEqual(events[-1].response.output[0].content[0].text, told)

    def test_earlier_thoughts_are_rendered_as_the_template_wants(self):
        def rendered(*turns):
            body = {"model": self.model, "messages": [MESSAGES[0], *turns, {"role": "user", "content": "Sure?"}]}
            return httpx.post(f"{self.url}/apply-template", json=body).json()["prompt"]
        want = "assistant\n<think>\nIt scatters.\n</think>\n\nSo.<|im_end|>"
        self.assertIn(want, rendered({"role": "assistant", "content": "So.", "reasoning_content": "It scatters."}))
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "It scatters."}]}, {"type": "text", "text": "So."}]
        self.assertIn(want, rendered({"role": "assistant", "content": parts}))


if __name__ == "__main__":
    if not default_model(PROGRAM):
        print("skipped: the default model is not installed; ./run test installs it")
        sys.exit(77)
    unittest.main()
