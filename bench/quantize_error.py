#!/usr/bin/env python3
"""Relative errors of quantised GGUF files against the file that they were made from, tensor by tensor.

usage: quantize_error.py BASE OURS [THEIRS] [--imatrix FILE] [--list]     (needs the PyPI package gguf)

Prints one line of JSON: mean over the tensors that are quantised of the root of squared error over squared values, and,
of two files, how many tensors the first has with a larger error than the second (beyond 1e-6 of it) and the largest ratio.
With an importance matrix squares count as much as it says of their columns. --list names the tensors that are worse.
"""
import argparse
import json
import sys

import gguf
import numpy as np


def values(tensor):
    return gguf.dequantize(tensor.data, tensor.tensor_type)


def column_weights(imatrix, name):
    """What squares count by column, or 1; of experts each its own."""
    if name + ".in_sum2" not in imatrix:
        return 1.0
    sums = imatrix[name + ".in_sum2"].data.astype(np.float64)
    return sums.reshape(-1, 1, sums.shape[-1]) if sums.ndim > 1 and sums.shape[0] > 1 else sums.reshape(-1)


def error(base, tensor, weights):
    want = values(base).astype(np.float64)
    off = values(tensor).astype(np.float64) - want
    return float(np.sqrt((weights * off * off).sum() / max((weights * want * want).sum(), 1e-300)))


def tensors_of(path):
    return {t.name: t for t in gguf.GGUFReader(path).tensors}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--imatrix")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    base, files = tensors_of(args.base), [tensors_of(path) for path in args.files]
    imatrix = tensors_of(args.imatrix) if args.imatrix else {}
    names = [n for n, t in files[0].items() if t.tensor_type.name not in ("F32", "F16", "BF16")]
    errors = [[error(base[n], file[n], column_weights(imatrix, n)) for n in names] for file in files]
    out = {"tensors": len(names), "mean": [float(np.mean(e)) for e in errors]}
    if len(files) == 2:
        if any(files[0][n].tensor_type != files[1][n].tensor_type for n in names):
            sys.exit("the files do not have the same types")
        pairs = [(a, b) for a, b in zip(*errors)]
        if args.list:
            for n, (a, b) in zip(names, pairs):
                if a > b * (1 + 1e-6):
                    print(f"{n} {files[0][n].tensor_type.name} {a:.6g} {b:.6g} {a / max(b, 1e-300):.4f}", file=sys.stderr)
        out["worse"] = sum(a > b * (1 + 1e-6) for a, b in pairs)
        out["largest_ratio"] = max((a / b for a, b in pairs if b > 0), default=0)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
