"""The clients of server_soak.py: each method is what one client does once, and counts what it was answered."""
import collections
import http.client
import json
import random
import socket
import threading
import time

TIMEOUT = 120  # seconds, of a request that waits behind others
FLOOD = 24  # requests at once, more than the server of the soak takes
PROMPTS = ("What is the capital of France?", "Write a haiku about rain.", "Say 😀 and naïve.", "1, 2, 3, 4,")
LONG = "The quick brown fox jumps over the lazy dog. " * 60  # 600 tokens
STREAM_END = "data: [DONE]\n\n"


class Tally:
    """What all clients saw. Threads: any."""

    def __init__(self):
        self.lock = threading.Lock()
        self.statuses = collections.defaultdict(collections.Counter)  # by action
        self.seconds = collections.defaultdict(list)
        self.texts = {}  # greedy request -> its text
        self.compared = 0
        self.failures = []

    def fail(self, what):
        with self.lock:
            self.failures.append(what)

    def note(self, action, status, seconds, allowed):
        with self.lock:
            self.statuses[action][status] += 1
            self.seconds[action].append(seconds)
        if status not in allowed:
            self.fail(f"{action}: status {status}, not {' or '.join(map(str, allowed))}")

    def same_text(self, key, text):
        """The same greedy request has the same text, streamed or whole, alone or beside others."""
        with self.lock:
            self.compared += key in self.texts
            first = self.texts.setdefault(key, text)
        if first != text:
            self.fail(f"{key}: {text!r} after {first!r}")


class Client:
    def __init__(self, port, tally, seed):
        self.port, self.tally, self.random = port, tally, random.Random(seed)
        self.model = json.loads(self.ask("models", (200,), "GET", "/v1/models")[1])["data"][0]["id"]
        self.actions = {self.whole: 6, self.streamed: 6, self.cancelled: 4, self.half_written: 3, self.not_json: 3,
                        self.several: 2, self.long_prompt: 2, self.too_long: 1, self.models: 2, self.flood: 1}

    def run(self, end):
        while time.monotonic() < end:
            [action] = self.random.choices(list(self.actions), self.actions.values())
            try:
                action()
            except Exception as error:  # whatever it is: the server should have answered
                self.tally.fail(f"{action.__name__}: {type(error).__name__}: {error}")

    def ask(self, action, allowed, method="POST", path="/v1/chat/completions", body=None):
        """The status and the text of the answer."""
        start = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        self.tally.note(action, answer.status, time.monotonic() - start, allowed)
        return answer.status, text

    def chat(self, action, allowed=(200, 429), **fields):
        return self.ask(action, allowed, body=self.body(**fields))

    def body(self, content=PROMPTS[0], **fields):
        messages = [{"role": "user", "content": content}]
        return json.dumps({"model": self.model, "messages": messages, "temperature": 0} | fields)

    def greedy(self):
        return {"content": self.random.choice(PROMPTS), "max_tokens": self.random.choice((2, 8, 24))}

    def whole(self):
        fields = self.greedy()
        status, text = self.chat("whole", **fields)
        if status == 200:
            self.tally.same_text(tuple(fields.values()), json.loads(text)["choices"][0]["message"]["content"])

    def streamed(self):
        fields = self.greedy()
        status, text = self.chat("streamed", **fields, stream=True)
        if status != 200:
            return
        if not text.endswith(STREAM_END):
            self.tally.fail(f"streamed: ends with {text[-60:]!r}")
        events = [json.loads(line[6:]) for line in text.removesuffix(STREAM_END).splitlines() if line.startswith("data: ")]
        deltas = [choice["delta"].get("content") or "" for event in events for choice in event["choices"]]
        self.tally.same_text(tuple(fields.values()), "".join(deltas))

    def several(self):
        status, text = self.chat("several", n=3, temperature=0.9, seed=self.random.randrange(1000), max_tokens=8)
        if status == 200 and len(json.loads(text)["choices"]) != 3:
            self.tally.fail("several: not 3 answers")

    def long_prompt(self):
        fields = {"content": LONG, "max_tokens": 4}
        status, text = self.chat("long prompt", **fields)
        if status == 200:
            self.tally.same_text(("long", 4), json.loads(text)["choices"][0]["message"]["content"])

    def too_long(self):
        self.chat("too long a prompt", allowed=(400,), content=LONG * 4)

    def not_json(self):
        body = self.body()
        cut = self.random.randrange(len(body))
        self.ask("broken JSON", (400, 422), body=body[:cut] + self.random.choice("{[,\x00"))

    def models(self):
        self.ask("models", (200,), "GET", "/v1/models")

    def head(self, body):
        return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT)

    def half_written(self):
        """Leaves in the middle of the head or the body; nobody answers it."""
        body = self.body()
        request = (self.head(body) + body).encode()
        with self.connect() as connection:
            connection.sendall(request[:self.random.randrange(len(request))])
            time.sleep(self.random.choice((0, 0.05, 0.5)))
        self.tally.note("half-written", "none", 0, ("none",))

    def cancelled(self):
        """Leaves a long stream after some of it."""
        start = time.monotonic()
        body = self.body(max_tokens=400, ignore_eos=True, stream=True)
        with self.connect() as connection:
            connection.sendall((self.head(body) + body).encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            for _ in range(self.random.randrange(12)):
                answer.readline()
            answer.close()
        self.tally.note("cancelled", answer.status, time.monotonic() - start, (200, 429))

    def flood(self):
        start = time.monotonic()
        body = self.body(max_tokens=2)
        connections = []
        try:
            for _ in range(FLOOD):
                connections.append(self.connect())
                connections[-1].sendall((self.head(body) + body).encode())
            for connection in connections:
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                answer.read()
                self.tally.note("flood", answer.status, time.monotonic() - start, (200, 429))
        finally:
            for connection in connections:
                connection.close()
