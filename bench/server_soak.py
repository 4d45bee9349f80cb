"""A long run of the server with the default model under clients of every kind (soak_clients.py).

usage: server_soak.py AQUILON [SECONDS]     SECONDS: of load after the warm-up (600)
Holds that no answer is a 5xx or another unexpected status, that /health always answers, that a greedy request always
has the same text, and that memory, open files and threads come back to what they were after the warm-up. Prints a
report in Markdown; ends with 1 when something did not hold.
"""
import collections
import http.client
import pathlib
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/clients"))
from server_for_test import Server, ServerFailed, default_model, usage
from soak_clients import Client, Tally

CLIENTS = 10
ARGUMENTS = ("--ctx", "1024", "--parallel", "2", "--max-queue", "8")
SETTLE_SECONDS = 30  # at most, for connections to be closed and answers to be given up
HEALTH_TIMEOUT = 20
RSS_SLACK = 1.10  # the allocator keeps some of what it got
FILE_SLACK = 2


class HealthWatch:
    """Asks for /health twice a second, as long as it is open."""

    def __init__(self, port, tally):
        self.port, self.tally, self.asked, self.worst = port, tally, 0, 0.0
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join()

    def run(self):
        while not self.closing.wait(0.5):
            start = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HEALTH_TIMEOUT)
            try:
                connection.request("GET", "/health")
                status = connection.getresponse().status
                if status != 200:
                    self.tally.fail(f"/health: status {status}")
            except OSError as error:
                self.tally.fail(f"/health: {error}")
            finally:
                connection.close()
            self.asked += 1
            self.worst = max(self.worst, time.monotonic() - start)


def is_back(now, before):
    return now[0] <= before[0] * RSS_SLACK and now[1] <= before[1] + FILE_SLACK and now[2] <= before[2]


def settled_usage(pid, done):
    """The usage as soon as `done` holds of it, or what it is in the end."""
    end = time.monotonic() + SETTLE_SECONDS
    while not done(now := usage(pid)) and time.monotonic() < end:
        time.sleep(0.5)
    return now


def load(port, tally, seconds, seed):
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=Client(port, tally, f"{seed} {i}").run, args=(end,)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threads[0].join(30)
        time.sleep(0.2)
        left = max(0, end - time.monotonic())
        asked = sum(counter.total() for counter in tally.statuses.copy().values())
        print(f"{seed}: {asked} requests, {left:.0f} s left, {len(tally.failures)} failures", file=sys.stderr)
        for thread in threads if left == 0 else ():
            thread.join()


def report(tally, watch, before, after, seconds):
    print(f"{CLIENTS} clients for {seconds} s after the warm-up; server: `{' '.join(ARGUMENTS)}`.\n")
    print("| clients that | requests | answered | median s | worst s |\n|---|---|---|---|---|")
    for action, statuses in sorted(tally.statuses.items()):
        times = tally.seconds[action]
        answered = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        print(f"| {action} | {statuses.total()} | {answered} | {statistics.median(times):.2f} | {max(times):.2f} |")
    print(f"\n/health: {watch.asked} times, at worst {watch.worst:.3f} s. "
          f"Greedy texts compared: {tally.compared}, of {len(tally.texts)} requests.\n")
    print("| | resident MiB | open files | threads |\n|---|---|---|---|")
    for when, (rss, files, threads) in (("after the warm-up", before), ("after the load", after)):
        print(f"| {when} | {rss:.1f} | {files} | {threads} |")
    print(f"\nFailures: {len(tally.failures)}")
    for failure, count in collections.Counter(tally.failures).most_common(20):
        print(f"- {count} times: {failure}")


def soak(program, model, seconds):
    tally = Tally()
    server = Server(program, "--model", model, *ARGUMENTS)
    try:
        port = int(server.url.rsplit(":", 1)[1].strip("/"))
        idle = usage(server.process.pid)
        with HealthWatch(port, tally) as watch:
            load(port, tally, max(10, min(60, seconds / 5)), "warm-up")
            before = settled_usage(server.process.pid, lambda now: now[1] <= idle[1] + 1)  # the watch's connection
            load(port, tally, seconds, "load")
        after = settled_usage(server.process.pid, lambda now: is_back(now, before))
        if not is_back(after, before):
            tally.fail("memory, open files or threads did not come back to what they were after the warm-up")
        try:
            server.stop()
        except ServerFailed as error:
            tally.fail(str(error))
    finally:
        server.process.kill()
        server.process.wait()
    report(tally, watch, before, after, seconds)
    return 1 if tally.failures else 0


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    model = default_model(program)
    if model is None:
        sys.exit("server_soak: the default model is not installed; ./run soak installs it")
    return soak(program, model, int(sys.argv[2]) if len(sys.argv) == 3 else 600)


if __name__ == "__main__":
    sys.exit(main())
