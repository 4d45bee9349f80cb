"""Constrained answers of the default model at temperature 1, judged by the package jsonschema, and how they end
(server_for_test.py). Answers are short: the tests run on two busy cores."""
import json
import os
import re
import unittest

import jsonschema
import openai
from jsonschema.validators import validator_for
from pydantic import BaseModel, Field

URL = os.environ["AQUILON_TEST_URL"] + "/v1"
QUESTION = [{"role": "user", "content": "Tell me of a town by the sea. Answer as JSON."}]
SEEDS = range(4)

SCHEMAS = {
    "objects": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "people": {"type": "integer", "minimum": 1},
                                                 "port": {"type": "boolean"}}, "required": ["name", "people"], "additionalProperties": False},
    "nested": {"type": "object", "required": ["at"], "additionalProperties": False, "properties": {"at": {
        "type": "object", "required": ["lat", "lon"], "additionalProperties": False, "properties": {
            "lat": {"type": "number", "minimum": -90, "maximum": 90}, "lon": {"type": "number", "exclusiveMinimum": -180, "maximum": 180}}}}},
    "arrays": {"type": "array", "items": {"enum": ["gull", "crab", "seal", 7, None]}, "minItems": 1, "maxItems": 4, "uniqueItems": True},
    "tuples": {"type": "array", "prefixItems": [{"const": "town"}, {"type": "integer", "multipleOf": 5, "maximum": 500}], "items": False,
               "minItems": 2},
    "anyOf": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"maxLength": 4, "type": "string"}}, "required": ["a"],
                                           "maxProperties": 1}]},
    "oneOf": {"oneOf": [{"type": "integer", "maximum": 99, "minimum": 0}, {"type": "integer", "minimum": 50, "maximum": 200}]},
    "not": {"type": "string", "enum": ["a", "b", "c"], "not": {"const": "b"}},
    "if": {"type": "object", "properties": {"kind": {"enum": ["bay", "cape"]}, "depth": {"type": "integer", "minimum": 0, "maximum": 50}},
           "required": ["kind"], "additionalProperties": False,
           "if": {"properties": {"kind": {"const": "bay"}}}, "then": {"required": ["depth"]}},
    "patterns": {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}, "day": {"type": "string",
                 "format": "date"}}, "required": ["id", "day"], "additionalProperties": False},
    "keys": {"type": "object", "patternProperties": {"^x_[a-z]{1,5}$": {"type": "integer", "minimum": 0, "maximum": 9}},
             "additionalProperties": False, "minProperties": 1, "maxProperties": 3},
    "recursive": {"$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer", "minimum": 0, "maximum": 9}, "next": {
        "$ref": "#/$defs/tree"}}, "required": ["v"], "additionalProperties": False}}, "$ref": "#/$defs/tree"},
    "draft 4": {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "properties": {"a": {
        "type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 20}}, "dependencies": {"b": ["a"]}, "maxProperties": 2},
    "anything": {"type": "object"},
}


class Town(BaseModel):
    name: str = Field(max_length=12)
    people: int = Field(ge=0, le=99)


class Structured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = openai.OpenAI(base_url=URL, api_key="unused", max_retries=0, timeout=300)
        cls.addClassCleanup(cls.client.close)
        cls.model = cls.client.models.list().data[0].id

    def ask(self, schema=None, strict=True, **options):
        form = {"type": "json_schema", "json_schema": {"name": "town", "schema": schema, "strict": strict}}
        extra = {} if schema is None else {"response_format": form}
        return self.client.chat.completions.create(**{"model": self.model, "messages": QUESTION, "temperature": 1, "max_tokens": 90,
                                                      **extra, **options})

    def test_whatever_comes_to_its_end_is_valid(self):
        ended = 0
        for name, schema in SCHEMAS.items():
            kind = validator_for(schema, default=jsonschema.Draft202012Validator)
            validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
            for seed in SEEDS:
                with self.subTest(name, seed=seed):
                    answer = self.ask(schema, seed=seed, extra_body={"json_whitespace": "compact"} if seed % 2 else {})
                    [choice] = answer.choices
                    if choice.finish_reason == "length":
                        self.assertEqual(answer.usage.completion_tokens, 90)
                        continue
                    self.assertEqual(choice.finish_reason, "stop")
                    ended += 1
                    problem = next(validator.iter_errors(json.loads(choice.message.content)), None)
                    self.assertIsNone(problem, choice.message.content)
                    if seed % 2:
                        self.assertNotRegex(re.sub(r'"(?:[^"\\]|\\.)*"', "text", choice.message.content), r"\s")
        self.assertGreater(ended, len(SCHEMAS) * len(SEEDS) // 2)

    def test_length_says_that_the_value_is_cut(self):
        answer = self.ask(SCHEMAS["patterns"], max_tokens=6)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertRaises(json.JSONDecodeError, json.loads, answer.choices[0].message.content)
        response = self.client.responses.create(model=self.model, input="A town.", max_output_tokens=16,  # the least that is allowed
                                                text={"format": {"type": "json_schema", "name": "a", "schema": {
                                                    "type": "string", "minLength": 200}}})
        self.assertEqual((response.status, response.incomplete_details.reason), ("incomplete", "max_output_tokens"))

    def test_an_answer_equals_its_stream(self):
        whole = self.ask(SCHEMAS["if"], seed=5, logprobs=True, top_logprobs=2)
        chunks = list(self.ask(SCHEMAS["if"], seed=5, stream=True))
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in chunks), whole.choices[0].message.content)
        for token in whole.choices[0].logprobs.content:
            self.assertLessEqual(token.logprob, 0)
            self.assertGreaterEqual(len(token.top_logprobs), 1)

    def test_parsed_by_pydantic(self):
        for seed in SEEDS:
            answer = self.client.chat.completions.parse(model=self.model, messages=QUESTION, response_format=Town, seed=seed, max_tokens=120)
            self.assertIsInstance(answer.choices[0].message.parsed, Town)
        response = self.client.responses.parse(model=self.model, input="A town.", text_format=Town, max_output_tokens=120)
        self.assertIsInstance(response.output_parsed, Town)
        self.assertEqual(response.text.format.type, "json_schema")

    def test_best_effort_says_what_it_leaves_out(self):
        schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a|b)\\1$", "maxLength": 3}}, "required": ["a"],
                  "additionalProperties": False}
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask(schema)
        self.assertEqual(caught.exception.param, "response_format")
        self.assertIn("'#/properties/a', pattern", caught.exception.message)
        raw = self.client.chat.completions.with_raw_response.create(
            model=self.model, messages=QUESTION, max_tokens=60, seed=1, response_format={
                "type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": False}})
        [left_out] = json.loads(raw.headers["x-unenforced"])
        self.assertEqual((left_out["pointer"], left_out["keyword"]), ("/properties/a", "pattern"))
        self.assertLessEqual(len(json.loads(raw.parse().choices[0].message.content)["a"]), 3)

    def test_goes_on_with_a_begun_answer(self):
        begun = '{"kind":"ca'
        messages = [*QUESTION, {"role": "assistant", "content": begun, "prefix": True}]
        text = self.ask(SCHEMAS["if"], messages=messages, seed=1).choices[0].message.content
        self.assertTrue(text.startswith(begun + 'pe"'), text)
        messages[-1]["content"] = '{"kind":"island'
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask(SCHEMAS["if"], messages=messages)
        self.assertEqual(caught.exception.param, "messages")

    def test_a_constraint_that_fails_says_so_in_the_stream(self):
        options = {"max_tokens": 2000, "seed": 1, "extra_body": {"guided_regex": "[a-z ]*[aeiou][a-z ]{300}!"}}
        with self.assertRaises(openai.APIStatusError) as caught:
            self.ask(**options)
        self.assertEqual(caught.exception.code, "constraint_failed")
        text = ""
        with self.assertRaises(openai.APIError) as caught:
            for chunk in self.ask(stream=True, **options):
                text += chunk.choices[0].delta.content or ""
        self.assertIn("constraint", caught.exception.message)
        self.assertNotEqual(text, "")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
