"""Writes what the tokenizer tests compare with, made by the PyPI package `tokenizers`:

    tests/data/tokenizers/pieces.jsonl         texts, and how each pre-tokenizer cuts them (bytes a piece)
    tests/data/tokenizers/small-bpe/           a vocabulary trained here, and ids of the same texts
    tests/data/tokenizers/tiny-bpe/vectors.jsonl    ids of some of them with the vocabulary beside it

    python tools/make_tokenizer_vectors.py          (from the source folder; ten seconds)

Every text comes from the word list and the character classes below, by a fixed seed.
"""

import json
import pathlib
import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

FOLDER = pathlib.Path("tests/data/tokenizers")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
WORDS = (
    "the of and to in is you that it he was for on are as with his they at be this have from or one had by "
    "word but not what all were we when your can said there use an each which she do how their if will up "
    "other about out many then them these so some her would make like him into time has look two more write "
    "go see number no way could people my than first water been call who oil its now find long down day did "
    "get come made may part don't I'll we've they're he'd I'M DON'T WE'VE it'S return def class import self "
    "print function const var int void std::vector<int> if(x==0){} /* comment */ // "
    "http://example.com/a?b=c&d=e 192.168.0.1 3.14159 1,000,000 2024-05-17 $12.50 50% été naïve Straße "
    "ñandú œuvre İstanbul Привет мир 你好 世界 こんにちは 안녕하세요 مرحبا שלום हिन्दी ไทย 😀 👍🏽 "
    "👨‍👩‍👧 x² ½ Ⅷ ٣٤٥ ４５６ e\u0301 ﬁn 'ſ \u0301").split(" ")
BLANKS = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\r", " \n", "\n ", "\u00a0", "\u3000", "\u2028",
          "\x0b", "\x85", "\u200b"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<tool>", "<|im_", "_end|>"]
ALPHABET = "abcXYZ'sStTdmlLvVreE 09\n\r\t.,!?()[]{}\"-_/\\<>|=+$^~\u0301é"


def split(regex):
    return pre_tokenizers.Split(Regex(regex), "isolated")


def cutters():
    """The pre-tokenizers by GGUF's name; the last as llama.cpp has it for files that name none."""
    return {
        "gpt-2": split(GPT2),
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), split(GPT2)]),
        "qwen2": split(LLAMA.replace("{DIGITS}", "")),
        "llama-bpe": split(LLAMA.replace("DIGITS", "1,3")),
        "default": pre_tokenizers.Sequence([
            split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2), split(r"\p{N}+"), split("[0-9][0-9][0-9]")]),
    }


def by_category():
    found = {}
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            found.setdefault(unicodedata.category(chr(c)), []).append(chr(c))
    return found


def make_texts(count):
    rng = random.Random(20240517)
    categories = by_category()
    kinds = list(categories)

    def any_character():
        return rng.choice(categories[rng.choice(kinds)])

    def text(kind):
        n = rng.randrange(1, 16)
        if kind == 0:
            return "".join(any_character() for _ in range(n))
        if kind == 1:
            return "".join(rng.choice(ALPHABET) for _ in range(2 * n))
        if kind == 2:
            return "".join(rng.choice(WORDS) + rng.choice(BLANKS) for _ in range(n))
        if kind == 3:
            return rng.choice([rng.choice(BLANKS), any_character(), rng.choice("aA1!'")]) * (3 * n)
        parts = [WORDS, BLANKS, SPECIAL]
        return "".join(rng.choice([rng.choice(rng.choice(parts)), str(rng.randrange(10 ** n)), any_character()])
                       for _ in range(n))

    fixed = ["", " ", "Hello, world!", "  two", "a\n\n  b", "12345678", "'", "''s", "x='s'", " 's", "\r\n\r\n"]
    return fixed + [text(i % 5) for i in range(count)]


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
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        cutters()["llama-bpe"], pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=512, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in SPECIAL[:2]])
    return tokenizer


def without_control(tokenizer):
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["special"]]
    return Tokenizer.from_str(json.dumps(data))


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
