"""What the tests of `aquilon pull` and `aquilon models` share: a hub on this machine (fake_hub.py) with one repository,
a home of their own, and the program run in it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from fake_hub import FakeHub, Repo, gguf

MIB = 1 << 20
_arguments = {}


def program():
    return _arguments["program"]


class HubTest(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="aquilon-hub-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.hub = FakeHub()
        self.addCleanup(self.hub.__exit__)
        self.data = gguf(3 * MIB)
        self.hub.repos["org/Model-GGUF"] = Repo({
            "README.md": b"# a model", "Model-Q4_K_M.gguf": self.data, "Model-Q8_0.gguf": gguf(70_000, seed=2)})

    def environment(self, **extra):
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(("HF_", "AQUILON_", "SSL_CERT")) and not k.lower().endswith("_proxy")}
        return {**clean, "AQUILON_HOME": str(self.home), "HF_ENDPOINT": self.hub.url, **extra}

    def run_program(self, *arguments, **environment):
        return subprocess.run([program(), *arguments], env=self.environment(**environment), text=True, timeout=120,
                              capture_output=True, stdin=subprocess.DEVNULL)

    def pull(self, *arguments, **environment):
        done = self.run_program("pull", *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, status, says, *arguments, **environment):
        """The program ends with `status` and one line of error that holds `says`; the store stays empty."""
        done = self.run_program(*arguments, **environment)
        self.assertEqual(done.returncode, status, done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("aquilon: ")]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertIn(says, errors[0])
        self.assertEqual(self.installed(), {})
        return done

    def installed(self):
        done = self.run_program("models", "list", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return {m["name"]: m for m in json.loads(done.stdout)}

    def store_files(self):
        return sorted(str(p.relative_to(self.home / "models")) for p in self.home.glob("models/**/*")
                      if p.is_file() and p.suffix != ".lock")

    def contents(self, name):
        [file] = self.installed()[name]["files"]
        return pathlib.Path(file["path"]).read_bytes()


def main(usage):
    """Runs the calling file's tests on the program that the first argument names."""
    if len(sys.argv) < 2:
        sys.exit(usage)
    _arguments["program"] = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
