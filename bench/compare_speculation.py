#!/usr/bin/env python3
"""Two servers, with guesses and without, asked the same in turn; prints a row of Markdown a task.

The client of compare_speculation.sh. Tasks are built from files of this repository, so that the numbers can be had again.
"""
import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def lines(path, first, last):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return "".join(file.readlines()[first - 1:last])


def tasks():
    code = lines("src/engine/text_stream.cpp", 1, 200)
    text = lines("docs/ARCHITECTURE.md", 5, 45)
    yield "editing", [
        f"Rename the class TextStream to AnswerText in this code. Return the whole code and nothing else.\n```cpp\n{code}```",
        f"In this code, add the comment \"// Called once a token.\" above every function. Return the whole code.\n```cpp\n{code}```",
    ], 400
    yield "retrieval", [
        f"{text}\n\nQuote point 6 of the list above word for word, whole, and nothing else.",
        f"{text}\n\nQuote points 1 to 3 of the list above word for word, and nothing else.",
    ], 250
    yield "chat", [
        "How does a hash table work, and when is it slow?",
        "Write a short story about a lighthouse keeper who learns to paint.",
        "What should I think of when I plan a walk of a week in the mountains?",
    ], 200


class Server:
    def __init__(self, aquilon, model, flags):
        command = [aquilon, "serve", "--model", model, "--port", "0", "--parallel", "1", "--ctx", "4096", "--no-log-requests",
                   "--alias", "measured", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            found = re.search(r"http://([^:]+):(\d+)", line)
            if found:
                self.address = found.group(1), int(found.group(2))
                return
        sys.exit(f"compare_speculation: {' '.join(command)} did not start")

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def ask(self, prompt, max_tokens):
        """Text, tokens, and tokens a second behind the first one."""
        body = {"model": "measured", "messages": [{"role": "user", "content": prompt}], "max_tokens": max_tokens, "temperature": 0, "stream": True,
                "stream_options": {"include_usage": True}}
        connection = http.client.HTTPConnection(*self.address, timeout=600)
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            sys.exit(f"compare_speculation: status {response.status}: {response.read().decode()}")
        text, first, last, usage = "", None, None, None
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            usage = event.get("usage") or usage
            piece = "".join(choice["delta"].get("content") or "" for choice in event.get("choices", []))
            if piece:
                last = time.monotonic()
                first = first or last
                text += piece
        connection.close()
        if usage is None:
            sys.exit("compare_speculation: a stream ended without its usage")
        return text, usage["completion_tokens"], (usage["completion_tokens"] - 1) / max(last - first, 1e-9)


def busy():
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def main():
    parser = argparse.ArgumentParser()
    for flag in ("aquilon", "model", "name", "only"):
        parser.add_argument("--" + flag, default="")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--max-foreign", type=float, default=10)
    parser.add_argument("flags", nargs="*")
    args = parser.parse_args()
    wanted = [task for task in tasks() if args.only in f"{args.name}, {task[0]}"]
    if not wanted:
        return
    servers = [Server(args.aquilon, args.model, args.flags), Server(args.aquilon, args.model, ["--no-speculate"])]
    try:
        for name, prompts, max_tokens in wanted:
            measure(f"{args.name}, {name}", servers, prompts, max_tokens, args)
    finally:
        for server in servers:
            server.process.terminate()
            server.process.wait()


def measure(name, servers, prompts, max_tokens, args):
    for prompt in prompts:  # prompts are read before: answers are what is measured
        for server in servers:
            server.ask(prompt, 16)
    rates, same, tokens, tried = [[], []], True, 0, 0
    while len(rates[0]) < args.pairs and tried < 3 * args.pairs:
        tried += 1
        work, total = busy()
        own = sum(server.cpu() for server in servers)
        texts, counted = ["", ""], 0
        order = (0, 1) if tried % 2 == 0 else (1, 0)
        seconds, cpu = [0.0, 0.0], [0, 0]
        for prompt in prompts:
            for side in order:
                before = servers[side].cpu()
                text, count, rate = servers[side].ask(prompt, max_tokens)
                cpu[side] += servers[side].cpu() - before
                texts[side] += text
                seconds[side] += (count - 1) / rate
                counted += count if side == 0 else 0
        pair = [(counted - len(prompts)) / spent for spent in seconds]
        same = same and texts[0] == texts[1]
        tokens = counted
        work_after, total_after = busy()
        foreign = 100 * (work_after - work - sum(server.cpu() for server in servers) + own) / max(total_after - total, 1)
        print(f"{name}: {pair[0]:.1f} {pair[1]:.1f} ratio {pair[0] / pair[1]:.3f}, of processor time {cpu[1] / cpu[0]:.3f}, others {foreign:.0f} %", file=sys.stderr)
        if foreign <= args.max_foreign:
            rates[0].append(pair[0])
            rates[1].append(pair[1])
    if not rates[0]:
        print(f"| {name} | | | no pair counted | 0 of {tried} | {tokens} | {'yes' if same else 'no'} |", flush=True)
        return
    ratios = [a / b for a, b in zip(*rates)]
    print(f"| {name} | {statistics.median(rates[0]):.1f} | {statistics.median(rates[1]):.1f} | **{statistics.median(ratios):.2f}** "
          f"({min(ratios):.2f} to {max(ratios):.2f}) | {len(ratios)} of {tried} | {tokens} | {'yes' if same else 'no'} |", flush=True)


if __name__ == "__main__":
    main()
