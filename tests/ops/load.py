"""Clients that use a server while it is restarted, and what became of their requests. Python's standard library only."""
import http.client
import json
import threading
import time

from served import SECONDS


class Load:
    """Clients that ask one request after the other, some on one connection, some each on its own, some for streams."""

    def __init__(self, port, clients=6):
        self.port, self.answered, self.failures = port, 0, []
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        stream, keep = number % 2 == 0, number % 3 != 0
        connection = None
        while not self.stopping.is_set():
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
                self.ask(connection, stream)
                with self.lock:
                    self.answered += 1
            except (OSError, http.client.HTTPException, AssertionError, ValueError) as failure:
                with self.lock:
                    self.failures.append(repr(failure))
            if not keep and connection is not None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    @staticmethod
    def ask(connection, stream):
        body = {"model": "tiny", "prompt": "he", "max_tokens": 24, "temperature": 0, "ignore_eos": True, "stream": stream}
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, f"{answer.status}: {text}"
        if stream:
            assert text.endswith("data: [DONE]\n\n") and '"finish_reason":"length"' in text, f"cut short: {text[-200:]}"
        else:
            assert json.loads(text)["usage"]["completion_tokens"] == 24, text

    def wait_for(self, more):
        want, end = self.answered + more, time.monotonic() + SECONDS
        while self.answered < want and not self.failures:
            assert time.monotonic() < end, "no answers come"
            time.sleep(0.01)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
