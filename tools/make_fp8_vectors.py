#!/usr/bin/env python3
"""Writes tests/data/quant/f8_e4m3_b128.bin as make_quant_vectors.py does for GGUF's types: blocks of an f32 factor and 128 values of
OCP's E4M3, and what they are: the product, rounded once to f32."""
import pathlib
import random
import struct

FACTORS = [1.0, 0.5, 0.0123, 1 / 3, -2.0, 3e-7, 0.0, 1e-39]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def e4m3(code):
    sign = -1 if code & 0x80 else 1
    exponent, fraction = code >> 3 & 15, code & 7
    if code & 0x7F == 0x7F:
        return float("nan")
    return sign * (fraction * 2.0**-9 if exponent == 0 else (8 + fraction) * 2.0 ** (exponent - 10))


def main():
    random.seed(7)
    blocks, values = b"", []
    for i, factor in enumerate(map(f32, FACTORS)):
        codes = list(range(128 * i, 128 * i + 128)) if i < 2 else [random.randrange(256) for _ in range(128)]
        blocks += struct.pack("<f", factor) + bytes(codes)
        values += [f32(factor * e4m3(code)) for code in codes]
    path = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "quant" / "f8_e4m3_b128.bin"
    path.write_bytes(struct.pack("<I", len(values)) + blocks + struct.pack(f"<{len(values)}f", *values))


if __name__ == "__main__":
    main()
