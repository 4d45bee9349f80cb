#!/usr/bin/env python3
"""Writes a GGUF model of random weights with the shape of a real one, to measure speed with.

usage: tools/make_synthetic_model.py --out FILE [--shape mistral-7b | qwen3-30b-a3b | ...] [--layers 8]
                                     [--type Q4_0 | Q4_K_M | ...] [--sparse]

Speed does not depend on the values: blocks are random with scales of ordinary size, and a pool of them is repeated; routers
alone are random throughout, so that tokens choose all experts. The vocabulary is a byte-level BPE of synthetic tokens (every
byte, then pairs of bytes), so that any engine loads the file. With --sparse no weight is written: a file of the full size that
takes no room, for refusals.
"""
import argparse
import collections
import math
import os
import random
import struct
import sys

U32, F32, STRING, ARRAY, I32 = 4, 6, 8, 9, 5  # GGUF's value types

# name: id, values a block, bytes of it, offset of its f16 scales and how many
TYPES = {
    "F32": (0, 1, 4, 0, 0), "F16": (1, 1, 2, 0, 0), "BF16": (30, 1, 2, 0, 0),
    "Q4_0": (2, 32, 18, 0, 1), "Q4_1": (3, 32, 20, 0, 2), "Q5_0": (6, 32, 22, 0, 1), "Q5_1": (7, 32, 24, 0, 2),
    "Q8_0": (8, 32, 34, 0, 1), "Q4_K": (12, 256, 144, 0, 2), "Q5_K": (13, 256, 176, 0, 2), "Q6_K": (14, 256, 210, 208, 1),
    "Q2_K": (10, 256, 84, 80, 2), "Q3_K": (11, 256, 110, 108, 1), "TQ1_0": (34, 256, 54, 52, 1), "TQ2_0": (35, 256, 66, 64, 1),
    "IQ4_NL": (20, 32, 18, 0, 1), "IQ4_XS": (23, 256, 136, 0, 1), "IQ3_S": (21, 256, 110, 0, 1), "IQ3_XXS": (18, 256, 98, 0, 1),
    "IQ2_S": (22, 256, 82, 0, 1), "IQ2_XS": (17, 256, 74, 0, 1), "IQ2_XXS": (16, 256, 66, 0, 1), "IQ1_S": (19, 256, 50, 0, 1),
    "IQ1_M": (29, 256, 56, 0, 0), "MXFP4": (39, 32, 17, 0, 0), "NVFP4": (40, 64, 36, 0, 0),
}
MIXTURES = {"Q4_K_M": ("Q4_K", "Q6_K"), "Q5_K_M": ("Q5_K", "Q6_K")}  # most matrices; output, half of attn_v and ffn_down
Shape = collections.namedtuple("Shape", "architecture layers dim heads kv_heads head_dim hidden vocab experts used",
                               defaults=(0, 0))
SHAPES = {  # hidden: of each expert where there are some
    "mistral-7b": Shape("llama", 32, 4096, 32, 8, 128, 14336, 32768),
    "llama-1b": Shape("llama", 16, 2048, 32, 8, 64, 8192, 32768),
    "tiny": Shape("llama", 2, 256, 4, 2, 64, 512, 512),
    "mixtral": Shape("llama", 32, 4096, 32, 8, 128, 14336, 32768, 8, 2),
    "qwen3-30b-a3b": Shape("qwen3moe", 48, 2048, 32, 4, 128, 768, 65536, 128, 8),
    "tiny-moe": Shape("qwen3moe", 2, 256, 4, 2, 64, 256, 512, 4, 2),
}
CONTEXT = 32768
ALIGNMENT = 32


def byte_alphabet():
    """The printable character that stands for each byte in byte-level BPE."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def vocabulary(size):
    letters = [letter for _, letter in sorted(byte_alphabet().items())]
    pairs = [(a, b) for a in letters for b in letters][:size - 1 - len(letters)]
    tokens = letters + [a + b for a, b in pairs] + ["<|end|>"]
    if len(tokens) != size:
        sys.exit(f"a vocabulary has {len(letters) + 1} to {len(letters) + 1 + len(letters) ** 2} tokens, not {size}")
    return tokens, [f"{a} {b}" for a, b in pairs], [1] * (size - 1) + [3]


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def array(kind, values):
    body = b"".join(map(text, values)) if kind == STRING else struct.pack(f"<{len(values)}i", *values)
    return struct.pack("<IQ", kind, len(values)) + body


def metadata(shape, layers, kind):
    arch = shape.architecture
    tokens, merges, kinds = vocabulary(shape.vocab)
    number = lambda n: struct.pack("<I", n)
    keys = {
        "block_count": layers, "context_length": CONTEXT, "embedding_length": shape.dim, "feed_forward_length": shape.hidden,
        "attention.head_count": shape.heads, "attention.head_count_kv": shape.kv_heads,
        "attention.key_length": shape.head_dim, "attention.value_length": shape.head_dim,
        "rope.dimension_count": shape.head_dim, "vocab_size": shape.vocab,
    }
    if shape.experts:
        keys |= {"expert_count": shape.experts, "expert_used_count": shape.used, "expert_feed_forward_length": shape.hidden}
    return [
        ("general.architecture", STRING, text(arch)),
        ("general.name", STRING, text(f"synthetic {layers} layers {kind}")),
        *((f"{arch}.{key}", U32, number(n)) for key, n in keys.items()),
        (f"{arch}.attention.layer_norm_rms_epsilon", F32, struct.pack("<f", 1e-5)),
        (f"{arch}.rope.freq_base", F32, struct.pack("<f", 1e6)),
        ("tokenizer.ggml.model", STRING, text("gpt2")),
        ("tokenizer.ggml.pre", STRING, text("gpt-2")),
        ("tokenizer.ggml.tokens", ARRAY, array(STRING, tokens)),
        ("tokenizer.ggml.token_type", ARRAY, array(I32, kinds)),
        ("tokenizer.ggml.merges", ARRAY, array(STRING, merges)),
        ("tokenizer.ggml.eos_token_id", U32, number(shape.vocab - 1)),
    ]


def tensors(shape, layers):
    """Name and dimensions, the contiguous one first."""
    dim, hidden, experts = shape.dim, shape.hidden, shape.experts
    q_dim, kv_dim = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer = {"attn_norm": (dim,), "attn_q": (dim, q_dim), "attn_k": (dim, kv_dim), "attn_v": (dim, kv_dim),
             "attn_output": (q_dim, dim), "ffn_norm": (dim,)}
    if shape.architecture == "qwen3moe":
        layer |= {"attn_q_norm": (shape.head_dim,), "attn_k_norm": (shape.head_dim,)}
    if experts:
        layer |= {"ffn_gate_inp": (dim, experts), "ffn_gate_exps": (dim, hidden, experts), "ffn_up_exps": (dim, hidden, experts),
                  "ffn_down_exps": (hidden, dim, experts)}
    else:
        layer |= {"ffn_gate": (dim, hidden), "ffn_up": (dim, hidden), "ffn_down": (hidden, dim)}
    yield "token_embd.weight", (dim, shape.vocab)
    for i in range(layers):
        for name, dims in layer.items():
            yield f"blk.{i}.{name}.weight", dims
    yield "output_norm.weight", (dim,)
    yield "output.weight", (dim, shape.vocab)


def type_of(name, dims, kind, shape, layers):
    """Norms and routers are f32. A mixture gives more bits to the output and to attn_v and ffn_down of the first and the last
    eighth of the layers and every third between; with 8 experts attn_k and attn_v are Q8_0, as llama-quantize has it."""
    if len(dims) == 1 or "ffn_gate_inp" in name:
        return "F32"
    if kind not in MIXTURES:
        return kind
    most, better = MIXTURES[kind]
    if not name.startswith("blk."):
        return better if name == "output.weight" else most
    _, layer, part, *_ = name.split(".")
    if shape.experts == 8 and part in ("attn_k", "attn_v"):
        return "Q8_0"
    layer, eighth = int(layer), layers // 8
    more = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
    return better if more and part.startswith(("attn_v", "ffn_down")) else most


def put_other_scales(pool, block, kind):
    """Scales that are not f16 in one piece."""
    if kind == "MXFP4":
        pool[block] = random.randrange(118, 123)
    if kind == "NVFP4":
        pool[block:block + 4] = bytes(random.randrange(8, 40) for _ in range(4))
    if kind == "IQ1_M":  # the top nibbles of four words
        scale = random.randrange(0x1000, 0x1800)
        for i in range(4):
            at = block + 49 + 2 * i
            pool[at] = pool[at] & 15 | (scale >> 4 * i & 15) << 4


def numbers(kind, count):
    """Numbers of the size that weights have."""
    values = [random.gauss(0, 0.02) for _ in range(count)]
    if kind == "BF16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack(f"<{count}{'f' if kind == 'F32' else 'e'}", *values)


def block_pool(kind):
    """Some hundred thousand bytes of random blocks."""
    if kind in ("F32", "F16", "BF16"):
        return numbers(kind, 1 << 16)
    _, _, size, scale_at, scales = TYPES[kind]
    pool = bytearray(random.randbytes(size * 4096))
    for block in range(0, len(pool), size):
        for i in range(scales):
            struct.pack_into("<H", pool, block + scale_at + 2 * i, random.randrange(0x1000, 0x1800))
        put_other_scales(pool, block, kind)
    return bytes(pool)


def size_of(dims, kind):
    _, block, size, *_ = TYPES[kind]
    if dims[0] % block:
        sys.exit(f"rows of {dims[0]} values are no whole blocks of {kind}")
    return math.prod(dims) // block * size


def write_model(out, shape, layers, kind, sparse):
    entries = metadata(shape, layers, kind)
    listed = [(name, dims, type_of(name, dims, kind, shape, layers)) for name, dims in tensors(shape, layers)]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(entries))
    head += b"".join(text(key) + struct.pack("<I", value_type) + value for key, value_type, value in entries)
    offset = 0
    for name, dims, stored in listed:
        head += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims) + struct.pack("<IQ", TYPES[stored][0], offset)
        offset += -(-size_of(dims, stored) // ALIGNMENT) * ALIGNMENT
    out.write(head + bytes(-len(head) % ALIGNMENT))
    if sparse:
        out.truncate(out.tell() + offset)
        return
    pools = {stored: block_pool(stored) for stored in sorted({stored for _, _, stored in listed})}
    for name, dims, stored in listed:
        left = size_of(dims, stored)
        data = struct.pack("<f", 1.0) * dims[0] if len(dims) == 1 else pools[stored]
        if "ffn_gate_inp" in name:
            data = numbers(stored, math.prod(dims))
        padding = -left % ALIGNMENT
        while left:
            left -= out.write(data[:left])
        out.write(bytes(padding))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--shape", choices=SHAPES, default="mistral-7b")
    parser.add_argument("--layers", type=int, help="of the shape's, at most; default: 8, or as many as there are")
    parser.add_argument("--type", choices=[*TYPES, *MIXTURES], default="Q4_0")
    parser.add_argument("--sparse", action="store_true")
    args = parser.parse_args()
    shape = SHAPES[args.shape]
    layers = args.layers or min(8, shape.layers)
    if not 1 <= layers <= shape.layers:
        parser.error(f"--layers is 1 to {shape.layers} for {args.shape}")
    random.seed(1)
    part = args.out + ".part"
    with open(part, "wb", buffering=1 << 20) as out:
        write_model(out, shape, layers, args.type, args.sparse)
    os.replace(part, args.out)


main()
