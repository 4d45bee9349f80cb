"""The commands from outside: what they print, and one line for every mistake (errors.jsonl).

usage: cli_test.py AQUILON
"""
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent / "data"
TINY = DATA / "oracle/llama-gqa"
AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())


def run(*args, stdin="", env=None, timeout=120):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AQUILON_")}
    return subprocess.run([AQUILON, *args], input=stdin, capture_output=True, text=True, timeout=timeout,
                          env={**environment, **(env or {})})


def option_texts(help_text):
    """What --help says of each option, its lines joined."""
    rows = re.findall(r"^  (\S.*(?:\n   .*)*)", help_text, re.M)
    return [" ".join(re.split(r"  +|\n", row, maxsplit=1)[1].split()) for row in rows]


def repeated_phrases(text):
    """Phrases of three words that come twice, and a default that is told twice."""
    words = re.findall(r"[\w'-]+", text.lower())
    phrases = [" ".join(words[i:i + 3]) for i in range(len(words) - 2)]
    twice = sorted({p for p in phrases if phrases.count(p) > 1})
    return twice + (["default"] if len(re.findall(r"\bdefault:|[;(] ?default ", text)) > 1 else [])


def default_model():
    """The default model's file, or None: installed by ./run, or among the test models."""
    folder = os.environ.get("AQUILON_TEST_MODELS", os.path.expanduser("~/.cache/aquilon/test-models"))
    path = pathlib.Path(folder) / "smollm2-135m-instruct-q4_1.gguf"
    if path.exists():
        return str(path)
    shown = run("models", "show", "smollm2-135m-instruct")
    return "smollm2-135m-instruct" if shown.returncode == 0 else None


def tiny_gguf(architecture):
    """A GGUF file with nothing but an architecture."""
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("general.architecture") + struct.pack("<I", 8) + text(architecture)


class Errors(unittest.TestCase):
    def test_each_mistake_gets_one_line_that_names_it(self):
        with tempfile.TemporaryDirectory() as tmp, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            (pathlib.Path(tmp) / "not.gguf").write_text("this is no model")
            (pathlib.Path(tmp) / "mamba.gguf").write_bytes(tiny_gguf("mamba"))
            (pathlib.Path(tmp) / "bad.jinja").write_text("{% if %}")
            (pathlib.Path(tmp) / "deaf.jinja").write_text("{% for m in messages %}{{ m.role }}{% endfor %}")
            names = {"tmp": tmp, "tiny": str(TINY / "model-f32.gguf"), "port": str(taken.getsockname()[1])}

            def fill(s):
                return re.sub(r"\{(tmp|tiny|port)\}", lambda m: names[m[1]], s)

            cases = [json.loads(line) for line in (HERE / "errors.jsonl").read_text().splitlines()]
            self.assertGreater(len(cases), 20)
            for case in cases:
                with self.subTest(case["name"]):
                    done = run(*map(fill, case["args"]), stdin=case.get("stdin", ""), env=case.get("env"))
                    self.assertEqual(done.returncode, case["exit"], done.stderr)
                    self.assertRegex(done.stderr, fill(case["stderr"]))
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                    self.assertTrue(done.stderr.startswith("aquilon: "), done.stderr)


class Inside(unittest.TestCase):
    """tokenize, logits and complete on the tiny reference model."""

    @classmethod
    def setUpClass(cls):
        cls.manifest = json.loads((TINY / "manifest.json").read_text())
        cls.model = str(TINY / "model-f32.gguf")

    def test_complete_gives_the_published_tokens(self):
        greedy = self.manifest["greedy"]
        ids = ",".join(map(str, greedy["prompt"]))
        done = run("complete", "--model", self.model, "--ids", ids, "--max-tokens", "32", "--ignore-eos", "--json")
        answer = json.loads(done.stdout)
        self.assertEqual(answer["prompt_ids"], greedy["prompt"])
        self.assertEqual(answer["ids"], greedy["tokens"])
        self.assertEqual(answer["finish_reason"], "length")

    def test_every_instruction_set_gives_the_published_tokens(self):
        greedy = self.manifest["greedy"]
        ids = ",".join(map(str, greedy["prompt"]))
        done = run("complete", "--model", self.model, "--ids", ids, "--max-tokens", "32", "--ignore-eos", "--json",
                   env={"AQUILON_ISA": "ref"})
        self.assertEqual(json.loads(done.stdout)["ids"], greedy["tokens"])

    def test_seeds_reproduce_on_any_number_of_threads(self):
        answers = set()
        for threads in ("1", "2", "3"):
            done = run("complete", "--model", self.model, "--ids", "1,2,3", "--max-tokens", "40", "--temperature", "1", "--seed",
                       "11", "--threads", threads, "--json")
            answers.add(done.stdout)
        self.assertEqual(len(answers), 1)

    def test_logits_are_the_published_ones(self):
        sequence = next(s for s in self.manifest["sequences"] if s["length"] == 33)
        with tempfile.TemporaryDirectory() as tmp:
            ids = pathlib.Path(tmp) / "ids.i32"
            ids.write_bytes(struct.pack(f"<{len(sequence['tokens'])}i", *sequence["tokens"]))
            out = pathlib.Path(tmp) / "out.f32"
            done = run("logits", "--model", self.model, "--ids-file", str(ids), "--out", str(out))
            self.assertEqual(done.returncode, 0, done.stderr)
            got = struct.unpack(f"<{33 * 384}f", out.read_bytes())
        expected = (TINY / sequence["logits"]).read_bytes()
        want = struct.unpack(f"<{len(expected) // 4}f", expected)
        for row, position in enumerate(sequence["positions"]):
            for i in range(384):
                self.assertAlmostEqual(got[position * 384 + i], want[row * 384 + i], delta=sequence["tolerance"])

    def test_tokenize_lines_and_text(self):
        lines = ['"he"', '" t"', '""', '"h\\u00e9"']
        done = run("tokenize", "--model", self.model, "--json", stdin="\n".join(lines) + "\n")
        self.assertEqual(list(map(json.loads, done.stdout.splitlines())), [[258], [259], [], [104, 195, 169]])
        self.assertEqual(run("tokenize", "--model", self.model, "he").stdout.split(), ["258", '"he"'])

    def test_help_of_every_command(self):
        listed = re.findall(r"^  (\w+)  +(.+)$", run("--help").stdout, re.M)
        names = [name for name, _ in listed]
        self.assertEqual(set(names), {"serve", "chat", "complete", "tokenize", "logits", "models", "pull", "doctor"})
        for name, summary in listed:
            # As an order: "Serve the API", neither "The API" nor "serve the API."
            self.assertRegex(summary, r"^(?!The |A |An |One |API )[A-Z][a-z]+,? \S.*[^.]$", name)
            shown = run(name, "--help").stdout
            self.assertTrue(shown.startswith(f"{summary}\n\nusage: aquilon {name} "), shown)
            self.assertEqual(run("help", name).stdout, shown)
            texts = option_texts(shown)
            self.assertEqual(len(texts), len(re.findall(r"^  (?:--|\[)", shown, re.M)))
            for text in texts:
                with self.subTest(command=name, option=text):
                    self.assertEqual(repeated_phrases(text), [])
                    sentence = text.split(" (")[0]
                    self.assertFalse(sentence.endswith("."), "options' texts have no full stop")
                    self.assertRegex(sentence, r"^(?:[a-z0-9]|API |GGUF |Jinja |JSON )", "nor a capital")
        self.assertEqual(repeated_phrases("ends it; may be repeated (may be repeated)"), ["may be repeated"])
        self.assertEqual(repeated_phrases("prints it; default: on (default on)"), ["default"])


class Talking(unittest.TestCase):
    """The default model, where it is installed."""

    @classmethod
    def setUpClass(cls):
        cls.model = default_model()
        if cls.model is None:
            raise unittest.SkipTest("the default model is not installed: ./run serve fetches it")

    def test_complete_chat_stops_by_itself(self):
        done = run("complete", "--model", self.model, "--chat", "--max-tokens", "64", "What is the capital of France?")
        self.assertIn("Paris", done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_memory_that_is_not_there_is_refused_before_it_is_taken(self):
        done = run("serve", "--model", self.model, "--port", "0", "--ctx", "8192", "--parallel", "1024")  # 360 GiB
        self.assertEqual(done.returncode, 71, done.stderr)
        self.assertRegex(done.stderr, r"not enough memory: [0-9.]+ GiB needed .* [0-9.]+ [MG]iB free")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_a_conversation_with_commands(self):
        done = run("chat", "--model", self.model, "--temperature", "0", "--max-tokens", "24",
                   stdin="Say hello.\n/system You are terse.\n/nonsense\n\"\"\"\ntwo\nlines\n\"\"\"\n/retry\n/new\n/exit\nnever read\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(re.findall(r"tok/s · first after", done.stderr)), 3, done.stderr)  # two answers, one again
        for words in ("System prompt: You are terse.", "/nonsense is no command", "forgotten"):
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
