"""What an operator sees and does: logs, reload, the service manager, limits of the system. Python's standard library only.

usage: service_test.py AQUILON
"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
from served import LLAMA, SECONDS, NotifySocket, Served, wait_until

AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
SECRETS = ("sk-first-secret", "sk-second-secret")


def serve(test, *arguments, **more):
    server = Served(AQUILON, *arguments, **more)
    test.addCleanup(server.close)
    return server


def make_certificate(folder, name):
    """A certificate for localhost and its key, as PEM files."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True)
    return certificate, key


class Logs(unittest.TestCase):
    def test_a_line_a_request_is_an_object_without_content(self):
        server = serve(self)
        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        body = {"model": "tiny", "prompt": "a private question", "max_tokens": 4, "ignore_eos": True}
        status, headers, text = server.ask("/v1/completions?private=1", body, {"X-Request-Id": "mine", "traceparent": parent})
        self.assertEqual(status, 200)
        self.assertEqual(headers["x-request-id"], "mine")
        self.assertEqual(headers["traceparent"][:36], parent[:36])
        server.ask("/v1/completions", {"model": "tiny", "prompt": "another private one", "temperature": 9})
        server.stop()
        lines = [json.loads(line) for line in server.logged().splitlines()]
        [first, second] = [line for line in lines if line["event"] == "request"]
        self.assertRegex(first["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual({name: first[name] for name in ("level", "request_id", "trace_id", "method", "route", "path", "status", "model",
                                                         "completion_tokens", "finish_reason")},
                         {"level": "info", "request_id": "mine", "trace_id": parent[3:35], "method": "POST", "route": "/v1/completions",
                          "path": "/v1/completions", "status": 200, "model": "tiny", "completion_tokens": 4, "finish_reason": "length"})
        self.assertEqual(first["prompt_tokens"], json.loads(text)["usage"]["prompt_tokens"])
        self.assertIn(first["id"], text)
        self.assertEqual((second["status"], second["err_code"]), (422, "invalid_value"))
        self.assertNotIn("private", server.logged())

    def test_text_is_for_people(self):
        server = serve(self, "--log-format", "text")
        server.ask("/health")
        server.stop()
        self.assertRegex(server.logged(), r"(?m)^\S+Z GET /health 200 \d+\.\d ms [0-9a-f]{32}$")

    def test_secrets_are_in_no_log_and_no_answer(self):
        server = serve(self, environment={"AQUILON_API_KEY": ",".join(SECRETS)})
        said = ""
        for headers in ({"Authorization": f"Bearer {SECRETS[0]}"}, {"Authorization": f"Basic {SECRETS[0]}"}, {"X-Api-Key": SECRETS[1] + "x"},
                        {"Api-Key": SECRETS[0], "Authorization": f"Bearer {SECRETS[1]}"}, {"Host": SECRETS[0]}, {"Origin": f"http://{SECRETS[0]}"}):
            for path in ("/v1/models", "/nowhere", f"/v1/models?api_key={SECRETS[0]}", "/metrics", "/health"):
                status, answered, text = server.ask(path, headers=headers)
                if "Host" not in headers:  # a name that a client made up is told back to it
                    said += f"{status}{answered}{text}"
            _, answered, text = server.ask("/v1/completions", {"model": "tiny", "prompt": 3}, headers)
            said += "" if "Host" in headers else f"{answered}{text}"
        for path in (f"/v1/models/{SECRETS[0]}", f"/{SECRETS[1]}", f"/openai/deployments/{SECRETS[0]}/completions"):
            server.ask(path, headers={"Authorization": f"Bearer {SECRETS[0]}", "X-Request-Id": SECRETS[1]})
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload" in server.logged(), "the reload")
        server.stop()
        for secret in SECRETS:
            self.assertNotIn(secret, server.logged())
            self.assertNotIn(secret, said)

    def test_secrets_are_not_in_errors_of_flags_and_files(self):
        secret = SECRETS[0]
        with tempfile.TemporaryDirectory() as tmp:
            config = pathlib.Path(tmp) / "aquilon.toml"
            for text in (f'[serve]\napi-key = "{secret}\n', f'[serve]\napi-kye = "{secret}"\n', f'[serve]\napi-key = {secret} x\n',
                         f'[serve]\nport = "{secret[:2]}"\napi-key = "{secret}"\n'):
                config.write_text(text)
                # Whatever is made of the file, the model is not there.
                done = subprocess.run([AQUILON, "--config", str(config), "serve", "--model", "/nowhere.gguf"], capture_output=True,
                                      text=True, timeout=60, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertNotIn(secret, done.stderr + done.stdout)
        for arguments in (["--api-kye", secret], [f"--api-kye={secret}"], ["--api-key", secret, "--port", "x"]):
            done = subprocess.run([AQUILON, "serve", *arguments], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertNotIn(secret, done.stderr + done.stdout)


class Reload(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) if hasattr(self, "enterContext") else None
        if self.folder is None:
            folder = tempfile.TemporaryDirectory()
            self.addCleanup(folder.cleanup)
            self.folder = pathlib.Path(folder.name)
        self.config = self.folder / "aquilon.toml"

    def reload(self, server, text, expected):
        before = server.logged().count(expected)
        self.config.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.logged().count(expected) > before, f"'{expected}' in {server.logged()}")

    def test_what_can_change_changes_and_the_rest_is_told(self):
        self.config.write_text('[serve]\napi-key = "one"\n')
        server = serve(self, "--config", str(self.config))

        def status(key, host="localhost"):
            return server.ask("/v1/models", headers={"Authorization": f"Bearer {key}", "Host": host})[0]
        self.assertEqual([status("one"), status("two"), status("one", "other.example")], [200, 401, 403])
        self.reload(server, '[serve]\napi-key = ["two"]\nallow-host = "other.example"\nparallel = 2\n', "reloaded; changed: --allow-host --api-key")
        self.assertEqual([status("one"), status("two"), status("two", "other.example")], [401, 200, 200])
        self.assertIn("--parallel has changed: it takes effect when the server is started again", server.logged())
        self.reload(server, '[serve]\napi-key = ["three"]\nno-such-key = 1\n', "reload refused, everything stays as it was")
        self.assertEqual([status("two"), status("three")], [200, 401])
        self.reload(server, "[serve]\n", "a running server does not give up its API keys")
        self.assertEqual(status("two"), 200)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not here")
    def test_a_certificate_is_read_again(self):
        first, second = make_certificate(self.folder, "first"), make_certificate(self.folder, "second")
        live = self.folder / "live.pem", self.folder / "live.key"

        def install(pair):
            for source, target in zip(pair, live):
                shutil.copy(source, target)
        install(first)
        self.config.write_text("")
        server = serve(self, "--config", str(self.config), "--tls-cert", str(live[0]), "--tls-key", str(live[1]))
        self.assertTrue(server.url.startswith("https://"), server.url)
        self.assertIn(":first", self.name_of(server, first[0]))
        install(second)
        self.reload(server, "", "reloaded; no option has changed")
        self.assertIn(":second", self.name_of(server, second[0]))
        live[1].write_text("no key")
        self.reload(server, "", "reload refused, everything stays as it was")
        self.assertIn(":second", self.name_of(server, second[0]))

    def name_of(self, server, authority):
        context = ssl.create_default_context(cafile=str(authority))
        with socket.create_connection(("127.0.0.1", server.port), SECONDS) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            self.assertTrue(secure.recv(64).startswith(b"HTTP/1.1 200 "))
            return ":" + dict(pair[0] for pair in secure.getpeercert()["subject"])["commonName"]


class ServiceManager(unittest.TestCase):
    def test_hears_of_every_state(self):
        manager = NotifySocket()
        self.addCleanup(manager.close)
        server = serve(self, environment={"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "300000"})
        self.assertIn(f"STATUS=listening on {server.url}", manager.wait_for("READY=1"))
        for _ in range(3):
            manager.wait_for("WATCHDOG=1")
        server.process.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        server.process.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        self.assertEqual(server.process.wait(SECONDS), 0)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
    def test_the_units_are_sound_and_shut_in(self):
        folder = pathlib.Path(__file__).resolve().parents[2] / "ops"
        with tempfile.TemporaryDirectory() as tmp:
            root = pathlib.Path(tmp)
            for name in ("aquilon.service", "aquilon.socket"):
                text = (folder / name).read_text().replace("/usr/bin/aquilon", AQUILON)
                (root / name).write_text(text)
            verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, root.iterdir())],
                                      capture_output=True, text=True, check=False)
            self.assertEqual([line for line in verified.stderr.splitlines() if "aquilon" in line], [])
            scored = subprocess.run(["systemd-analyze", "security", "--offline=true", str(root / "aquilon.service")],
                                    capture_output=True, text=True, check=False)
        found = re.search(r"exposure level for aquilon\.service: ([0-9.]+)", scored.stdout)
        self.assertTrue(found, scored.stdout + scored.stderr)
        self.assertLessEqual(float(found.group(1)), 2.0, scored.stdout)


class Limits(unittest.TestCase):
    def test_descriptors_that_run_out_are_waited_for(self):
        server = serve(self)
        metric = "aquilon_failed_accepts_total"
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        self.assertEqual(soft, hard)  # it takes what it may have
        opened = os.stat(f"/proc/{server.process.pid}/fd").st_size or len(os.listdir(f"/proc/{server.process.pid}/fd"))
        first = server.connect()
        self.assertEqual(server.ask("/health", connection=first)[0], 200)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (opened + 4, hard))
        crowd = [socket.create_connection(("127.0.0.1", server.port), SECONDS) for _ in range(12)]
        wait_until(lambda: int(float(self.metric(server, metric, first))) > 0, metric)
        for one in crowd:
            one.close()
        self.assertEqual(server.complete()[0], 200)
        first.close()

    @staticmethod
    def metric(server, name, connection):
        return re.search(rf"(?m)^{name} (\S+)$", server.ask("/metrics", connection=connection)[2]).group(1)

    def test_no_core_dumps(self):
        server = serve(self)
        limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")

    def test_a_model_file_cut_off_in_use_is_told(self):
        with tempfile.TemporaryDirectory() as tmp:
            path = pathlib.Path(tmp) / "model.gguf"
            shutil.copy(LLAMA, path)
            server = serve(self, model=str(path))
            self.assertEqual(server.complete()[0], 200)
            self.assertEqual(server.ask("/readyz")[0], 200)
            os.truncate(path, 4096)
            status, text = server.complete(prompt="she")
            self.assertEqual(status, 503, text)
            self.assertIn("must be loaded again", text)
            self.assertNotIn(tmp, text)
            status, _, text = server.ask("/readyz")
            self.assertEqual((status, json.loads(text)["status"]), (503, "unready"))
            self.assertIn("tiny", json.loads(text)["reason"])
            self.assertEqual(server.ask("/livez")[0], 200)
            self.assertIn(f"{path} was shortened while it was in use", server.logged())
            # Put back, it can be loaded again without a restart.
            shutil.copy(LLAMA, path.with_suffix(".new"))
            os.replace(path.with_suffix(".new"), path)
            self.assertEqual(server.ask("/models/unload", {"model": "tiny"})[0], 200)
            self.assertEqual(server.complete(prompt="she")[0], 200)
            self.assertEqual(server.ask("/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
