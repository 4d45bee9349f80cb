"""A server on a tiny model for the tests of operations, and what they ask it with. Python's standard library only."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

ORACLE = pathlib.Path(__file__).resolve().parent.parent / "data/oracle"
LLAMA = str(ORACLE / "llama-gqa/model-f32.gguf")
SECONDS = 60  # that anything may take on a busy machine


def wait_until(condition, what):
    end = time.monotonic() + SECONDS
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.02)
    return value


class NotifySocket:
    """What a service manager hears."""

    def __init__(self):
        self.name = f"@aquilon-test-{os.getpid()}-{id(self)}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:])
        self.socket.settimeout(SECONDS)

    def wait_for(self, line):
        while line not in (said := self.socket.recv(4096).decode().splitlines()):
            pass
        return said

    def close(self):
        self.socket.close()


class Served:
    """`aquilon serve`. `listener`: a socket that listens, handed over as systemd does."""

    def __init__(self, program, *arguments, listener=None, environment=None, model=LLAMA, wait=True):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AQUILON_", "LISTEN_", "NOTIFY_"))}
        clean |= environment or {}
        command = [program, *self.global_flags(arguments), "serve", "--model", f"tiny={model}", *self.own_flags(arguments)]
        self.log = tempfile.TemporaryFile(mode="w+")
        handed = {}
        if listener is not None:
            # What execve leaves as it is: the process id, and descriptor 3.
            command = ["/bin/sh", "-c", f'exec 3<&{listener.fileno()}; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"', "sh", *command]
            handed = {"pass_fds": (listener.fileno(),)}
        else:
            command += ["--port", "0"]
        self.process = subprocess.Popen(command, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, **handed)
        if wait:
            self.wait_until_it_listens()

    @staticmethod
    def global_flags(arguments):
        return arguments[:2] if arguments[:1] == ("--config",) else ()

    @staticmethod
    def own_flags(arguments):
        return arguments[2:] if arguments[:1] == ("--config",) else arguments

    def wait_until_it_listens(self):
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                self.port = int(self.url.rsplit(":", 1)[1])
                return
        self.process.wait()
        raise AssertionError(f"the server ended: {self.logged()}")

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def ask(self, path, body=None, headers=None, connection=None):
        """Status, headers and body of one answer."""
        with contextlib.ExitStack() as stack:
            if connection is None:
                connection = stack.enter_context(contextlib.closing(self.connect()))
            text = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, text,
                               {"Content-Type": "application/json"} | (headers or {}))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def complete(self, **more):
        body = {"model": "tiny", "prompt": "he", "max_tokens": 4, "temperature": 0, "ignore_eos": True} | more
        status, _, text = self.ask("/v1/completions", body)
        return status, text
