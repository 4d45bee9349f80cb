"""`aquilon serve` with several models, from outside: memory that comes back, swaps, keys. Python's standard library only.

usage: models_test.py AQUILON
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ORACLE = pathlib.Path(__file__).resolve().parent.parent / "data/oracle"
LLAMA = str(ORACLE / "llama-gqa/model-f32.gguf")
LORA = str(ORACLE.parent / "lora/llama-all")
QWEN = str(ORACLE / "qwen2/model-f32.gguf")
AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
MIB = 1 << 20


def large_models():
    """Files of at least 90 MB among the test models, small ones first."""
    folder = pathlib.Path(os.environ.get("AQUILON_TEST_MODELS", os.path.expanduser("~/.cache/aquilon/test-models")))
    found = sorted(folder.glob("*.gguf"), key=lambda path: path.stat().st_size) if folder.is_dir() else []
    return [path for path in found if 90 * MIB < path.stat().st_size < 600 * MIB]


class Server:
    def __init__(self, *arguments, environment=None):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AQUILON_")}
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([AQUILON, "serve", "--port", "0", *arguments], env={**clean, **(environment or {})},
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                return
        self.log.seek(0)
        said = self.log.read()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        raise AssertionError(f"the server ended: {said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(60)
        self.process.stdout.close()
        self.log.close()
        assert status == 0, f"the server ended with status {status}"

    def ask(self, path, body=None, key=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def complete(self, model, prompt, **more):
        body = {"model": model, "prompt": prompt, "max_tokens": 16, "temperature": 0, "ignore_eos": True} | more
        return self.ask("/v1/completions", body)["choices"][0]["text"]

    def states(self):
        return {card["id"]: card["status"]["value"] for card in self.ask("/v1/models")["data"]}

    def resident(self):
        """Bytes of its own, without pages of files."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("RssAnon:")[1].split()[0]) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Served(unittest.TestCase):
    def test_names_and_states(self):
        with Server("--model", f"fast={LLAMA}", "--model", f"good={QWEN}", "--alias", "default", "--alias", "org/best=good") as server:
            self.assertEqual(server.states(), {"fast": "loaded", "default": "loaded", "good": "loaded", "org/best": "loaded"})
            self.assertIn("model fast, context ", server.said)
            self.assertIn("model good, context ", server.said)
            self.assertEqual(server.complete("org/best", "he"), server.complete("good", "he"))
            self.assertEqual(server.ask("/models/unload", {"model": "org/best"}), {"success": True})
            self.assertEqual(server.states()["good"], "unloaded")
            with self.assertRaises(urllib.error.HTTPError) as refused:
                server.complete("none", "he")
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()

    def test_every_installed_model_on_demand(self):
        with tempfile.TemporaryDirectory() as home:
            environment = {"AQUILON_HOME": home}
            clean = {name: value for name, value in os.environ.items() if not name.startswith("AQUILON_")}
            for name, path in (("tiny-llama", LLAMA), ("tiny-qwen", QWEN)):
                subprocess.run([AQUILON, "models", "add", name, path], env=clean | environment, check=True, capture_output=True)
            with Server("--model", "tiny-qwen", "--any-installed", environment=environment) as server:
                self.assertEqual(server.states(), {"tiny-qwen": "loaded", "tiny-llama": "unloaded"})
                self.assertIn("model tiny-llama, loaded when it is asked for", server.said)
                self.assertTrue(server.complete("tiny-llama", "he"))
                self.assertEqual(server.states(), {"tiny-qwen": "loaded", "tiny-llama": "loaded"})

    def test_adapters_are_models_beside_theirs(self):
        # A path names its adapter; a name in front of it wins. The environment says it as the flag does.
        with Server("--model", f"base={LLAMA}", "--lora", f"sql={LORA}", "--lora", LORA, "--draft-model", LLAMA) as server:
            self.assertEqual(server.states(), {"base": "loaded", "sql": "loaded", "llama-all": "loaded"})
            self.assertIn("model sql, base with an adapter", server.said)
            bare, adapted = server.complete("base", "hello"), server.complete("sql", "hello")
            self.assertNotEqual(bare, adapted)
            self.assertEqual(server.complete("llama-all", "hello"), adapted)
            self.assertEqual(server.complete("base", "hello", lora=[{"id": 1, "scale": 1}]), adapted)
            self.assertEqual(server.complete("sql", "hello", lora=[]), bare)
            for name in ("base", "sql"):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    server.ask("/models/unload", {"model": name})
                refused.exception.close()
            self.assertEqual(server.complete("sql", "hello"), adapted)
        with Server("--model", f"base={LLAMA}", environment={"AQUILON_LORA": f"sql={LORA}"}) as server:
            self.assertEqual(server.complete("sql", "hello"), adapted)

    def test_adapters_and_draft_are_the_first_models(self):
        several = ("--model", f"base={LLAMA}", "--model", f"other={QWEN}")
        with Server(*several) as server:
            bare, other = server.complete("base", "hello"), server.complete("other", "hello")
        with Server(*several, "--lora", f"sql={LORA}", "--draft-model", LLAMA) as server:
            self.assertEqual(server.states(), {"base": "loaded", "sql": "loaded", "other": "loaded"})
            self.assertEqual(server.complete("base", "hello"), bare)
            self.assertEqual(server.complete("other", "hello"), other)
            self.assertNotEqual(server.complete("sql", "hello"), bare)
            server.ask("/models/unload", {"model": "other"})
            self.assertEqual(server.states()["other"], "unloaded")
            self.assertEqual(server.complete("other", "hello"), other)

    def test_adapters_are_refused_where_they_cannot_be(self):
        for arguments, reason in ((("--model", f"a={LLAMA}", "--lora", f"a={LORA}"), "two models are called 'a'"),
                                  (("--model", f"a={LLAMA}", "--lora", "x="), "neither NAME=PATH nor a path"),
                                  (("--model", f"a={LLAMA}", "--lora", LORA.replace("llama-all", "gemma3-bf16")), "another model's?")):
            with self.assertRaisesRegex(AssertionError, reason.replace("?", "[?]")):
                Server(*arguments)


@unittest.skipUnless(len(large_models()) >= 2, "two of the larger test models are not here")
class Large(unittest.TestCase):
    def test_unloading_gives_the_memory_back(self):
        model = large_models()[0]
        with Server("--model", f"tiny={LLAMA}", "--model", f"large={model}", "--ctx", "256", "--parallel", "1") as server:
            server.complete("large", "The capital of France is")
            loaded = server.resident()
            server.ask("/models/unload", {"model": "large"})
            before = server.resident()
            self.assertGreater(loaded - before, 0.8 * model.stat().st_size)
            for _ in range(3):
                server.complete("large", "The capital of France is")
                server.ask("/models/unload", {"model": "large"})
            self.assertLess(server.resident() - before, 8 * MIB)

    def test_idle_models_burn_no_processor_time(self):
        with Server("--model", f"a={large_models()[0]}", "--model", f"b={LLAMA}", "--ctx", "256") as server:
            server.complete("a", "One")
            server.complete("b", "One")
            time.sleep(0.5)
            began = server.cpu_seconds()
            time.sleep(2)
            self.assertLess(server.cpu_seconds() - began, 0.05)

    def test_swaps_lose_nothing(self):
        small, other = large_models()[:2]
        prompts = ["The capital of France is", "Two and two are", "The sea is"]
        models = ("--model", f"a={small}", "--model", f"b={other}", "--ctx", "256", "--parallel", "2")
        with Server(*models) as server:
            limit = max(card["status"]["bytes"] for card in server.ask("/v1/models")["data"])
        with Server(*models, "--models-memory", str(limit)) as server:
            self.assertEqual(sorted(server.states().values()), ["loaded", "unloaded"])
            alone = {(model, prompt): server.complete(model, prompt) for model in "ab" for prompt in prompts}
            turns = [("ab"[i % 2], prompts[i // 2 % 3]) for i in range(24)]
            with concurrent.futures.ThreadPoolExecutor(4) as clients:
                answers = list(clients.map(lambda turn: server.complete(*turn), turns))
            self.assertEqual(answers, [alone[turn] for turn in turns])


if __name__ == "__main__":
    unittest.main()
