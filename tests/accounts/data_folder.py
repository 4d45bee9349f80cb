"""A server with a data folder, and the program's commands on that folder; Python's standard library only."""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile

MODEL = str(pathlib.Path(__file__).resolve().parent.parent / "data/oracle/llama-gqa/model-f32.gguf")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AQUILON_")}


def run(program, *arguments):
    """What a command prints; an error, with what it said, if it fails."""
    done = subprocess.run([program, *map(str, arguments)], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def usage(program, data, *arguments):
    return [json.loads(line) for line in run(program, "usage", "--data", data, "--json", *arguments).splitlines()]


class Server:
    """`aquilon serve` of a tiny model; ready when the object is there."""

    def __init__(self, program, data, *arguments, **popen):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, "serve", "--port", "0", "--data", str(data), "--model", f"tiny={MODEL}", "--threads", "1", "--parallel", "8",
             *arguments],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True, **popen)
        self.port = 0
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                break
        if self.port == 0:
            self.process.wait()
            raise AssertionError(f"the server ended with {self.process.returncode}: {self.said()}")

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def stop(self):
        self.process.terminate()
        self.end()
        if self.process.returncode != 0:
            raise AssertionError(f"the server stopped with {self.process.returncode}: {self.text}")

    def end(self):
        self.process.wait(60)
        self.text = self.said()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
        if not self.process.stdout.closed:
            self.end()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read().decode()  # raises where the answer is cut short

    def json(self):
        return json.loads(self.body)

    def events(self):
        return [line[6:] for line in self.body.splitlines() if line.startswith("data: ")]


def ask(port, key=None, path="/v1/completions", body=None, method="POST", headers=None, **fields):
    """One request on a connection of its own. Errors of the connection are OSError or http.client.HTTPException."""
    body = body if body is not None else {"model": "tiny", "prompt": [5, 6, 7], "max_tokens": 6, **fields}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, json.dumps(body) if method == "POST" else None,
                           {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})})
        return Answer(connection.getresponse())
    finally:
        connection.close()
