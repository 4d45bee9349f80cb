#!/usr/bin/env python3
"""Writes src/quant/iq_grids.inc: the grids of the IQ block types, facts of the GGUF format.

They are read from the public constants of the PyPI package gguf (MIT licence, Copyright (c) 2023 Georgi Gerganov):
an entry is a word, its values are the word's pairs of bits (grids of eight) or nibbles (of four), the first one lowest.

    pip install gguf==0.19.0 && tools/make_iq_grids.py
"""
import pathlib

from gguf import quants

GRIDS = {"kIq2XxsGrid": quants.IQ2_XXS, "kIq2XsGrid": quants.IQ2_XS, "kIq2SGrid": quants.IQ2_S, "kIq1Grid": quants.IQ1_S,
         "kIq3XxsGrid": quants.IQ3_XXS, "kIq3SGrid": quants.IQ3_S}


def main():
    text = "// Written by tools/make_iq_grids.py from the PyPI package gguf (MIT licence, (c) 2023 Georgi Gerganov).\n"
    for name, source in GRIDS.items():
        data = bytes.fromhex(source.grid_hex.decode())
        words = [int.from_bytes(data[i:i + 2], "little") for i in range(0, len(data), 2)]
        assert len(words) == source.grid_shape[0]
        text += f"static constexpr std::uint16_t {name}[{len(words)}] = {{\n"
        for i in range(0, len(words), 16):
            text += "    " + " ".join(f"{w}," for w in words[i:i + 16]) + "\n"
        text += "};\n"
    (pathlib.Path(__file__).resolve().parent.parent / "src/quant/iq_grids.inc").write_text(text)


main()
