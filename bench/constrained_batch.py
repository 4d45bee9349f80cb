#!/usr/bin/env python3
"""What constraints cost a step of a full batch: 64 answers that are free, then 64 under as many different constraints.

usage: bench/constrained_batch.py AQUILON MODEL [ROUNDS [TOKENS]]

One more answer, free in every round, is streamed: its tokens come one a step, so that the time between two of them is a
step of the whole batch. Guesses are off, since what they bring differs with the text. Free and constrained rounds take
turns; the first constrained one compiles its constraints and makes its masks anew. Prints a table in Markdown.
"""
import http.client
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import threading
import time

BATCH = 64
CONTEXT = 512
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]


def schema(properties):
    item = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "array", "items": item, "minItems": 400}


def constraint(i):
    """None of them lets an answer end soon; no two are alike."""
    word = f"{WORDS[i % 8]}_{i}"
    return [
        {"guided_json": schema({word: {"type": "string", "maxLength": 40}, "count": {"type": "integer"}})},
        {"guided_json": schema({"id": {"type": "integer", "minimum": i}, word: {"enum": WORDS}, "on": {"type": "boolean"}})},
        {"guided_json": schema({word: {"type": "string", "pattern": "^[A-Z][a-z]{2,12}( [a-z]+){1,6}$"}})},
        {"guided_json": schema({word: {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 9},
                                "when": {"type": "string", "format": "date-time"}})},
        {"guided_regex": f"({word}: [a-z ,]{{10,60}}\\.\\n){{200}}"},
        {"guided_grammar": f'root ::= line{{300}}\nline ::= "{word} " [0-9]{{1,4}} " " name "\\n"\nname ::= [a-z]+ (" " [a-z]+)*'},
        {"guided_json": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"const": word}]}, "minItems": 500}},
        {"guided_json": schema({"name": {"type": "string"}, word: {"type": "object", "properties": {
            "kind": {"enum": ["a", "b", word]}, "size": {"type": "integer", "maximum": 10 + i}}, "required": ["kind"]}})},
    ][i % 8]


class Server:
    def __init__(self, program, model):
        self.process = subprocess.Popen([program, "serve", "--model", model, "--port", "0", "--parallel", str(BATCH + 1), "--ctx",
                                         str(CONTEXT), "--max-queue", "256", "--no-speculate"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.host = line.split()[-1].removeprefix("http://").rstrip("/")
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                connection = http.client.HTTPConnection(self.host)
                connection.request("GET", "/v1/models")
                self.model = json.loads(connection.getresponse().read())["data"][0]["id"]
                return
        raise SystemExit("the server did not start")

    def post(self, body):
        connection = http.client.HTTPConnection(self.host, timeout=1800)
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": self.model, **body}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {answer.read().decode()}")
        return answer

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def body(i, tokens, extra):
    messages = [{"role": "user", "content": f"Write a long list of things, number {i}."}]
    return {"messages": messages, "max_tokens": tokens, "temperature": 1, "seed": i, **extra}


def watch(answer):
    """Seconds between the tokens of a stream."""
    times = []
    for line in answer:
        if line.startswith(b"data: {") and b'"content":' in line:
            times.append(time.perf_counter())
    return [b - a for a, b in zip(times, times[1:])]


def one_round(server, constrained, tokens):
    cut = []

    def ask(i):
        answer = json.loads(server.post(body(i, tokens, constraint(i) if constrained else {"ignore_eos": True})).read())
        cut.append(answer["choices"][0]["finish_reason"] == "length")

    before = server.processor_seconds()
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(BATCH)]
    for thread in threads:
        thread.start()
    gaps = watch(server.post(body(BATCH, tokens, {"ignore_eos": True, "stream": True})))
    for thread in threads:
        thread.join()
    # Steps that read prompts, and those at the end in which some have ended, are others.
    whole = gaps[len(gaps) // 5:-len(gaps) // 5]
    return whole, (server.processor_seconds() - before) / tokens, sum(cut)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    rounds, tokens = (int(sys.argv[3]) if len(sys.argv) > 3 else 3), (int(sys.argv[4]) if len(sys.argv) > 4 else 120)
    server = Server(sys.argv[1], sys.argv[2])
    try:
        one_round(server, False, tokens)  # warms up
        rows = [(constrained, *one_round(server, constrained, tokens)) for _ in range(rounds) for constrained in (False, True)]
    finally:
        server.stop()
    model = pathlib.Path(sys.argv[2]).name
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    print(f"{cpu}, {model}, batch of {BATCH} and one, {tokens} tokens each\n")
    print("| round | answers | step, median ms | p25 | p90 | slowest | processor ms a step | answers that ran to the end |\n"
          "|---|---|---|---|---|---|---|---|")
    medians, processor = {False: [], True: []}, {False: [], True: []}
    for number, (constrained, gaps, seconds, cut) in enumerate(rows):
        ordered = sorted(gaps)
        at = lambda share: 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]
        medians[constrained].append(at(0.5))
        processor[constrained].append(1000 * seconds)
        print(f"| {number // 2 + 1} | {'constrained' if constrained else 'free'} | {at(0.5):.1f} | {at(0.25):.1f} | {at(0.9):.1f} | "
              f"{at(1):.1f} | {1000 * seconds:.1f} | {cut} |")
    print()
    for name, numbers in (("Step", medians), ("Processor time", processor)):
        free, held = statistics.median(numbers[False]), statistics.median(numbers[True])
        print(f"{name}, median of the rounds: {free:.1f} ms free, {held:.1f} ms constrained: {100 * (held / free - 1):+.1f} %.")


if __name__ == "__main__":
    main()
