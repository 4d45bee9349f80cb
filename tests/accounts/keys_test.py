"""`aquilon keys`, `aquilon usage`, `aquilon backup` and `aquilon check` beside a running server. Python's standard library only.

usage: keys_test.py AQUILON
"""
import json
import os
import pathlib
import resource
import shutil
import signal
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
        shutil.copy(self.data / "pepper", back)
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

    def test_a_folder_that_lost_its_keys_is_not_begun_anew(self):
        self.create("ann")
        database = self.data / "aquilon.db"
        for lose in (lambda: database.write_bytes(b""), lambda: [path.unlink(missing_ok=True) for path in self.data.glob("aquilon.db*")]):
            lose()
            for command in (["check", self.data], ["serve", "--data", self.data, "--model", MODEL, "--port", "0"],
                            ["keys", "create", "--data", self.data, "--name", "bob"]):
                said = fails(*command)
                self.assertIn("put a backup in its place", said)
                self.assertIn(f"remove {self.data.resolve()}/pepper", said)
        (self.data / "pepper").unlink()
        self.create("bob")

    def test_keys_that_are_all_revoked_keep_the_door_shut(self):
        self.create("ann")
        self.keys("revoke", "ann")
        with Server(AQUILON, self.data) as server:
            self.assertEqual(ask(server.port).status, 401)
            self.assertEqual(ask(server.port, path="/models/unload", body={"model": "tiny"}).status, 401)
            server.stop()

    def test_what_others_may_change_is_refused(self):
        self.create("ann")
        for path, mode, good in ((self.data, 0o777, 0o700), (self.data / "pepper", 0o666, 0o600)):
            path.chmod(mode)
            for command in (["check", self.data], ["serve", "--data", self.data, "--model", MODEL, "--port", "0"]):
                self.assertIn(f"chmod {good:04o} {path.resolve()}", fails(*command))
            path.chmod(good)
        self.keys("list")

    def test_empty_values_widen_nothing(self):
        self.create("ann", "--models", "m1", "--scopes", "admin")
        for flag, values in (("--models", ("", ",", "m1,", " ")), ("--scopes", ("", ",")), ("--expires", ("",))):
            for value in values:
                for command in (["create", "--name", "bob"], ["limit", "ann"]):
                    said = fails("keys", *command, "--data", self.data, flag, value)
                    self.assertIn(flag, said)
                    self.assertIn("empty", said)
        self.assertIn("beside other names", fails("keys", "limit", "ann", "--data", self.data, "--models", "m1,*"))
        for command in (["serve", "--data", ""], ["serve", "--tls-cert", ""], ["usage", "--data", self.data, "--prices", ""],
                        ["usage", "--data", self.data, "--only-key", ""], ["usage", "--data", self.data, "--since="]):
            self.assertIn("is empty", fails(*command))
        [ann] = json.loads(self.keys("list", "--json"))
        self.assertEqual((ann["models"], ann["scopes"], ann["expires"]), (["m1"], ["admin"], None))
        self.keys("limit", "ann", "--models", "*")
        self.assertIsNone(json.loads(self.keys("list", "--json"))[0]["models"])

    def test_a_key_that_nobody_saw_is_not_in_force(self):
        self.create("ann")
        command = [AQUILON, "keys", "create", "--data", str(self.data), "--name", "bob"]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("revoked again", done.stderr)
        closed = subprocess.run(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, check=False, preexec_fn=lambda: os.close(1))
        self.assertNotEqual(closed.returncode, 0)
        self.assertIn("revoked again", closed.stderr)
        self.assertEqual([key["name"] for key in json.loads(self.keys("list", "--json"))], ["ann"])
        run(AQUILON, "check", self.data)

    def test_a_reader_of_usage_that_has_enough_ends_it_quietly(self):
        with Server(AQUILON, self.data) as server:
            for _ in range(3):
                ask(server.port)
            server.stop()
        process = subprocess.Popen([AQUILON, "usage", "--data", str(self.data), "--json"], env=ENVIRONMENT, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPIPE]))
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        self.assertEqual(process.wait(60), -signal.SIGPIPE)

    def test_what_is_misspelt_is_said(self):
        self.create("annette")
        self.assertIn("there is no key 'annete'; did you mean annette?", fails("usage", "--data", self.data, "--only-key", "annete"))
        prices = pathlib.Path(self.folder.name) / "prices.json"
        prices.write_text('{"tiny": {"promt": 1}}')
        self.assertIn("did you mean prompt?", fails("usage", "--data", self.data, "--prices", prices))

    def test_token_limits_end_running_answers(self):
        limit, n = 60, 8
        for name, flag in (("a", "--tpm"), ("b", "--tokens-per-day")):
            key = self.create(name, flag, limit)
            with Server(AQUILON, self.data) as server:
                body = {"model": "tiny", "prompt": [5, 6, 7], "ignore_eos": True, "n": n, "max_tokens": 50}
                answer = ask(server.port, key, body=body).json()
                self.assertEqual({choice["finish_reason"] for choice in answer["choices"]}, {"length"})
                used = answer["usage"]["total_tokens"]
                self.assertTrue(limit <= used <= limit + n, used)
                self.assertEqual(ask(server.port, key).status, 429)
                server.stop()

    def test_old_requests_are_removed(self):
        ann = self.create("ann", "--requests-per-day", 3)
        with Server(AQUILON, self.data) as server:
            for _ in range(2):
                self.assertEqual(ask(server.port, ann).status, 200)
            run(AQUILON, "usage", "prune", "--data", self.data, "--before", "1h")
            self.assertEqual(len(usage(AQUILON, self.data)), 2)
            self.assertIn("2 requests", run(AQUILON, "usage", "prune", "--data", self.data, "--before", "2100-01-01"))
            self.assertEqual(usage(AQUILON, self.data), [])
            self.assertEqual(ask(server.port, ann).status, 200)
            self.assertEqual(ask(server.port, ann).status, 429)
            server.stop()
        with Server(AQUILON, self.data) as server:  # the day's budget is not given again
            self.assertEqual(ask(server.port, ann).status, 429)
            server.stop()

    def test_a_database_that_is_removed_is_noticed(self):
        ann = self.create("ann")
        with Server(AQUILON, self.data) as server:
            self.assertEqual(ask(server.port, ann).status, 200)
            for path in self.data.glob("aquilon.db*"):
                path.unlink()
            self.assertTrue(eventually(lambda: ask(server.port, path="/readyz", method="GET").status == 503))
            refused = ask(server.port, ann)
            self.assertEqual(refused.status, 503)
            self.assertIn("usage_not_recorded", refused.body)
            [line] = [json.loads(line) for line in server.said().splitlines() if "was removed or replaced" in line]
            self.assertEqual(line["level"], "error")
            server.process.terminate()
            server.process.wait(60)

    def test_a_file_that_may_not_grow_is_told(self):
        ann = self.create("ann")

        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

        with Server(AQUILON, self.data, preexec_fn=small) as server:
            for _ in range(2000):
                answer = ask(server.port, ann, max_tokens=1)
                if answer.status != 200:
                    break
            self.assertEqual(answer.status, 503)
            self.assertIn("usage_not_recorded", answer.body)
            self.assertIsNone(server.process.poll())
            server.stop()
            said = [line for line in server.text.splitlines() if "usage is lost" in line]
        rows = usage(AQUILON, self.data)
        self.assertGreaterEqual(len(said), 1)
        self.assertIn("'ann'", said[0])
        self.assertNotIn(json.loads(said[0])["message"].split("id ")[1].split(",")[0], [row["id"] for row in rows])

    def test_a_backup_clears_away_what_a_killed_one_left(self):
        self.create("ann")
        copy = pathlib.Path(self.folder.name) / "copy.db"
        for end in (".part", ".part-journal"):
            copy.with_name(copy.name + end).write_bytes(b"left")
        run(AQUILON, "backup", self.data, copy)
        self.assertEqual([path.name for path in copy.parent.glob("copy.db*")], ["copy.db"])

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
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        self.assertEqual([line.get("key") for line in lines if line.get("route") == "/v1/completions"], ["ann", "ann"])


unittest.main(verbosity=2)
