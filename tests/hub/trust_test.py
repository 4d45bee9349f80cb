"""What must not be believed, and who must not hear the token. usage: trust_test.py PROGRAM [UNITTEST ARGUMENTS]"""
import json
import shutil
import ssl
import subprocess
import unittest

from fake_hub import FakeHub, Repo, gguf, send_file, sha256
from hub_case import HubTest, main


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
            (b"<html>welcome to the hotel's network</html>", "not valid JSON"),
            (b"", "not valid JSON"),
            (b"[" * 100_000, "not valid JSON"),
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


class Destinations(HubTest):
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


if __name__ == "__main__":
    main(__doc__)
