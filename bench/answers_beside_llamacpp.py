#!/usr/bin/env python3
"""Folders through `aquilon quantize`: does llama.cpp load the files, cut texts into the same tokens and answer the same?

usage: answers_beside_llamacpp.py AQUILON LLAMA_SERVER FOLDER_OR_TOKENIZER... [--types F16,Q8_0]      (needs numpy)

A file (tekken.json, tokenizer.model.v3, tokenizer.model, ...) becomes the tokenizer of a folder with random weights of a small Mistral,
in Mistral's form; a folder is taken as it is. Each is quantised to each type; `aquilon complete` and llama-server then continue the
same ids greedily. Where answers part, the lead of our token over theirs is told: both compute with rounded activations, and of
nearly equal tokens either may come first. Prints a Markdown table; fails where texts are cut differently.
"""
import argparse
import json
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import numpy as np

SHAPE = {"dim": 256, "n_layers": 2, "head_dim": 64, "hidden_dim": 512, "n_heads": 4, "n_kv_heads": 2, "norm_eps": 1e-5,
         "rope_theta": 1e6, "max_seq_len": 4096}
TEXTS = ["The keeper of the lighthouse wrote 12,345 letters, and none was answered.", "Où sont les élèves ?\n\n  — ici, à 8 h 30.",
         "def f(x):\n\treturn x**2  # squared", "数学は楽しい 🙂🏳️‍🌈 naïve", " [INST] <s> "]
NEW_TOKENS = 24


def tokens_in(path):
    """How many tokens a tokenizer file has."""
    if path.name.startswith("tekken"):
        return json.loads(path.read_text())["config"]["default_vocab_size"]
    data, at, count = path.read_bytes(), 0, 0
    while at < len(data):  # a protocol buffer: pieces are field 1, of bytes
        key, at = varint(data, at)
        size, at = varint(data, at) if key & 7 == 2 else (8 if key & 7 == 1 else 4, at)
        count += key == 10
        at += size
    return count


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def make_folder(folder, tokenizer):
    """Mistral's form: params.json, consolidated.safetensors and the tokenizer's file."""
    shape = {**SHAPE, "vocab_size": tokens_in(tokenizer)}
    dim, hidden = shape["dim"], shape["hidden_dim"]
    q, kv = shape["n_heads"] * shape["head_dim"], shape["n_kv_heads"] * shape["head_dim"]
    tensors = {"tok_embeddings.weight": (shape["vocab_size"], dim), "norm.weight": (dim,), "output.weight": (shape["vocab_size"], dim)}
    for i in range(shape["n_layers"]):
        one = {"attention.wq": (q, dim), "attention.wk": (kv, dim), "attention.wv": (kv, dim), "attention.wo": (dim, q),
               "feed_forward.w1": (hidden, dim), "feed_forward.w2": (dim, hidden), "feed_forward.w3": (hidden, dim),
               "attention_norm": (dim,), "ffn_norm": (dim,)}
        tensors |= {f"layers.{i}.{name}.weight": dims for name, dims in one.items()}
    rng, header, parts, offset = np.random.default_rng(7), {}, [], 0
    for name, dims in tensors.items():
        values = rng.standard_normal(dims) * (0.02 if "output" in name else 1.0 if "norm" not in name and "emb" in name else 0.08)
        if len(dims) == 1:
            values = 1 + 0.1 * rng.standard_normal(dims)
        part = (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()  # BF16
        header[name] = {"dtype": "BF16", "shape": list(dims), "data_offsets": [offset, offset + len(part)]}
        parts.append(part)
        offset += len(part)
    head = json.dumps(header).encode()
    (folder / "params.json").write_text(json.dumps(shape))
    (folder / "consolidated.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"".join(parts))
    name = "tekken.json" if tokenizer.name.startswith("tekken") else "tokenizer" + tokenizer.name[tokenizer.name.index(".model"):]
    shutil.copy(tokenizer, folder / name)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


class Rival:
    """llama-server on a file."""

    def __init__(self, program, model):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([program, "-m", str(model), "--port", str(self.port), "-c", "1024", "-np", "1", "--no-webui"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError("did not load it")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health").read()
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def continue_ids(self, ids):
        # ids as they are; no token is barred
        done = self.ask("/completion", prompt=ids, n_predict=NEW_TOKENS, temperature=0, return_tokens=True, ignore_eos=False, cache_prompt=False,
                        samplers=["temperature"])
        return done["tokens"]


def lead(aquilon, model, ids, ours, theirs):
    """How far the logit of one token is above another's after ids."""
    with tempfile.NamedTemporaryFile() as out:
        run(aquilon, "logits", "--model", model, "--ids", ",".join(map(str, ids)), "--out", out.name)
        logits = np.fromfile(out.name, "<f4")
    last = logits[-(len(logits) // len(ids)):]
    return float(last[ours] - last[theirs]), float(last.std())


def tokenize(aquilon, model, text):
    return json.loads(run(aquilon, "tokenize", "--model", model, "--json", text))


def answer(aquilon, model, *prompt, tokens):
    return json.loads(run(aquilon, "complete", "--model", model, "--json", "--temperature", "0", "--max-tokens", tokens, *prompt))


def compare(aquilon, rival, model):
    """For each text: is it cut alike, and what is to be said of the answers."""
    bos = answer(aquilon, model, "x", tokens=1)["prompt_ids"][:-len(tokenize(aquilon, model, "x"))]
    for text in TEXTS:
        cut = tokenize(aquilon, model, text)
        alike = cut == rival.ask("/tokenize", content=text, add_special=False, parse_special=False)["tokens"]
        ids = bos + cut
        mine = answer(aquilon, model, "--ids", ",".join(map(str, ids)), tokens=NEW_TOKENS)["ids"]
        try:
            other = rival.continue_ids(ids)
        except urllib.error.HTTPError as problem:  # such as a text that is longer than the context
            yield alike, f"llama-server: {json.load(problem)['error']['message']}"
            continue
        shorter = min(len(mine), len(other))
        same = next((n for n in range(shorter) if mine[n] != other[n]), shorter)
        said = f"{same} the same"
        if same < shorter:
            by, spread = lead(aquilon, model, ids + mine[:same], mine[same], other[same])
            said += f", then {mine[same]} leads {other[same]} by {by:.4f} (spread {spread:.2f})"
        yield alike, said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("aquilon")
    parser.add_argument("llama_server")
    parser.add_argument("sources", nargs="+", type=pathlib.Path)
    parser.add_argument("--types", default="F16,Q8_0")
    args = parser.parse_args()
    print("| from | type | text | cut | answer |\n|---|---|---|---|---|")
    good = True
    for source in args.sources:
        with tempfile.TemporaryDirectory() as work:
            folder = source
            if source.is_file():
                folder = pathlib.Path(work) / "folder"
                folder.mkdir()
                make_folder(folder, source)
            for kind in args.types.split(","):
                out = pathlib.Path(work) / f"{kind}.gguf"
                run(args.aquilon, "quantize", folder, out, kind)
                with Rival(args.llama_server, out) as rival:
                    for i, (alike, said) in enumerate(compare(args.aquilon, rival, out)):
                        good &= alike
                        print(f"| {source.name} | {kind} | {i + 1} | {'same' if alike else '**different**'} | {said} |", flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
