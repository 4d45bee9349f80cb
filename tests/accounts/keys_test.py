"""`aquilon keys`, `aquilon usage`, `aquilon backup` and `aquilon check` beside a running server. Python's standard library only.

usage: keys_test.py AQUILON
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from data_folder import ENVIRONMENT, MODEL, Server, ask, run, usage  # noqa: E402

AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
SEEN_WITHIN = 5  # seconds, of a machine that is busy with other tests; the program says one


def fails(*arguments):
    """What a command says that must fail."""
    done = subprocess.run([AQUILON, *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode != 0, f"{arguments} worked: {done.stdout}"
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def eventually(condition):
    deadline = time.monotonic() + SEEN_WITHIN
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.data = pathlib.Path(self.folder.name) / "data"

    def keys(self, action, *arguments):
        return run(AQUILON, "keys", action, "--data", self.data, *arguments)

    def create(self, name, *arguments):
        return self.keys("create", "--name", name, *arguments).splitlines()[-1]

    def test_a_key_is_shown_once_and_then_known_by_name(self):
        key = self.create("ann", "--rpm", 60, "--tpm", 1000, "--models", "tiny,other", "--expires", "30d")
        self.assertRegex(key, r"^aq-[a-z2-7]{52}$")
        listed = self.keys("list")
        self.assertIn("ann", listed)
        self.assertIn("60 requests a minute, 1000 tokens a minute", listed)
        self.assertNotIn(key, listed)
        [entry] = json.loads(self.keys("list", "--json"))
        self.assertEqual((entry["name"], entry["state"], entry["rpm"], entry["tpm"]), ("ann", "live", 60, 1000))
        self.assertEqual((entry["models"], entry["scopes"]), (["tiny", "other"], ["inference"]))
        self.assertEqual(entry["prefix"], key[:9])
        for path in self.data.iterdir():
            self.assertNotIn(key.encode(), path.read_bytes(), path.name)

    def test_errors_name_what_is_wrong(self):
        self.assertIn("--data", fails("keys", "create", "--name", "ann"))
        self.assertIn("no database", fails("keys", "list", "--data", self.folder.name))
        self.assertIn("is not a folder", fails("usage", "--data", self.data))
        self.create("ann")
        self.assertIn("in use", fails("keys", "create", "--data", self.data, "--name", "ann"))
        self.assertIn("no key 'bob'", fails("keys", "revoke", "--data", self.data, "bob"))
        self.assertIn("is no time", fails("keys", "create", "--data", self.data, "--name", "c", "--expires", "soon"))
        self.assertIn("has passed", fails("keys", "create", "--data", self.data, "--name", "c", "--expires", "2020-01-31"))
        self.assertIn("did you mean", fails("keys", "create", "--data", self.data, "--name", "c", "--scopes", "inferense"))
        self.assertIn("--by is", fails("usage", "--data", self.data, "--by", "hour"))
        self.assertIn("needs one more word", fails("keys"))

    def test_a_public_address_needs_a_key(self):
        serve = [AQUILON, "serve", "--data", self.data, "--model", MODEL, "--port", "0", "--host", "0.0.0.0"]
        self.assertIn("aquilon keys create", fails(*serve[1:]))
        self.create("ann")
        process = subprocess.Popen(serve, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with process:
            self.assertTrue(any(line.startswith("listening on") for line in process.stdout))
            process.terminate()

    def test_keys_come_and_go_while_the_server_runs(self):
        with Server(AQUILON, self.data) as server:
            self.assertEqual(ask(server.port).status, 200)
            ann = self.create("ann")
            self.assertTrue(eventually(lambda: ask(server.port).status == 401))
            self.assertEqual(ask(server.port, ann).status, 200)
            self.assertEqual(ask(server.port, ann[:-1]).status, 401)
            self.assertEqual(ask(server.port, ann, path="/models/unload", body={"model": "tiny"}).status, 403)
            self.keys("limit", "ann", "--models", "other")
            self.assertTrue(eventually(lambda: ask(server.port, ann).status == 403))
            self.keys("limit", "ann", "--models", "*", "--rpm", "1")
            self.assertTrue(eventually(lambda: ask(server.port, ann).status == 429))
            limited = ask(server.port, ann)
            self.assertEqual(limited.headers["x-ratelimit-limit-requests"], "1")
            self.assertGreaterEqual(int(limited.headers["retry-after"]), 1)
            self.keys("limit", "--name", "ann", "--rpm", "0")
            self.assertTrue(eventually(lambda: ask(server.port, ann).status == 200))
            self.keys("revoke", "ann")
            self.assertTrue(eventually(lambda: ask(server.port, ann).status == 401))
            server.stop()

    def test_each_request_is_one_row_of_usage(self):
        ann, bob = self.create("ann"), self.create("bob")
        with Server(AQUILON, self.data) as server:
            seen = {}
            for key, name in ((ann, "ann"), (bob, "bob"), (ann, "ann")):
                answer = ask(server.port, key).json()
                seen[answer["id"]] = (name, answer["usage"])
            stream = ask(server.port, bob, stream=True)
            chunks = [json.loads(event) for event in stream.events()[:-1]]
            seen[chunks[0]["id"]] = ("bob", chunks[-1]["usage"])
            self.assertEqual(ask(server.port, bob, temperature=-1).status, 422)
            server.stop()
        rows = usage(AQUILON, self.data)
        self.assertEqual(len(rows), 5)
        finished = {row["id"]: row for row in rows if row["ended"] == "finished"}
        self.assertEqual(set(finished), set(seen))
        for identity, (name, used) in seen.items():
            row = finished[identity]
            self.assertEqual((row["key"], row["model"]), (name, "tiny"))
            self.assertEqual((row["prompt_tokens"], row["completion_tokens"]), (used["prompt_tokens"], used["completion_tokens"]))
            self.assertRegex(row["started_at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertLessEqual(row["started_at"], row["ended_at"])
        self.assertEqual([row["status"] for row in rows if row["ended"] == "refused"], [422])
        self.check_sums(rows)

    def check_sums(self, rows):
        by_key = {row["key"]: row for row in usage(AQUILON, self.data, "--by", "key")}
        self.assertEqual({name: row["requests"] for name, row in by_key.items()}, {"ann": 2, "bob": 3})
        total = sum(row["prompt_tokens"] for row in rows)
        for by in ("key", "model", "day"):
            self.assertEqual(sum(row["prompt_tokens"] for row in usage(AQUILON, self.data, "--by", by)), total)
        self.assertEqual(len(usage(AQUILON, self.data, "--only-key", "ann")), 2)
        self.assertEqual(usage(AQUILON, self.data, "--until", "1h"), [])
        self.assertEqual(len(usage(AQUILON, self.data, "--since", "1h")), 5)
        prices = pathlib.Path(self.folder.name) / "prices.json"
        prices.write_text('{"tiny": {"prompt": 1000000, "completion": 0}}')
        [row] = usage(AQUILON, self.data, "--by", "model", "--prices", prices)  # the refused request named it too
        self.assertEqual(row["cost"], total)
        self.assertIn("bob", run(AQUILON, "usage", "--data", self.data))

    def test_a_backup_made_under_load_can_be_put_back(self):
        ann = self.create("ann")
        copy = pathlib.Path(self.folder.name) / "copy.db"
        with Server(AQUILON, self.data) as server:
            for _ in range(10):
                self.assertEqual(ask(server.port, ann).status, 200)
            run(AQUILON, "backup", self.data, copy)
            self.assertEqual(ask(server.port, ann).status, 200)
            server.stop()
        self.assertIn("11 requests", run(AQUILON, "check", self.data))
        back = pathlib.Path(self.folder.name) / "back"
        back.mkdir()
        copy.rename(back / "aquilon.db")
        (back / "pepper").write_bytes((self.data / "pepper").read_bytes())
        self.assertIn("10 requests", run(AQUILON, "check", back))
        with Server(AQUILON, back) as server:
            self.assertEqual(ask(server.port, ann).status, 200)
            server.stop()

    def test_damage_is_found(self):
        self.create("ann")
        with Server(AQUILON, self.data) as server:
            ask(server.port)
            server.stop()
        database = self.data / "aquilon.db"
        whole = database.read_bytes()  # a server that stops leaves nothing in the log
        database.write_bytes(whole[:4096] + b"\xaa" * 8192 + whole[12288:])
        (self.data / "aquilon.db-wal").unlink(missing_ok=True)
        self.assertIn("damaged", fails("check", self.data))

    def test_two_servers_share_a_folder(self):
        ann = self.create("ann")
        with Server(AQUILON, self.data) as one, Server(AQUILON, self.data) as two:
            for _ in range(5):
                self.assertEqual(ask(one.port, ann).status, 200)
                self.assertEqual(ask(two.port, ann).status, 200)
            one.stop()
            self.assertEqual(ask(two.port, ann).status, 200)
            two.stop()
        self.assertEqual(len(usage(AQUILON, self.data)), 11)

    def test_keys_are_not_in_what_the_server_says(self):
        ann = self.create("ann")
        with Server(AQUILON, self.data) as server:
            ask(server.port, ann)
            ask(server.port, ann, path=f"/v1/models?key={ann}", method="GET")
            ask(server.port, ann, body={"model": ann})
            server.process.terminate()
            server.process.wait(60)
            said = server.said()
        self.assertIn("/v1/completions", said)
        self.assertNotIn(ann, said)


unittest.main(verbosity=2)
