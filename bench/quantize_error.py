#!/usr/bin/env python3
"""Relative errors of quantised GGUF files against the file that they were made from, tensor by tensor.

usage: quantize_error.py BASE OURS [THEIRS]     (needs the PyPI package gguf)

Prints one line of JSON: mean over the tensors that are quantised of the root of squared error over squared values, and,
of two files, how many tensors the first has with a larger error than the second (beyond 1e-6 of it) and the largest ratio.
"""
import json
import sys

import gguf
import numpy as np


def values(tensor):
    return gguf.dequantize(tensor.data, tensor.tensor_type)


def error(base, tensor):
    want = values(base).astype(np.float64)
    off = values(tensor).astype(np.float64) - want
    return float(np.sqrt((off * off).sum() / max((want * want).sum(), 1e-300)))


def main(base, *paths):
    base = {t.name: t for t in gguf.GGUFReader(base).tensors}
    files = [{t.name: t for t in gguf.GGUFReader(path).tensors} for path in paths]
    names = [n for n, t in files[0].items() if t.tensor_type.name not in ("F32", "F16", "BF16")]
    errors = [[error(base[n], file[n]) for n in names] for file in files]
    out = {"tensors": len(names), "mean": [float(np.mean(e)) for e in errors]}
    if len(files) == 2:
        if any(files[0][n].tensor_type != files[1][n].tensor_type for n in names):
            sys.exit("the files do not have the same types")
        pairs = [(a, b) for a, b in zip(*errors)]
        out["worse"] = sum(a > b * (1 + 1e-6) for a, b in pairs)
        out["largest_ratio"] = max((a / b for a, b in pairs if b > 0), default=0)
    print(json.dumps(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
