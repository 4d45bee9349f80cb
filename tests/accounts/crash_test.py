"""kill -9 at random moments under load: no row that a client saw acknowledged is lost, none is there twice.

usage: crash_test.py AQUILON [KILLS]     KILLS: 20
An answer is acknowledged when its end has reached the client: a whole body, or the last event of a stream. Python's standard
library only. Prints what happened as one line of Markdown; exit status 1 when something did not hold.
"""
import collections
import http.client
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from data_folder import Server, ask, run, usage  # noqa: E402

CLIENTS = 6
LOAD_SECONDS = (0.02, 0.5)  # from the first request to the kill


class Client(threading.Thread):
    """Asks until the server is gone; `acknowledged` are ids and tokens of answers whose end it has seen."""

    def __init__(self, port, key, seed):
        super().__init__()
        self.port, self.key, self.random, self.acknowledged = port, key, random.Random(seed), {}

    def run(self):
        try:
            while self.one_request():
                pass
        except (OSError, http.client.HTTPException, ValueError):
            pass  # killed in the middle

    def one_request(self):
        stream = self.random.random() < 0.5
        answer = ask(self.port, self.key, max_tokens=self.random.randint(1, 12), stream=stream, prompt=[[3, 4], [9]][: self.random.randint(1, 2)])
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {answer.body}")
        if not stream:
            body = answer.json()
        elif answer.events()[-1:] != ["[DONE]"]:
            return False
        else:
            body = json.loads(answer.events()[-2])
        self.acknowledged[body["id"]] = (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"])
        return True


def one_round(program, data, key, dice):
    with Server(program, data) as server:
        clients = [Client(server.port, key, dice.random()) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(dice.uniform(*LOAD_SECONDS))
        server.kill()
        for client in clients:
            client.join()
    return {identity: tokens for client in clients for identity, tokens in client.acknowledged.items()}


def problems(program, data, acknowledged):
    run(program, "check", data)  # the database opens, and every page is sound
    rows = usage(program, data)
    times = collections.Counter(row["id"] for row in rows)
    found = [f"{identity} is there {count} times" for identity, count in times.items() if count > 1]
    by_id = {row["id"]: row for row in rows}
    for identity, tokens in acknowledged.items():
        row = by_id.get(identity)
        if row is None:
            found.append(f"{identity} was acknowledged and is lost")
        elif (row["prompt_tokens"], row["completion_tokens"]) != tokens or row["key"] != "ann" or row["ended"] != "finished":
            found.append(f"{identity} is {row}, the client saw {tokens}")
    return found, len(rows)


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    seed = time.time_ns()
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        key = run(program, "keys", "create", "--data", data, "--name", "ann").splitlines()[-1]
        acknowledged, rows = {}, 0
        for number in range(1, kills + 1):
            acknowledged |= one_round(program, data, key, dice)
            if number % max(1, kills // 20) and number < kills:
                continue
            found, rows = problems(program, data, acknowledged)
            if found:
                print(f"after {number} kills (seed {seed}): " + "; ".join(found[:10]))
                return 1
    print(f"{kills} kills, {len(acknowledged)} acknowledged answers, {rows} rows: none lost, none twice, every page sound (seed {seed})")
    return 0 if len(acknowledged) > kills else 1


sys.exit(main())
