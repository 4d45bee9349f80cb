#!/usr/bin/env python3
"""Writes tests/data/quant/TYPE.bin: blocks and the f32 values that the PyPI package gguf decodes them to.

A file is: u32 count of values, the blocks, the values (f32); all little-endian. Rerun after adding a
type: pip install gguf==0.19.0 && tools/make_quant_vectors.py
"""
import pathlib

import gguf
import numpy as np

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
# Where the halves of a block stand, in bytes.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
# Zero, minus zero, subnormals, the smallest normal, ordinary values, the largest, infinity, NaN.
ODD_HALVES = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x1234, 0xA7C1, 0x3C00, 0x7BFF, 0xFBFF,
              0x7C00, 0xFC00, 0x7E00]


def make_blocks(name, rng):
    qtype = gguf.GGMLQuantizationType[name]
    block_size, block_bytes = gguf.GGML_QUANT_SIZES[qtype]
    if block_size == 1:
        return rng.integers(0, 256, (256, block_bytes), dtype=np.uint8)
    count = len(ODD_HALVES) + 3 if block_size == 32 else len(ODD_HALVES)
    blocks = rng.integers(0, 256, (count, block_bytes), dtype=np.uint8)
    for row, half in enumerate(ODD_HALVES):
        for number, at in enumerate(HALVES[name]):
            value = half if number == 0 else ODD_HALVES[(row * 5 + 3) % len(ODD_HALVES)]
            blocks[row, at:at + 2] = np.frombuffer(np.uint16(value).tobytes(), np.uint8)
    return blocks


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "quant"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20260101)
    for name in TYPES:
        blocks = make_blocks(name, rng)
        with np.errstate(all="ignore"):
            values = gguf.quants.dequantize(blocks.reshape(-1), gguf.GGMLQuantizationType[name])
        values = np.ascontiguousarray(values, dtype="<f4").reshape(-1)
        data = np.uint32(values.size).tobytes() + blocks.tobytes() + values.tobytes()
        (folder / f"{name.lower()}.bin").write_bytes(data)


if __name__ == "__main__":
    main()
