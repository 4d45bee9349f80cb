"""schemathesis makes up requests from /openapi.json, right ones and wrong ones, against a real server (server_for_test.py)
and the default model: none is answered with 5xx, and answers fit what the description says.

SCHEMATHESIS_EXAMPLES: requests that it makes up an operation and way, for every route; without it few, and none for those
of Azure's libraries, which are the others once more. bench/openapi_soak.sh sets it."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

URL = os.environ["AQUILON_TEST_URL"]
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES")
ROUTES = [] if EXAMPLES else ["--exclude-path-regex", "^/openai|^/(chat|models|completions|embeddings)|^/v1/models/chat"]
CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"
GENERATING = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings")


def first_model():
    with urllib.request.urlopen(f"{URL}/v1/models") as answer:
        return json.load(answer)["data"][0]["id"]


class Description(unittest.TestCase):
    def test_requests_made_up_from_it(self):
        program = pathlib.Path(sys.executable).with_name("schemathesis")
        # It leaves a folder where it runs.
        with tempfile.NamedTemporaryFile("r") as answers, tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [program, "run", f"{URL}/openapi.json", "--generation-with-security-parameters", "false", "--checks", CHECKS, *ROUTES,
                 "--phases", "coverage,fuzzing", "--max-examples", EXAMPLES or "8", "--generation-deterministic", "--no-shrink",
                 "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "60",
                 "--workers", "2", "--no-color"],
                cwd=folder, capture_output=True, text=True, check=False,
                env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "AQUILON_TEST_MODEL": first_model(),
                                  "AQUILON_TEST_ANSWERS": answers.name, "PYTHONPATH": str(pathlib.Path(__file__).parent)})
            counts = collections.Counter(answers.read().splitlines())
        print(done.stdout[-2000:])
        for line, count in sorted(counts.items()):
            print(f"{count:6} {line}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for path in GENERATING:
            self.assertGreater(counts[f"{path} 200"], 0, path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
