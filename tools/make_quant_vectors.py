#!/usr/bin/env python3
"""Writes what decoding is held to, into tests/data/quant: blocks and what the PyPI package gguf decodes them to.

TYPE.bin        u32 count of values, the blocks, the values (f32)
TYPE.hashes.bin u32 count of blocks, the blocks, of each block's values the FNV-1a hash (u64): many blocks in little space,
                for types with tables
f8_e4m3.bin     as TYPE.bin, every byte, decoded by the package ml_dtypes
All little-endian. Rerun after adding a type: pip install gguf==0.19.0 ml_dtypes && tools/make_quant_vectors.py
"""
import pathlib

import gguf
import ml_dtypes
import numpy as np

# Where the halves of a block stand, in bytes. A type with none has scales of its own kind, all of whose bits are tried.
HALVES = {"F32": [], "F16": [], "BF16": [], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
CODED_HALVES = {"Q2_K": [80, 82], "Q3_K": [108], "IQ4_NL": [0], "IQ4_XS": [0], "IQ3_S": [0], "IQ3_XXS": [0], "IQ2_S": [0],
                "IQ2_XS": [0], "IQ2_XXS": [0], "IQ1_S": [0], "IQ1_M": [], "TQ2_0": [64], "TQ1_0": [52], "MXFP4": [], "NVFP4": []}
# Zero, minus zero, subnormals, the smallest normal, ordinary values, the largest, infinity, NaN.
ODD_HALVES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x1234, 0xA7C1, 0x3C00, 0x7BFF, 0xFBFF,
              0x7C00, 0xFC00, 0x7E00]


def put_half(blocks, row, at, half):
    blocks[row, at:at + 2] = np.frombuffer(np.uint16(half).tobytes(), np.uint8)


def make_blocks(name, places, count, rng):
    qtype = gguf.GGMLQuantizationType[name]
    block_size, block_bytes = gguf.GGML_QUANT_SIZES[qtype]
    if block_size == 1:
        return rng.integers(0, 256, (256, block_bytes), dtype=np.uint8)
    blocks = rng.integers(0, 256, (count, block_bytes), dtype=np.uint8)
    for row, half in enumerate(ODD_HALVES[:count]):
        for number, at in enumerate(places):
            put_half(blocks, row, at, half if number == 0 else ODD_HALVES[(row * 5 + 3) % len(ODD_HALVES)])
    return blocks


def finite_blocks(name, places, count, rng):
    """Blocks whose halves are numbers: what a hash is made of must not depend on the processor."""
    blocks = rng.integers(0, 256, (count, gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]), dtype=np.uint8)
    for row in range(count):
        for at in places:
            put_half(blocks, row, at, int(rng.integers(0, 0x7C00)) | int(rng.integers(0, 2)) << 15)
        if name == "IQ1_M":
            blocks[row, 55] &= 0xBF  # the half's top nibble
    return blocks


def decode(name, blocks):
    with np.errstate(all="ignore"):
        values = gguf.quants.dequantize(blocks.reshape(-1), gguf.GGMLQuantizationType[name])
    return np.ascontiguousarray(values, dtype="<f4").reshape(-1)


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return np.uint64(h).tobytes()


def write_values(path, blocks, values):
    path.write_bytes(np.uint32(values.size).tobytes() + blocks.tobytes() + values.tobytes())


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "quant"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20260101)
    for name, places in HALVES.items():
        small = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][0] == 32
        blocks = make_blocks(name, places, len(ODD_HALVES) + (3 if small else 0), rng)
        write_values(folder / f"{name.lower()}.bin", blocks, decode(name, blocks))
    for name, places in CODED_HALVES.items():
        rng = np.random.default_rng([20261125, *name.encode()])
        block_size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][0]
        blocks = make_blocks(name, places, len(ODD_HALVES) if block_size < 256 else 4, rng)
        write_values(folder / f"{name.lower()}.bin", blocks, decode(name, blocks))
        # Large grids need many blocks before most of their entries are seen.
        blocks = finite_blocks(name, places, 128 if name in ("IQ2_S", "IQ1_S", "IQ1_M") else 40, rng)
        hashes = b"".join(fnv1a(values.tobytes()) for values in decode(name, blocks).reshape(len(blocks), -1))
        (folder / f"{name.lower()}.hashes.bin").write_bytes(np.uint32(len(blocks)).tobytes() + blocks.tobytes() + hashes)
    every = np.arange(256, dtype=np.uint8)
    write_values(folder / "f8_e4m3.bin", every, every.view(ml_dtypes.float8_e4m3fn).astype("<f4"))


if __name__ == "__main__":
    main()
