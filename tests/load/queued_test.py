"""Thousands of streams that wait in the queue of the real server with the default model.

usage: queued_test.py AQUILON [STREAMS]     STREAMS: that wait at once (2000)
Holds that all are taken, that one more is told 429 with Retry-After, that each costs at most 16 KiB of the server's
memory, that /health answers meanwhile, and that clients who leave cost nothing: the next request is answered.
Prints a report in Markdown. Exit status 1 when something did not hold, 77 (skipped) without the model or enough
file descriptors.
"""
import http.client
import json
import pathlib
import resource
import socket
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "clients"))
from server_for_test import Server, ServerFailed, default_model, usage

KIB_EACH = 16
CONTEXT = 1024
SPARE_FILES = 100
WAIT_SECONDS = 60  # until the queue is full, or empty again, on a machine that is busy with other tests


def body(tokens):
    return json.dumps({"model": "default", "prompt": "Once upon a time", "max_tokens": tokens, "ignore_eos": True, "stream": True}).encode()


def ask(address, tokens, timeout):
    """Status, headers and body of a request of its own connection."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.request("POST", "/v1/completions", body(tokens), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def send(address, tokens):
    """A connection with a request on it, whose answer nobody has read yet."""
    text = body(tokens)
    connection = socket.create_connection(address, timeout=WAIT_SECONDS)
    connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(text) + text)
    return connection


def when(condition):
    """Whether the condition came true in time."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def queue_is_full(address, waiting):
    """Whether one more request is refused at once; one that is taken waits with the others."""
    waiting.append(send(address, CONTEXT - 32))
    waiting[-1].settimeout(1)
    try:
        head = waiting[-1].recv(4096).decode(errors="replace")
    except TimeoutError:
        return False
    return head.startswith("HTTP/1.1 429 ") and "\r\nRetry-After: " in head


def run(program, model, streams):
    server = Server(program, "--model", model, "--ctx", str(CONTEXT), "--parallel", "1", "--max-queue", str(streams),
                    "--max-connections", str(streams + SPARE_FILES), "--no-log-requests", "--alias", "default")
    waiting, found = [], []
    try:
        parts = urllib.parse.urlsplit(server.url)
        address = (parts.hostname, parts.port)
        status, _, text = ask(address, CONTEXT - 32, WAIT_SECONDS)  # from now on keys and values touch no new memory
        if status != 200:
            raise ServerFailed(f"the first request got {status}: {text!r}")
        before = usage(server.process.pid)
        waiting = [send(address, CONTEXT - 32) for _ in range(streams + 1)]  # one of them runs
        if not when(lambda: queue_is_full(address, waiting)):
            found.append("no request beyond the queue got a 429 with Retry-After")
        full = usage(server.process.pid)
        start = time.monotonic()
        if not Server.healthy(server.url):
            found.append("/health did not answer 200")
        health = time.monotonic() - start
        each = (full[0] - before[0]) * 1024 / streams
        if each > KIB_EACH:
            found.append(f"{each:.1f} KiB each")
        for connection in waiting:
            connection.close()
        waiting = []
        if not when(lambda: usage(server.process.pid)[1] <= before[1]):
            found.append(f"open files were {before[1]} and are {usage(server.process.pid)[1]}")
        if ask(address, 4, WAIT_SECONDS)[0] != 200:
            found.append("the request after all of them was not answered")
        print(f"{streams} streams that wait: {each:.1f} KiB each (at most {KIB_EACH}); resident MiB {before[0]:.1f} before, {full[0]:.1f} "
              f"with them, {usage(server.process.pid)[0]:.1f} after they left; /health after {health:.3f} s.\n\nFailures: {len(found)}")
        for problem in found:
            print(f"- {problem}")
        server.stop()
        return 1 if found else 0
    except (ServerFailed, OSError) as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    finally:
        for connection in waiting:
            connection.close()
        server.process.kill()
        server.process.wait()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    streams = int(sys.argv[2]) if len(sys.argv) == 3 else 2000
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < streams + 2 * SPARE_FILES:
        print(f"skipped: {streams + 2 * SPARE_FILES} open files are needed, the limit is {hard}")
        return 77
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    model = default_model(program)
    if model is None:
        print("skipped: the default model is not installed; ./run test installs it")
        return 77
    return run(program, model, streams)


if __name__ == "__main__":
    sys.exit(main())
