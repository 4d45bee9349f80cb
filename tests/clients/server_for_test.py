"""Runs a command beside two servers that answer from a real model; Python's standard library only.

usage: server_for_test.py [--model FILE] AQUILON COMMAND...
  --model FILE   one of the test models; without it the default model
The command finds in its environment:
  AQUILON_TEST_URL        a server that answers one request after the other, with a context of 4,096 tokens
  AQUILON_TEST_KEYED_URL  a server that asks for the key in AQUILON_TEST_KEY
Exit status: the command's; 1 if a server failed, before or after it; 77 (skipped) without the model or command.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

NAME = "smollm2-135m-instruct"
KEY = "test-key"
START_SECONDS = 120  # of a machine that is busy with other tests
STOP_SECONDS = 30


class ServerFailed(Exception):
    pass


def clean_environment():
    """Without what could change the server or the clients; a proxy must not come between them."""
    def strange(name):
        return (name.startswith(("AQUILON_", "OPENAI_", "MISTRAL_")) and name not in ("AQUILON_HOME", "AQUILON_SHARED")
                or name.lower().endswith("_proxy"))
    return {name: value for name, value in os.environ.items() if not strange(name)}


def test_model(file):
    """The path of a file among the test models, or None."""
    folder = os.environ.get("AQUILON_TEST_MODELS", os.path.expanduser("~/.cache/aquilon/test-models"))
    path = pathlib.Path(folder) / file
    return str(path) if path.exists() else None


def default_model(program):
    """The default model's file among the test models, or its name if it is in the store, or None."""
    if path := test_model(f"{NAME}-q4_1.gguf"):
        return path
    shown = subprocess.run([program, "models", "show", NAME], env=clean_environment(), capture_output=True, check=False)
    return NAME if shown.returncode == 0 else None


def usage(pid):
    """Resident MiB, open files and threads of a process."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    try:
        files = sum(1 for _ in pathlib.Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:  # a server's descriptors are its own; since Linux 6.2 their number can be seen
        files = os.stat(f"/proc/{pid}/fd").st_size
    return int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"])


class Server:
    """`aquilon serve` on a free port; `url` answers as soon as the object is there."""

    def __init__(self, program, *arguments, key=None):
        self.log = tempfile.TemporaryFile()
        environment = clean_environment() | ({"AQUILON_API_KEY": key} if key else {})
        self.process = subprocess.Popen([program, "serve", "--port", "0", *arguments], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        try:
            self.url = self.wait_until_it_answers()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def wait_until_it_answers(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            lines = self.output().splitlines()
            url = next((line.split()[-1] for line in lines if line.startswith("listening on ")), None)
            if url and self.healthy(url):
                return url
            time.sleep(0.1)
        raise ServerFailed(f"the server did not answer within {START_SECONDS} s:\n{self.output()}")

    @staticmethod
    def healthy(url):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"{url}/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def check(self):
        if self.process.poll() is not None:
            raise ServerFailed(f"the server ended with status {self.process.returncode}:\n{self.output()}")

    def stop(self):
        """Ends it as Ctrl-C does; a server that crashed before, or does not end, fails the test."""
        self.check()
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerFailed(f"the server did not stop within {STOP_SECONDS} s:\n{self.output()}") from None
        if status != 0:
            raise ServerFailed(f"the server stopped with status {status}:\n{self.output()}")


def run_beside_servers(program, model, command):
    servers = []
    try:
        servers.append(Server(program, "--model", model, "--ctx", "4096", "--parallel", "1"))
        servers.append(Server(program, "--model", model, "--ctx", "256", "--parallel", "1", key=KEY))
        status = subprocess.run(command, check=False, env=clean_environment() | {
            "AQUILON_TEST_URL": servers[0].url, "AQUILON_TEST_KEYED_URL": servers[1].url, "AQUILON_TEST_KEY": KEY,
            "PYTHONDONTWRITEBYTECODE": "1"}).returncode
        while servers:
            servers.pop().stop()
        return status
    except ServerFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        for server in servers:
            server.process.kill()
            server.process.wait()


def main():
    arguments = sys.argv[1:]
    file = None
    if arguments[:1] == ["--model"]:
        file, arguments = arguments[1], arguments[2:]
    if len(arguments) < 2:
        sys.exit(__doc__)
    program, command = str(pathlib.Path(arguments[0]).resolve()), arguments[1:]
    if not os.access(command[0], os.X_OK):
        print(f"skipped: {command[0]} is not there; ./run test installs it")
        return 77
    model = test_model(file) if file else default_model(program)
    if model is None:
        print(f"skipped: the test model {file} is not there" if file else
              f"skipped: the model {NAME} is not installed; ./run test installs it")
        return 77
    return run_beside_servers(program, model, command)


if __name__ == "__main__":
    sys.exit(main())
