"""What the tokenizer is compared with: the PyPI package `tokenizers` set up as the pre-tokenizers and
vocabularies of our model files, and texts of every kind. For the tests, their vectors and the benchmark.
"""

import json
import random
import unicodedata

from gguf_metadata import read_metadata
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
# {DIGITS} stands for how many digits a piece may have.
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# Llama's with marks in words; Mistral's Tekken; the same with contractions and longer numbers.
QWEN35 = LLAMA.replace("{DIGITS}", "").replace(r"?\p{L}+", r"?[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]")
HEAD, TAIL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = (r"[^\r\n\p{L}\p{N}]?" + HEAD + "*" + TAIL + r"+SUFFIX|[^\r\n\p{L}\p{N}]?" + HEAD + "+" + TAIL + "*SUFFIX"
         r"|\p{N}DIGITS| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = CASED.replace("SUFFIX", "").replace("DIGITS", "")
LLAMA4 = CASED.replace("SUFFIX", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?").replace("DIGITS", "{1,3}")
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
ALPHABET = "abcXYZ'sStTdmlLvVreE 09\n\r\t.,!?()[]{}\"-_/\\<>|=+$^~\u0301é\u01c5ʰ日"


def split(regex):
    return pre_tokenizers.Split(Regex(regex), "isolated")


def cutters():
    """The pre-tokenizers by GGUF's name; the last as llama.cpp has it for files that name none."""
    return {
        "gpt-2": split(GPT2),
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), split(GPT2)]),
        "qwen2": split(LLAMA.replace("{DIGITS}", "")),
        "llama-bpe": split(LLAMA.replace("DIGITS", "1,3")),
        "qwen35": split(QWEN35),
        "tekken": split(TEKKEN),
        "llama4": split(LLAMA4),
        "default": pre_tokenizers.Sequence([
            split(r"[\p{P}\$\+<=>\^~\|]+"), split(GPT2), split(r"\p{N}+"), split("[0-9][0-9][0-9]")]),
    }


def by_category():
    found = {}
    for c in range(0x110000):
        if not 0xD800 <= c < 0xE000:
            found.setdefault(unicodedata.category(chr(c)), []).append(chr(c))
    return found


def make_texts(count, seed=20240517):
    rng = random.Random(seed)
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


def byte_level(split_too=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split_too)


def pre_tokenizer(name):
    """As tokenizer.json files have it: cut, then bytes for characters."""
    if name == "gpt-2":
        return byte_level(split_too=True)
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(split_too=True)])
    return pre_tokenizers.Sequence([cutters()[name], byte_level()])


def from_gguf(path, with_control):
    """A GGUF file's vocabulary, and the name of its pre-tokenizer; control tokens match on request."""
    metadata = read_metadata(path)
    tokens, kinds, merges, name = (metadata["tokenizer.ggml." + key] for key in ("tokens", "token_type", "merges", "pre"))
    made = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)},
                                merges=[tuple(merge.split(" ")) for merge in merges]))
    made.pre_tokenizer = pre_tokenizer(name)
    made.decoder = decoders.ByteLevel()
    made.add_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, kinds) if kind == 4])
    if with_control:
        made.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, kinds) if kind == 3])
    return made, name


def without_control(tokenizer):
    """The same tokenizer for untrusted text."""
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["special"]]
    return Tokenizer.from_str(json.dumps(data))
