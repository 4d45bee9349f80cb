"""Downloads that break, stall, are resumed or cannot begin. usage: transfer_test.py PROGRAM [UNITTEST ARGUMENTS]"""
import os
import pathlib
import pty
import signal
import subprocess
import time

from fake_hub import send_file, sha256
from hub_case import HubTest, main, program


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
        process = subprocess.Popen([program(), "pull", "org/Model-GGUF"], env=self.environment(),
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
        first = subprocess.Popen([program(), "pull", "org/Model-GGUF"], env=self.environment(),
                                 stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not list(self.home.glob("models/.partial/*/*.part")):
            time.sleep(0.02)
        second = self.run_program("pull", "org/Model-GGUF")
        self.assertEqual(second.returncode, 69, second.stderr)
        self.assertIn("another process is getting", second.stderr)
        self.assertEqual(first.wait(60), 0)
        self.assertEqual(self.contents("model-q4_k_m"), self.data)


class Troubles(HubTest):
    def test_progress_bar_on_a_terminal(self):
        parent, child = pty.openpty()
        self.hub.fail("cdn", "/", lambda h: send_file(h, self.data, pause=0.01))
        process = subprocess.Popen([program(), "pull", "org/Model-GGUF"], env=self.environment(), stderr=child,
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

    def test_repairs_a_damaged_model(self):
        self.pull("org/Model-GGUF")
        [file] = self.installed()["model-q4_k_m"]["files"]
        path = pathlib.Path(file["path"])
        for damage in (self.data[:-1] + b"\0", self.data[:-1], b""):
            path.write_bytes(damage)
            self.pull("model-q4_k_m")
            self.assertEqual(path.read_bytes(), self.data)

    def test_no_network(self):
        self.refused(69, "cannot reach 127.0.0.1: no network?", "pull", "org/Model-GGUF",
                     HF_ENDPOINT="http://127.0.0.1:9")
        done = self.refused(69, "no network?", "pull", "org/Model-GGUF", HF_ENDPOINT="https://hub.invalid")
        self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_store_that_cannot_be_written(self):
        (self.home / "models").write_text("not a folder")
        done = self.run_program("pull", "org/Model-GGUF")
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn(f"{self.home}/models", done.stderr.splitlines()[-1])
        self.assertEqual((self.home / "models").read_text(), "not a folder")


if __name__ == "__main__":
    main(__doc__)
