"""Writes small models of the other tokenizer files, and what their own libraries make of texts:

    tests/data/tokenizers/spm-bpe/         SentencePiece BPE with byte fallback, user-defined and control pieces
    tests/data/tokenizers/spm-unigram/     SentencePiece unigram with its nmt_nfkc normalisation, no bytes
    tests/data/tokenizers/pieces-json/     tokenizer.json files of the first vocabulary's style, by `tokenizers`
    tests/data/tokenizers/unigram-json/    tokenizer.json with a unigram model that `tokenizers` trained, in the styles of T5, ALBERT
                                           and others; "spm-unigram" stands for the compiled normalisation of that model's file
    tests/data/tokenizers/tekken/          a tekken.json of 300 tokens, by tiktoken

    python tools/make_piece_vectors.py     (from the source folder, with sentencepiece, tokenizers, tiktoken)

Every text comes from tokenizer_reference.py, by a fixed seed.
"""

import base64
import io
import json
import pathlib
import random

import sentencepiece
import tiktoken
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from tokenizer_reference import TEKKEN, WORDS, make_texts

FOLDER = pathlib.Path("tests/data/tokenizers")
TEXTS = make_texts(300) + ["<tool>", "a <too<tool>l>b", "<end> <end>", "\u2581a\u2581\u2581b", "  <tool>  x", "x <tool>y"]


def corpus():
    rng = random.Random(7)
    return [" ".join(rng.choice(WORDS) for _ in range(12)) for _ in range(400)]


def train(**settings):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, control_symbols=["<end>"],
        user_defined_symbols=["<tool>", "<too", "    ", "\u2581\u2581\u2581"], minloglevel=2, num_threads=1, **settings)
    return model.getvalue()


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


def write_spm(name, data):
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    write_lines(FOLDER / name / "vectors.jsonl", (
        {"text": t, "ids": processor.encode(t), "decoded": processor.decode(processor.encode(t))} for t in TEXTS))
    (FOLDER / name / "tokenizer.model").write_bytes(data)
    return processor


def piece_kinds(model):
    """The type of each piece, which the library does not tell of user-defined ones (4)."""
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    return [piece.type for piece in proto.pieces]


def pieces_json(processor):
    """The same vocabulary as `transformers` writes it: merges in the order of the scores of what they make."""
    kinds = piece_kinds(processor.serialized_model_proto())
    size = processor.get_piece_size()
    vocab = {processor.id_to_piece(i): i for i in range(size)}
    merges = []
    for piece in vocab:
        for cut in range(1, len(piece)):
            if piece[:cut] in vocab and piece[cut:] in vocab:
                merges.append((vocab[piece], vocab[piece[:cut]], vocab[piece[cut:]], piece[:cut], piece[cut:]))
    merges.sort(key=lambda m: (-processor.get_score(m[0]), m[1], m[2]))
    made = Tokenizer(models.BPE(vocab=vocab, merges=[m[3:] for m in merges], unk_token="<unk>", fuse_unk=True,
                                byte_fallback=True))
    control = [p for p, i in vocab.items() if processor.is_unknown(i) or processor.is_control(i)]
    defined = [p for p, i in vocab.items() if kinds[i] == 4 and not set(p) & {" ", "\u2581"}]
    made.add_special_tokens([AddedToken(t, normalized=False) for t in control])
    made.add_tokens([AddedToken(t, normalized=False) for t in defined])
    return made


def styles(processor):
    low = "\u2581"
    plain = [decoders.Replace(low, " "), decoders.ByteFallback(), decoders.Fuse()]
    for name, normalizer, pre in (
            ("prepend", normalizers.Sequence([normalizers.Prepend(low), normalizers.Replace(" ", low)]), None),
            ("gemma", normalizers.Replace(" ", low), pre_tokenizers.Split(" ", "merged_with_previous")),
            ("first", None, pre_tokenizers.Metaspace(low, "first", False)),
            ("always", None, pre_tokenizers.Metaspace(low, "always", False)),
            ("split", None, pre_tokenizers.Metaspace(low, "never", True))):
        made = pieces_json(processor)
        if normalizer is not None:
            made.normalizer = normalizer
        if pre is not None:
            made.pre_tokenizer = pre
        made.decoder = decoders.Sequence(plain)
        yield name, made


def without_control(made):
    data = json.loads(made.to_str())
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["special"]]
    return Tokenizer.from_str(json.dumps(data))


def write_json_styles(processor):
    rows = [{"text": t} for t in TEXTS[:-6:3] + TEXTS[-6:]]
    settings = {}
    for name, made in styles(processor):
        plain = without_control(made)
        data = json.loads(made.to_str())
        settings[name] = {key: data[key] for key in ("normalizer", "pre_tokenizer", "decoder")}
        for row in rows:
            row[name] = plain.encode(row["text"], add_special_tokens=False).ids
            if name in ("prepend", "first"):
                row[name + " trusted"] = made.encode(row["text"], add_special_tokens=False).ids
    base = {key: value for key, value in data.items() if key not in settings[name]}
    folder = FOLDER / "pieces-json"
    write_lines(folder / "vectors.jsonl", rows)
    (folder / "tokenizer.json").write_text(json.dumps(base, ensure_ascii=False), encoding="utf-8")
    (folder / "styles.json").write_text(json.dumps(settings, ensure_ascii=False, indent=1), encoding="utf-8")


def trained_unigram():
    """A unigram model as `tokenizers` trains it, with byte tokens for those styles that fall back to them."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.train_from_iterator(corpus(), trainers.UnigramTrainer(
        vocab_size=400, unk_token="<unk>", special_tokens=["<unk>", "</s>"], show_progress=False))
    data = json.loads(made.to_str())
    data["model"]["vocab"] += [[f"<0x{b:02X}>", 0.0] for b in range(256)]
    return data


def charsmap_of(model):
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    return proto.normalizer_spec.precompiled_charsmap


def unigram_styles(data, charsmap):
    """Name, tokenizer, and whether normal forms are among its steps."""
    mapped = normalizers.Precompiled(charsmap)
    squeezed = normalizers.Replace(Regex(" {2,}"), " ")
    quotes = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
    marked = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    for name, steps, pre, falls_back in (
            ("plain", [], pre_tokenizers.Metaspace(), False),
            ("trained", [normalizers.Nmt(), normalizers.NFKC(), squeezed], pre_tokenizers.Metaspace(), False),
            ("t5", [mapped], marked, False),
            ("converted", [mapped, normalizers.Strip(False, True), normalizers.Replace(Regex(" {2,}"), "\u2581")],
             pre_tokenizers.Metaspace(prepend_scheme="first"), False),
            ("albert", quotes + [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), mapped], marked, False),
            ("bytes", [normalizers.Prepend(" "), normalizers.NFC()],
             pre_tokenizers.Metaspace(prepend_scheme="never", split=False), True)):
        data["model"]["byte_fallback"] = falls_back
        made = Tokenizer.from_str(json.dumps(data))
        if steps:
            made.normalizer = normalizers.Sequence(steps)
        made.pre_tokenizer = pre
        made.decoder = decoders.Metaspace()
        yield name, made


def same_unicode(text):
    """Whether the forms that the library knows for this text are those of Unicode 14."""
    import unicodedata
    forms = (("NFC", normalizers.NFC()), ("NFKC", normalizers.NFKC()), ("NFKD", normalizers.NFKD()))
    marks = normalizers.StripAccents().normalize_str(text) == "".join(c for c in text if unicodedata.category(c) != "Mn")
    return marks and all(form.normalize_str(text) == unicodedata.normalize(name, text) for name, form in forms)


def write_unigram_styles(model):
    data = trained_unigram()
    rows = [{"text": t} for t in TEXTS[:-6:2] if same_unicode(t)] + [{"text": t} for t in TEXTS[-6:]]
    settings, charsmap = {}, charsmap_of(model)
    for name, made in unigram_styles(data, charsmap):
        plain = json.loads(made.to_str())
        settings[name] = {key: plain[key] for key in ("normalizer", "pre_tokenizer", "decoder")}
        settings[name]["byte_fallback"] = plain["model"]["byte_fallback"]
        for row in rows:
            row[name] = made.encode(row["text"], add_special_tokens=False).ids
    base = {key: value for key, value in data.items() if key not in settings[name]}
    folder = FOLDER / "unigram-json"
    write_lines(folder / "vectors.jsonl", rows)
    (folder / "tokenizer.json").write_text(json.dumps(base, ensure_ascii=False), encoding="utf-8")
    text = json.dumps(settings, ensure_ascii=False, indent=1).replace(base64.b64encode(charsmap).decode(), "spm-unigram")
    (folder / "styles.json").write_text(text, encoding="utf-8")


def write_tekken():
    """256 bytes and 244 joins of what tiktoken's own trainer would find: the most frequent pairs."""
    from collections import Counter

    import regex
    words = Counter(w for line in corpus() for w in regex.findall(TEKKEN, line))
    parts = {w: [bytes([b]) for b in w.encode()] for w in words}
    ranks = {bytes([b]): b for b in range(256)}
    while len(ranks) < 500:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(parts[word], parts[word][1:]):
                pairs[pair] += count
        best = max(pairs, key=lambda p: (pairs[p], p))
        ranks[best[0] + best[1]] = len(ranks)
        for word, old in parts.items():
            new, i = [], 0
            while i < len(old):
                step = 2 if tuple(old[i:i + 2]) == best else 1
                new.append(b"".join(old[i:i + step]))
                i += step
            parts[word] = new
    data = {"config": {"pattern": TEKKEN, "num_vocab_tokens": 500, "default_vocab_size": 540,
                       "default_num_special_tokens": 40, "version": "v7"},
            "vocab": [{"rank": r, "token_bytes": base64.b64encode(b).decode(), "token_str": None}
                      for b, r in ranks.items()]}
    (FOLDER / "tekken").mkdir(exist_ok=True)
    (FOLDER / "tekken/tekken.json").write_text(json.dumps(data), encoding="utf-8")
    made = tiktoken.Encoding("small", pat_str=TEKKEN, mergeable_ranks=ranks, special_tokens={})
    write_lines(FOLDER / "tekken/vectors.jsonl",
                ({"text": t, "ids": [i + 40 for i in made.encode_ordinary(t)]} for t in TEXTS))


def main():
    bpe = write_spm("spm-bpe", train(
        model_type="bpe", vocab_size=640, byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True, character_coverage=0.98))
    unigram = train(model_type="unigram", vocab_size=420, hard_vocab_limit=False)
    write_spm("spm-unigram", unigram)
    write_unigram_styles(unigram)
    write_json_styles(bpe)
    write_tekken()


if __name__ == "__main__":
    main()
