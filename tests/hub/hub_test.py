"""`aquilon pull` and `aquilon models` against a hub on this machine (fake_hub.py), which the huggingface_hub
package downloads from as well. usage: hub_test.py PROGRAM [UNITTEST ARGUMENTS]"""
import json
import os
import pathlib
import pty
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from fake_hub import FakeHub, Repo, gguf, send_file, sha256

PROGRAM = ""
MIB = 1 << 20


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
        return subprocess.run([PROGRAM, *arguments], env=self.environment(**environment), text=True, timeout=120,
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


class Pulls(HubTest):
    def test_default_quant(self):
        self.pull("org/Model-GGUF")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)
        model = self.installed()["model-q4_k_m"]
        self.assertEqual(model["repo"], "org/Model-GGUF")
        self.assertEqual(model["revision"], self.hub.repos["org/Model-GGUF"].commit)
        self.assertEqual(model["licence"], "apache-2.0")
        self.assertEqual(model["files"][0]["sha256"], sha256(self.data))
        self.assertEqual(self.store_files(), ["model-q4_k_m/Model-Q4_K_M.gguf", "model-q4_k_m/manifest.json"])

    def test_quant_file_and_name(self):
        self.pull("org/Model-GGUF:q8_0")
        self.pull("org/Model-GGUF:Model-Q8_0.gguf", "--name", "mine")
        self.assertEqual(self.contents("model-q8_0"), self.contents("mine"))

    def test_catalogue_name_and_notice(self):
        self.hub.repos["bartowski/Mistral-Large-Instruct-2407-GGUF"] = Repo({"M-Q4_K_M.gguf": gguf(5000)})
        done = self.pull("mistral-large-instruct-2407")
        self.assertIn("research only", done.stderr)
        self.assertIn("mistral-large-instruct-2407", self.installed())

    def test_split_files_in_a_folder(self):
        parts = {f"Q4_0/m-0000{i}-of-00003.gguf": gguf(100_000 + i, seed=i) for i in (1, 2, 3)}
        self.hub.repos["org/split"] = Repo(parts)
        self.pull("org/split")
        files = self.installed()["split-q4_0"]["files"]
        self.assertEqual([pathlib.Path(f["path"]).read_bytes() for f in files], list(parts.values()))

    def test_listing_in_pages(self):
        self.hub.page_size = 3
        self.hub.repos["org/many"] = Repo({**{f"a{i}.txt": b"x" for i in range(20)}, "z-Q4_0.gguf": gguf(5000)})
        self.pull("org/many")
        self.assertEqual(len(self.hub.seen("hub", "/tree/")), 7)

    def test_small_file_without_sha256(self):
        self.hub.repos["org/small"] = Repo({"s-Q4_0.gguf": gguf(5000)}, small=["s-Q4_0.gguf"])
        self.pull("org/small")
        self.assertEqual(self.contents("small-q4_0"), gguf(5000))

    def test_moved_repository(self):
        self.hub.moved["old/Model-GGUF"] = "org/Model-GGUF"
        self.pull("old/Model-GGUF", HF_TOKEN="hf_right")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)

    def test_revision(self):
        self.hub.repos["org/rev"] = Repo({"r-Q4_0.gguf": gguf(5000)}, revision="v1/final")
        self.refused(66, "no such revision", "pull", "org/rev")
        self.pull("org/rev", "--revision", "v1/final")
        # Another revision replaces it under the same name.
        self.hub.repos["org/rev"] = Repo({"r-Q4_0.gguf": gguf(6000)}, revision="v2")
        self.pull("org/rev", "--revision", "v2")
        self.assertEqual(self.contents("rev-q4_0"), gguf(6000))
        self.assertEqual(len(self.store_files()), 2)

    def test_installed_already(self):
        self.pull("org/Model-GGUF")
        before = len(self.hub.requests)
        done = self.pull("org/Model-GGUF")
        self.assertIn("already installed", done.stdout)
        self.assertEqual(len(self.hub.requests), before)
        self.assertIn("already installed", self.pull("model-q4_k_m", HF_ENDPOINT="http://127.0.0.1:9").stdout)

    def test_repairs_a_damaged_model(self):
        self.pull("org/Model-GGUF")
        [file] = self.installed()["model-q4_k_m"]["files"]
        path = pathlib.Path(file["path"])
        for damage in (self.data[:-1] + b"\0", self.data[:-1], b""):
            path.write_bytes(damage)
            self.pull("model-q4_k_m")
            self.assertEqual(path.read_bytes(), self.data)

    def test_name_taken(self):
        self.pull("org/Model-GGUF:Q8_0", "--name", "mine")
        done = self.run_program("pull", "org/Model-GGUF:Q4_K_M", "--name", "mine")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the name 'mine' is taken", done.stderr)

    def test_show_and_remove(self):
        self.pull("org/Model-GGUF:Q8_0")
        shown = json.loads(self.run_program("models", "show", "model-q8_0", "--json").stdout)
        self.assertEqual(shown["architecture"], "llama")
        self.assertEqual(shown["context"], 4096)
        self.assertNotEqual(self.run_program("models", "remove", "model-q8_0").returncode, 0)
        self.assertEqual(self.run_program("models", "remove", "model-q8_0", "--yes").returncode, 0)
        self.assertEqual(self.store_files(), [])

    def test_add_replaces_only_when_told(self):
        files = [self.home / name for name in ("first.gguf", "second.gguf")]
        for seed, file in enumerate(files):
            file.write_bytes(gguf(5000, seed=seed))
        self.assertEqual(self.run_program("models", "add", "mine", str(files[0])).returncode, 0)
        done = self.run_program("models", "add", "mine", str(files[1]))
        self.assertEqual(done.returncode, 2)
        self.assertIn("the name 'mine' is taken (first.gguf, 5.00 kB)", done.stderr)
        self.assertIn("aquilon models add --replace mine FILE", done.stderr)
        self.assertEqual(self.contents("mine"), gguf(5000, seed=0))
        done = self.run_program("models", "add", "--replace", "mine", str(files[1]))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.contents("mine"), gguf(5000, seed=1))

    def test_store_folder_that_cannot_be(self):
        file = self.home / "model.gguf"
        file.write_bytes(gguf(5000))
        says = f"cannot create folder {file}/models/.partial/"
        for command in (["pull", "org/Model-GGUF"], ["models", "add", "mine", str(file)]):
            with self.subTest(command):
                done = self.refused(69, says, *command, AQUILON_HOME=str(file))
                self.assertIn(f"{file} is in the way and is no folder", done.stderr)
                self.assertNotIn("space", done.stderr)
        checks = json.loads(self.run_program("doctor", "--json", AQUILON_HOME=str(file)).stdout)["checks"]
        [store] = [check for check in checks if check["topic"] == "model store"]
        self.assertEqual(store["text"], f"cannot create folder {file}/models: {file} is in the way and is no folder")

    def test_progress_bar_on_a_terminal(self):
        parent, child = pty.openpty()
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data, pause=0.01))
        process = subprocess.Popen([PROGRAM, "pull", "org/Model-GGUF"], env=self.environment(), stderr=child,
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        os.close(child)
        shown = b""
        try:
            while piece := os.read(parent, 4096):
                shown += piece
        except OSError:  # the terminal's other side is closed
            pass
        self.assertEqual(process.wait(60), 0)
        self.assertIn(b"is installed", process.stdout.read())
        process.stdout.close()
        os.close(parent)
        self.assertRegex(shown, rb"downloading Model-Q4_K_M.gguf \[=+> +\] +\d+%  ")


class Interruptions(HubTest):
    def ranges(self):
        return [r[3].get("Range") for r in self.hub.seen("cdn")]

    def test_broken_connections(self):
        for bytes_sent in (1_000_000, 500_000, 0):
            self.hub.fail("cdn", "/", lambda h, n=bytes_sent: send_file(h, self.data, stop_after=n))
        done = self.pull("org/Model-GGUF")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)
        starts = self.ranges()
        self.assertEqual(starts[0], None)
        self.assertEqual(len(starts), 4)
        for start in starts[1:]:
            self.assertRegex(start, r"^bytes=\d+-$")
        self.assertIn("broke off", done.stderr)

    def test_ctrl_c_and_again(self):
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data, pause=0.05))
        process = subprocess.Popen([PROGRAM, "pull", "org/Model-GGUF"], env=self.environment(),
                                   stderr=subprocess.PIPE, text=True)
        parts = []
        while not parts or parts[0].stat().st_size < 500_000:
            time.sleep(0.05)
            parts = list(self.home.glob("models/.partial/model-q4_k_m/*.part"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("interrupted; the same command goes on from here", errors)
        self.assertEqual(self.installed(), {})
        done = self.pull("org/Model-GGUF")
        self.assertIn("going on after", done.stderr)
        self.assertRegex(self.ranges()[-1], r"^bytes=[1-9]\d+-$")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)

    def test_killed_and_the_part_damaged(self):
        folder = self.home / "models/.partial/model-q4_k_m"
        folder.mkdir(parents=True)
        part = folder / f"Model-Q4_K_M.gguf.{sha256(self.data)[:16]}.part"
        part.write_bytes(b"x" * 100_000)
        (folder / "stale.gguf.0000.part").write_bytes(b"old")
        done = self.pull("org/Model-GGUF")
        self.assertIn("once more from the beginning", done.stderr)
        self.assertEqual(self.contents("model-q4_k_m"), self.data)
        self.assertEqual(len(self.store_files()), 2)

    def test_part_longer_than_the_file(self):
        folder = self.home / "models/.partial/model-q4_k_m"
        folder.mkdir(parents=True)
        (folder / f"Model-Q4_K_M.gguf.{sha256(self.data)[:16]}.part").write_bytes(self.data + b"more")
        self.pull("org/Model-GGUF")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)

    def test_server_without_ranges(self):
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data, stop_after=1_000_000))
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data, ranges=False))
        self.pull("org/Model-GGUF")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)

    def test_busy_hub_and_storage(self):
        for role, path in (("hub", "/revision/"), ("hub", "/tree/"), ("hub", "/resolve/"), ("cdn", "/")):
            self.hub.fail(role, path, lambda h: h.answer(503, b"busy", {"Retry-After": "1"}))
        self.hub.fail("hub", "/revision/", lambda h: h.answer(429, b"slowly"))
        start = time.monotonic()
        self.pull("org/Model-GGUF:Q8_0")
        self.assertGreater(time.monotonic() - start, 4)  # four times Retry-After

    def test_always_busy(self):
        self.hub.fail("hub", "/revision/", lambda h: h.answer(429, b"no"), times=99)
        self.refused(75, "asks to come back later (429)", "pull", "org/Model-GGUF")

    def test_silent_server(self):
        def stall(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.data)))
            handler.end_headers()
            handler.wfile.write(self.data[:100])
            time.sleep(5)

        self.hub.fail("cdn", "/", stall)
        done = self.pull("org/Model-GGUF", "--timeout", "1")
        self.assertIn("too slow", done.stderr)
        self.assertEqual(self.contents("model-q4_k_m"), self.data)

    def test_two_at_once(self):
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data, pause=0.03))
        first = subprocess.Popen([PROGRAM, "pull", "org/Model-GGUF"], env=self.environment(),
                                 stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not list(self.home.glob("models/.partial/*/*.part")):
            time.sleep(0.02)
        second = self.run_program("pull", "org/Model-GGUF")
        self.assertEqual(second.returncode, 69, second.stderr)
        self.assertIn("another process is getting", second.stderr)
        self.assertEqual(first.wait(60), 0)
        self.assertEqual(self.contents("model-q4_k_m"), self.data)


class Lies(HubTest):
    """Answers that must not become a model."""

    def nothing_left(self):
        self.assertEqual([f for f in self.store_files() if f.endswith((".part", ".gguf"))], [])

    def test_wrong_contents(self):
        wrong = self.data[:-1] + b"\0"
        self.hub.fail("cdn", "/", lambda h: send_file(h, wrong))
        self.refused(65, "arrived damaged", "pull", "org/Model-GGUF")
        self.nothing_left()

    def test_wrong_contents_of_a_small_file(self):
        self.hub.repos["org/small"] = Repo({"s-Q4_0.gguf": gguf(5000)}, small=["s-Q4_0.gguf"])
        self.hub.fail("hub", "/resolve/", lambda h: send_file(h, gguf(5000, seed=9)))
        self.refused(65, "arrived damaged", "pull", "org/small")
        self.nothing_left()

    def test_too_short(self):
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data[:1_000_000]), times=99)
        self.refused(65, "another range", "pull", "org/Model-GGUF")

    def test_too_long(self):
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data + b"more"), times=99)
        self.refused(65, "more than it announced", "pull", "org/Model-GGUF")

    def test_too_long_without_saying_so(self):
        def endless(handler):
            handler.send_response(200)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.close_connection = True
            for _ in range(10_000):
                handler.wfile.write(b"x" * 65536)

        self.hub.fail("cdn", "/", endless, times=99)
        self.refused(65, "more than", "pull", "org/Model-GGUF")
        self.hub.fail("hub", "/tree/", endless, times=99)
        self.refused(65, "more than", "pull", "org/Model-GGUF")

    def test_two_checksums(self):
        def lie(handler):
            handler.answer(302, b"", {"Location": f"{self.hub.cdn_url}/{sha256(self.data)}",
                                      "X-Linked-Size": str(len(self.data)), "X-Linked-Etag": f'"{"0" * 64}"'})

        self.hub.fail("hub", "/resolve/", lie)
        self.refused(65, "two checksums", "pull", "org/Model-GGUF")

    def test_hostile_listings(self):
        entry = self.hub.repos["org/Model-GGUF"].entry("Model-Q4_K_M.gguf")
        cases = [
            (b"<html>welcome to the hotel's network</html>", "not JSON"),
            (b"", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b'{"error": "x"}', "not a list"),
            (json.dumps([{**entry, "path": "../../evil.gguf"}]).encode(), "'path'"),
            (json.dumps([{**entry, "path": "/etc/evil.gguf"}]).encode(), "'path'"),
            (json.dumps([{**entry, "path": "a\\..\\evil.gguf"}]).encode(), "'path'"),
            (json.dumps([{**entry, "size": 2**63}]).encode(), "'size'"),
            (json.dumps([{**entry, "size": 2**64 + 1}]).encode(), "'size'"),
            (json.dumps([{**entry, "size": -5}]).encode(), "'size'"),
            (json.dumps([{**entry, "size": "5"}]).encode(), "'size'"),
            (json.dumps([{**entry, "lfs": {**entry["lfs"], "oid": "../../x"}}]).encode(), "'oid'"),
            (json.dumps([{**entry, "size": 2**49, "lfs": {**entry["lfs"], "size": 2**49}}]).encode(),
             "not enough disk space"),
        ]
        for body, says in cases:
            with self.subTest(body[:60]):
                self.hub.fail("hub", "/tree/", lambda h, b=body: h.answer(200, b))
                status = 69 if "disk" in says else 65
                self.refused(status, says, "pull", "org/Model-GGUF")

    def test_endless_pages(self):
        def again(handler):
            handler.answer(200, b"[]", {"Link": f'<{self.hub.url}{handler.path}>; rel="next"'})

        self.hub.fail("hub", "/tree/", again, times=100_000)
        self.refused(65, "too many files", "pull", "org/Model-GGUF")
        self.assertLess(len(self.hub.seen("hub", "/tree/")), 1000)

    def test_huge_headers(self):
        def shout(handler):
            handler.send_response(200)
            for i in range(60):
                handler.send_header(f"X-{i}", "y" * 2000)
            handler.end_headers()

        self.hub.fail("hub", "/revision/", shout)
        self.refused(65, "headers are too long", "pull", "org/Model-GGUF")

    def test_licence_cannot_steer_the_terminal(self):
        self.hub.repos["org/esc"] = Repo({"e-Q4_0.gguf": gguf(5000)}, licence="\x1b]0;owned\x07\nfake")
        done = self.pull("org/esc")
        shown = self.run_program("models", "show", "esc-q4_0").stdout + done.stderr
        self.assertNotIn("\x1b", shown)
        self.assertNotIn("\x07", shown)
        self.assertIn("owned", shown)


class Credentials(HubTest):
    def authorizations(self, role):
        return {r[3].get("Authorization") for r in self.hub.seen(role)}

    def test_token_stays_with_the_hub(self):
        self.hub.repos["org/gated"] = Repo({"g-Q4_0.gguf": gguf(5000)}, gated="manual")
        self.pull("org/gated", HF_TOKEN="hf_right")
        self.assertEqual(self.authorizations("hub"), {"Bearer hf_right"})
        self.assertEqual(self.authorizations("cdn"), {None})

    def test_no_token_no_header(self):
        self.pull("org/Model-GGUF")
        self.assertEqual(self.authorizations("hub"), {None})

    def test_gated(self):
        self.hub.repos["org/gated"] = Repo({"g-Q4_0.gguf": gguf(5000)}, gated="auto")
        self.refused(77, "set HF_TOKEN", "pull", "org/gated")
        self.refused(77, "accept its licence at", "pull", "org/gated", HF_TOKEN="hf_wrong")

    def test_answers_that_lead_elsewhere(self):
        for path in ("/revision/", "/tree/"):
            with self.subTest(path):
                self.hub.fail("hub", path, lambda h: h.answer(302, b"", {"Location": self.hub.cdn_url + "/x"}))
                self.hub.fail("cdn", "/x", lambda h: h.answer(404, b"gone"))
                self.refused(66, "has no repository", "pull", "org/Model-GGUF", HF_TOKEN="hf_right")
        # A file that its storage has not is asked for again, from the hub.
        self.hub.fail("hub", "/resolve/", lambda h: h.answer(302, b"", {"Location": self.hub.cdn_url + "/x"}))
        self.hub.fail("cdn", "/x", lambda h: h.answer(404, b"gone"))
        self.assertIn("file storage answers 404", self.pull("org/Model-GGUF", HF_TOKEN="hf_right").stderr)
        self.assertEqual(len(self.hub.seen("cdn", "/x")), 3)
        self.assertEqual(self.authorizations("cdn"), {None})

    def test_next_page_elsewhere(self):
        self.hub.fail("hub", "/tree/", lambda h: h.answer(
            200, b"[]", {"Link": f'<{self.hub.cdn_url}/x>; rel="next"'}))
        self.refused(65, "on another host", "pull", "org/Model-GGUF", HF_TOKEN="hf_right")
        self.assertEqual(self.hub.seen("cdn"), [])

    def test_the_token_is_never_printed(self):
        self.hub.fail("hub", "/revision/", lambda h: h.answer(500, b"hf_secret"), times=99)
        done = self.refused(69, "out of order", "pull", "org/Model-GGUF", HF_TOKEN="hf_secret")
        self.assertNotIn("hf_secret", done.stderr + done.stdout)
        self.refused(2, "HF_TOKEN", "pull", "org/Model-GGUF", HF_TOKEN="hf_secret\r\nX-Evil: 1")


class Refusals(HubTest):
    def test_no_such_things(self):
        cases = [
            (77, "no public repository", ["org/none"]),
            (66, "no file or quant 'Q2_K'; there are: Model-Q4_K_M.gguf, Model-Q8_0.gguf", ["org/Model-GGUF:Q2_K"]),
            (66, "no such revision", ["org/Model-GGUF", "--revision", "none"]),
            (2, "not a revision", ["org/Model-GGUF", "--revision", "../../x"]),
            (66, "did you mean smollm2-135m-instruct?", ["smollm2-135m-instrct"]),
            (66, "no model named 'a/b/c'", ["a/b/c"]),
            (66, "no model named '../x'", ["../x"]),
            (2, "--name", ["org/Model-GGUF", "--name", "../x"]),
            (2, "which model?", []),
        ]
        for status, says, arguments in cases:
            with self.subTest(arguments):
                self.refused(status, says, "pull", *arguments)
        self.hub.fail("hub", "/revision/", lambda h: h.answer(404, b""))
        self.refused(66, "has no repository", "pull", "org/none")

    def test_no_network(self):
        self.refused(69, "cannot reach 127.0.0.1: no network?", "pull", "org/Model-GGUF",
                     HF_ENDPOINT="http://127.0.0.1:9")
        start = time.monotonic()
        done = self.refused(69, "no network?", "pull", "org/Model-GGUF", HF_ENDPOINT="https://hub.invalid")
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertLess(time.monotonic() - start, 15)

    def test_endpoints(self):
        for endpoint in ("http://hub.example", "ftp://hub.example", "hub.example", "https://u:p@hub.example"):
            with self.subTest(endpoint):
                self.refused(2, "HF_ENDPOINT", "pull", "org/Model-GGUF", HF_ENDPOINT=endpoint)

    def test_redirects(self):
        for location in ("http://hub.example/x", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://a b/"):
            with self.subTest(location):
                self.hub.fail("hub", "/revision/", lambda h, to=location: h.answer(302, b"", {"Location": to}))
                done = self.run_program("pull", "org/Model-GGUF")
                self.assertIn(done.returncode, (65, 77), done.stderr)
        self.hub.fail("hub", "/revision/", lambda h: h.answer(302, b"", {"Location": h.path}), times=99)
        self.refused(65, "redirects more than", "pull", "org/Model-GGUF")
        self.assertLess(len(self.hub.seen("hub")), 30)

    def test_store_that_cannot_be_written(self):
        (self.home / "models").write_text("not a folder")
        done = self.run_program("pull", "org/Model-GGUF")
        self.assertEqual(done.returncode, 66, done.stderr)
        self.assertIn(f"{self.home}/models", done.stderr.splitlines()[-1])
        self.assertEqual((self.home / "models").read_text(), "not a folder")


@unittest.skipIf(shutil.which("openssl") is None, "the program openssl is not installed")
class Encryption(HubTest):
    def setUp(self):
        super().setUp()
        self.certificate, key = self.home / "hub.crt", self.home / "hub.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hub",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        repos = self.hub.repos
        self.hub = FakeHub(tls=context)
        self.addCleanup(self.hub.__exit__)
        self.hub.repos = repos
        repos["org/Model-GGUF"].small.add("Model-Q8_0.gguf")

    def test_trusted_certificate(self):
        self.pull("org/Model-GGUF:Q8_0", SSL_CERT_FILE=str(self.certificate))
        self.assertIn("model-q8_0", self.installed())

    def test_unknown_certificate(self):
        self.refused(77, "no trustworthy certificate", "pull", "org/Model-GGUF:Q8_0", HF_TOKEN="hf_right")
        self.assertEqual(self.hub.requests, [])

    def test_never_down_to_plain_http(self):
        self.refused(77, "from https to plain http", "pull", "org/Model-GGUF:Q4_K_M",
                     SSL_CERT_FILE=str(self.certificate))
        self.assertEqual(self.hub.seen("cdn"), [])


try:
    import huggingface_hub
except ImportError:
    huggingface_hub = None


@unittest.skipIf(huggingface_hub is None, "the Python package huggingface_hub is not installed")
class Reference(HubTest):
    """The same hub serves Hugging Face's own client: it speaks the real interface."""

    CODE = """
import hashlib, json, pathlib, sys, huggingface_hub as h
one = h.hf_hub_download("org/Model-GGUF", "Model-Q4_K_M.gguf", cache_dir=sys.argv[1])
all_ = h.snapshot_download("org/Model-GGUF", cache_dir=sys.argv[1])
tree = {f.path: (f.size, f.lfs.sha256 if f.lfs else None)
        for f in h.HfApi().list_repo_tree("org/Model-GGUF", recursive=True)}
sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in pathlib.Path(all_).iterdir()}
print(json.dumps({"one": hashlib.sha256(open(one, "rb").read()).hexdigest(), "tree": tree, "sums": sums}))
"""

    def test_huggingface_hub_downloads_the_same(self):
        self.hub.page_size = 2
        cache = self.home / "cache"
        environment = self.environment(HF_HOME=str(cache), HF_HUB_DISABLE_XET="1", HF_TOKEN="hf_right",
                                       HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
        done = subprocess.run([sys.executable, "-c", self.CODE, str(cache)], env=environment, text=True,
                              capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        files = self.hub.repos["org/Model-GGUF"].files
        self.assertEqual(found["one"], sha256(self.data))
        self.assertEqual(found["sums"], {path: sha256(data) for path, data in files.items()})
        self.assertEqual({p: size for p, (size, _) in found["tree"].items()}, {p: len(d) for p, d in files.items()})
        self.assertTrue(all("Authorization" not in r[3] for r in self.hub.seen("cdn")))
        # And ours, from the same hub, has the same bytes.
        self.pull("org/Model-GGUF")
        self.assertEqual(sha256(self.contents("model-q4_k_m")), found["one"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
