"""256 streams at once on the real server with the default model, loaded by `aquilon bench serve`.

usage: streams_test.py AQUILON [SECONDS]     SECONDS: of load after the warm-up (60)
Holds that every answer comes whole, that /health answers meanwhile, that memory stays flat after the warm-up and open
files and threads come back. Prints a report in Markdown. Exit status 1 when something did not hold, 77 (skipped)
without the model.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
from server_for_test import Server, ServerFailed, clean_environment, default_model, usage

STREAMS, PROMPT, ANSWER = 256, 16, 32  # tokens
ARGUMENTS = ("--ctx", "64", "--parallel", str(STREAMS), "--max-queue", str(STREAMS), "--no-log-requests")
# Kept prefixes of so many answers fill the pool of pages: from then on it touches no new memory.
WARM_UP = ("--requests", 3 * STREAMS, "--prompt", 46, "--generate", 2)
SAMPLE_SECONDS = 1
HEALTH_SECONDS = 10  # at most, until /health answers on a machine that is busy with all streams
GROWTH = 1.02  # of resident memory from the first third of the load to the last
FILE_SLACK = 2


class Watch:
    """Memory of the server once a second, and how long /health takes."""

    def __init__(self, server):
        self.server, self.memory, self.health, self.failures = server, [], [], []
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.thread.join()

    def run(self):
        while not self.closing.wait(SAMPLE_SECONDS):
            try:
                self.memory.append(usage(self.server.process.pid)[0])
            except OSError:
                return  # the server ended: told elsewhere
            start = time.monotonic()
            if not Server.healthy(self.server.url):
                self.failures.append("/health did not answer 200")
            self.health.append(time.monotonic() - start)


def load(program, url, *flags):
    """The result of `aquilon bench serve`."""
    command = [program, "bench", "serve", "--url", url, "--clients", str(STREAMS), *map(str, flags), "--warm-up", "0", "--limit", "300",
               "--json"]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerFailed(f"bench serve ended with status {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def problems(result, watch, before, after):
    found = list(dict.fromkeys(watch.failures))
    if result["failed"] or result["cut_short"] or result["given_up"]:
        found.append(f"{result['failed']} failed, {result['cut_short']} cut short: {result['error_counts']}")
    if result["total_output_tokens"] != ANSWER * result["completed"]:
        found.append(f"{result['total_output_tokens']} tokens in {result['completed']} answers of {ANSWER}")
    if result["max_concurrent_requests"] != STREAMS or result["completed"] < STREAMS:
        found.append(f"{result['max_concurrent_requests']} at once, {result['completed']} answers")
    if max(watch.health, default=0) > HEALTH_SECONDS:
        found.append(f"/health took {max(watch.health):.1f} s")
    third = max(1, len(watch.memory) // 3)
    first, last = statistics.median(watch.memory[:third]), statistics.median(watch.memory[-third:])
    if last > first * GROWTH:
        found.append(f"memory grew from {first:.1f} to {last:.1f} MiB under the load")
    if after[1] > before[1] + FILE_SLACK or after[2] > before[2]:
        found.append(f"open files and threads were {before[1:]} and are {after[1:]}")
    return found


def report(result, watch, before, after, found):
    print(f"{STREAMS} streams for {result['duration']:.0f} s after the warm-up; server: `{' '.join(ARGUMENTS)}`.\n")
    print("| answers | failed | answer tokens/s | ITL median, p99 ms | TTFT median, p99 ms | /health at worst s |\n|---|---|---|---|---|---|")
    times = " | ".join(f"{result[f'median_{name}_ms']:.0f}, {result[f'p99_{name}_ms']:.0f}" for name in ("itl", "ttft"))
    print(f"| {result['completed']} | {result['failed']} | {result['output_throughput']:.0f} | {times} | {max(watch.health):.3f} |\n")
    print(f"Resident MiB: {before[0]:.1f} before the load, {min(watch.memory):.1f} to {max(watch.memory):.1f} under it, {after[0]:.1f} after "
          f"it; open files {before[1]} and {after[1]}, threads {before[2]} and {after[2]}.\n")
    print(f"Failures: {len(found)}")
    for problem in found:
        print(f"- {problem}")


def settled(pid, files):
    """The usage when the connections are closed, or what it is in the end."""
    end = time.monotonic() + 30
    while (now := usage(pid))[1] > files and time.monotonic() < end:
        time.sleep(0.5)
    return now


def run(program, model, seconds):
    server = Server(program, "--model", model, *ARGUMENTS)
    try:
        idle = usage(server.process.pid)
        load(program, server.url, *WARM_UP)
        before = settled(server.process.pid, idle[1])
        with Watch(server) as watch:
            result = load(program, server.url, "--seconds", seconds, "--prompt", PROMPT, "--generate", ANSWER)
        after = settled(server.process.pid, before[1])
        found = problems(result, watch, before, after)
        report(result, watch, before, after, found)
        server.stop()
        return 1 if found else 0
    except ServerFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        server.process.kill()
        server.process.wait()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    model = default_model(program)
    if model is None:
        print("skipped: the default model is not installed; ./run test installs it")
        return 77
    return run(program, model, float(sys.argv[2]) if len(sys.argv) == 3 else 60)


if __name__ == "__main__":
    sys.exit(main())
