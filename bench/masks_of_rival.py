"""Masks of llguidance or xgrammar for cases on standard input; compare_masks.py runs it with the rivals' own Python.
usage: masks_of_rival.py ENGINE VOCABULARY. A line in: schema and the tokens of each instance; a line out: refused,
or compile_us, and for each instance whether it was let through and the microseconds of each mask."""
import base64
import json
import sys
import time
import types

import numpy as np

clock = time.perf_counter_ns


def byte_letters():
    """What byte a letter of a byte-level tokenizer.json stands for."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(b): b for b in plain}
    letters.update({chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in plain)})
    return letters


def read_vocabulary(path):
    """Bytes by token id, the ids of control tokens, and the one that ends answers."""
    data = json.load(open(path, encoding="utf-8"))
    if "config" in data:  # tekken.json
        control = data["config"]["default_num_special_tokens"]
        size = data["config"]["default_vocab_size"]
        tokens = [b"<special_%d>" % i for i in range(control)]
        tokens += [base64.b64decode(entry["token_bytes"]) for entry in data["vocab"][: size - control]]
        return tokens, list(range(control)), 2
    letters = byte_letters()
    added = {entry["id"]: entry["content"] for entry in data["added_tokens"]}
    ids = {i: bytes(letters[c] for c in text) for text, i in data["model"]["vocab"].items() if i not in added}
    size = 1 + max([*ids, *added])
    tokens = [ids.get(i, b"<special_%d>" % i) for i in range(size)]
    ends = {text: i for i, text in added.items()}
    return tokens, sorted(added), ends.get("<|eot_id|>", ends.get("<|end_of_text|>", 0))


class Tekken:
    """Cuts forced texts as the model's tokenizer does: masks of llguidance then allow these tokens alone."""
    bos_token_id = None

    def __init__(self, path, tokens, control, end):
        import tiktoken
        self.tokens, self.special_token_ids, self.eos_token_id = tokens, control, end
        ranks = {token: i for i, token in enumerate(tokens[len(control):])}
        pattern = json.load(open(path, encoding="utf-8"))["config"]["pattern"]
        self.encoding = tiktoken.Encoding("tekken", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

    def __call__(self, text):
        text = text if isinstance(text, str) else text.decode("utf-8", "strict")
        return [i + len(self.special_token_ids) for i in self.encoding.encode_ordinary(text)]


class Llguidance:
    def __init__(self, path, tokens, control, end):
        import llguidance
        from llguidance._tokenizer import TokenizerWrapper
        self.matcher = llguidance.LLMatcher
        tokenizer = llguidance.LLTokenizer
        tekken = "tekken" in path
        self.tokenizer = tokenizer(TokenizerWrapper(Tekken(path, tokens, control, end)) if tekken else path,
                                   n_vocab=len(tokens), eos_token=end, slices=tokenizer.json_slices())
        self.mask = np.zeros((len(tokens) + 31) // 32, dtype=np.int32)
        self.place = (self.mask.ctypes.data, self.mask.nbytes)

    def compile(self, schema):
        self.first = self.matcher(self.tokenizer, self.matcher.grammar_from_json_schema(schema))
        if self.first.is_error():
            raise ValueError(self.first.get_error())

    def begin(self):
        self.now = self.first.deep_copy()

    def fill(self):
        self.now.unsafe_compute_mask_ptr(*self.place)

    def accept(self, token):
        return self.now.consume_token(token) and not self.now.is_error()

    def may_end(self):
        return self.now.is_accepting()


def without_torch():
    """xgrammar names types of torch while it is loaded, and fills any array that speaks DLPack."""
    torch = types.ModuleType("torch")
    torch.int32, torch.tensor, torch.full = np.int32, lambda value, dtype=None: value, np.full
    torch.__spec__ = types.SimpleNamespace(name="torch")
    for name in ("Tensor", "LongTensor", "FloatTensor", "dtype", "device"):
        setattr(torch, name, type(name, (), {}))
    sys.modules["torch"] = torch
    transformers = types.ModuleType("transformers")
    for name in ("PreTrainedTokenizerBase", "PreTrainedTokenizerFast", "LogitsProcessor"):
        setattr(transformers, name, type(name, (), {}))
    sys.modules["transformers"] = transformers


class Xgrammar:
    def __init__(self, path, tokens, control, end):
        import tvm_ffi  # noqa: F401  before a torch is there that is none
        try:
            import torch  # noqa: F401
        except ImportError:
            without_torch()
        import xgrammar
        self.xgrammar = xgrammar
        # Control tokens stand for no text.
        held = set(control)
        texts = [b"" if i in held else t for i, t in enumerate(tokens)]
        info = xgrammar.TokenizerInfo(texts, xgrammar.VocabType.RAW, vocab_size=len(tokens), stop_token_ids=[end])
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        self.end = end
        self.mask = np.zeros((1, (len(tokens) + 31) // 32), dtype=np.int32)

    def compile(self, schema):
        self.compiled = self.compiler.compile_json_schema(schema, any_whitespace=True, strict_mode=False)

    def begin(self):
        self.now = self.xgrammar.GrammarMatcher(self.compiled)

    def fill(self):
        self.now.fill_next_token_bitmask(self.mask)

    def accept(self, token):
        return self.now.accept_token(token)

    def may_end(self):
        return self.now.accept_token(self.end)


def overhead_us(engine):
    """A mask that is there already: what the call from Python takes."""
    engine.compile('{"const":1}')
    engine.begin()
    times = []
    for _ in range(2000):
        begin = clock()
        engine.fill()
        times.append(clock() - begin)
    return sorted(times)[len(times) // 2] / 1000


def run(engine, case):
    begin = clock()
    try:
        engine.compile(case["schema"])
        engine.begin()
    except Exception as error:  # whatever the binding raises
        return {"refused": str(error).splitlines()[0][:200] if str(error) else type(error).__name__}
    out = {"compile_us": (clock() - begin) / 1000, "tests": [], "mask_us": []}
    for ids in case["tokens"]:
        engine.begin()
        times, allowed = [], True
        for token in ids:
            begin = clock()
            engine.fill()
            times.append((clock() - begin) / 1000)
            flat = engine.mask.reshape(-1)
            allowed = bool(int(flat[token >> 5]) >> (token & 31) & 1) and engine.accept(token)
            if not allowed:
                break
        out["tests"].append(bool(allowed and engine.may_end()))
        out["mask_us"].append(times)
    return out


def main():
    kind, vocabulary = sys.argv[1:3]
    engine = {"llguidance": Llguidance, "xgrammar": Xgrammar}[kind](vocabulary, *read_vocabulary(vocabulary))
    print(json.dumps({"overhead_us": overhead_us(engine)}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(engine, json.loads(line))), flush=True)


main()
