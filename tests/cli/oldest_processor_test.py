"""The program runs on the oldest processor that it is built for, and says the same there.

usage: oldest_processor_test.py AQUILON   Needs qemu-x86_64 (Debian: qemu-user); skips without it.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

TINY = pathlib.Path(__file__).resolve().parents[1] / "data/oracle/llama-gqa"
AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
QEMU = shutil.which("qemu-x86_64")
NEHALEM = [QEMU, "-cpu", "Nehalem"]  # 2008: SSE4.2, no AVX


def default_model():
    folder = os.environ.get("AQUILON_TEST_MODELS", os.path.expanduser("~/.cache/aquilon/test-models"))
    path = pathlib.Path(folder) / "smollm2-135m-instruct-q4_1.gguf"
    return str(path) if path.exists() else None


def complete(model, ids, tokens, machine=(), isa=""):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AQUILON_")}
    if isa:
        environment["AQUILON_ISA"] = isa
    done = subprocess.run([*machine, AQUILON, "complete", "--model", model, "--ids", ",".join(map(str, ids)), "--max-tokens",
                           str(tokens), "--ignore-eos", "--ctx", "64", "--threads", "2", "--json"], capture_output=True, text=True,
                          timeout=500, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["ids"]


@unittest.skipUnless(QEMU, "qemu-x86_64 is missing (qemu-user): not run on an old processor")
class OldestProcessor(unittest.TestCase):
    def test_published_tokens(self):
        greedy = json.loads((TINY / "manifest.json").read_text())["greedy"]
        self.assertEqual(complete(str(TINY / "model-f32.gguf"), greedy["prompt"], len(greedy["tokens"]), NEHALEM),
                         greedy["tokens"])

    def test_packed_weights(self):
        model = default_model()
        if model is None:
            self.skipTest("the default model is missing")
        self.assertEqual(complete(model, [504, 2643], 3, NEHALEM), complete(model, [504, 2643], 3))

    def test_it_is_old(self):
        done = subprocess.run([*NEHALEM, AQUILON, "complete", "--model", str(TINY / "model-f32.gguf"), "--ids", "1"],
                              capture_output=True, text=True, timeout=500, env={**os.environ, "AQUILON_ISA": "avx2"})
        self.assertIn("this machine does not have it", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
