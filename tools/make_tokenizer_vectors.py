"""Writes what the tokenizer tests compare with, made by the PyPI package `tokenizers`:

    tests/data/tokenizers/pieces.jsonl         texts, and how each pre-tokenizer cuts them (bytes a piece)
    tests/data/tokenizers/small-bpe/           a vocabulary trained here, and ids of the same texts
    tests/data/tokenizers/tiny-bpe/vectors.jsonl    ids of some of them with the vocabulary beside it

    python tools/make_tokenizer_vectors.py          (from the source folder; ten seconds)

Every text comes from the word list and the character classes of tokenizer_reference.py, by a fixed seed.
"""

import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from tokenizer_reference import SPECIAL, WORDS, cutters, make_texts, pre_tokenizer, without_control

FOLDER = pathlib.Path("tests/data/tokenizers")


def byte_lengths(cutter, text):
    return [len(piece.encode()) for piece, _ in cutter.pre_tokenize_str(text)]


def write_lines(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


def train():
    """512 tokens of our own words, the Llama 3 pattern, one user-defined and two control tokens."""
    rng = random.Random(7)
    corpus = [" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(400)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer("llama-bpe")
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=512, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in SPECIAL[:2]])
    return tokenizer


def id_rows(tokenizer, texts):
    plain = without_control(tokenizer)
    for text in texts:
        yield {"text": text, "ids": plain.encode(text, add_special_tokens=False).ids,
               "trusted": tokenizer.encode(text, add_special_tokens=False).ids}


def main():
    texts = make_texts(300)
    write_lines(FOLDER / "pieces.jsonl",
                ({"text": t, **{name: byte_lengths(c, t) for name, c in cutters().items()}} for t in texts))
    small = train()
    (FOLDER / "small-bpe/tokenizer.json").write_text(small.to_str(pretty=False), encoding="utf-8")
    write_lines(FOLDER / "small-bpe/vectors.jsonl", id_rows(small, texts))
    tiny = Tokenizer.from_file(str(FOLDER / "tiny-bpe/tokenizer.json"))
    chosen = texts[::4] + ["the <s> hehe</s> the", "<pad260>"]
    write_lines(FOLDER / "tiny-bpe/vectors.jsonl", id_rows(tiny, chosen))


if __name__ == "__main__":
    main()
