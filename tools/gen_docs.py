#!/usr/bin/env python3
"""The parts of docs/ that are made from the code, between <!-- begin:NAME --> and <!-- end:NAME -->.

usage: tools/gen_docs.py --check | --write [--program build/aquilon]
"""
import argparse
import difflib
import re
import subprocess
import sys

from api_docs import api_blocks
from layers import ROOT, heights, read_layers


def layers_table():
    layers = read_layers()
    height = heights(layers)
    rows = ["| folder | what | may include |", "|---|---|---|"]
    for name in sorted(layers, key=lambda n: (-height[n], n)):
        layer = layers[name]
        allowed = " ".join(f"`{n}`" for n in layer.allowed) or "nothing"
        rows.append(f"| `src/{name}` | {layer.purpose} | {allowed} |")
    return "\n".join(rows)


def layers_diagram():
    height = heights(read_layers())
    top = max(height.values())
    rows = ["    ".join(sorted(n for n in height if height[n] == h)) for h in range(top, -1, -1)]
    return "```text\n" + "\n".join(rows) + "\n```"


def errors_table():
    meanings = dict(re.findall(r"^  (k\w+),\s*// (.+)$", (ROOT / "src/base/result.h").read_text(), re.M))
    codes = re.findall(r'\{Code::(k\w+), "(\w+)", (\d+), "(\w+)", (\d+)\}', (ROOT / "src/base/error_codes.h").read_text())
    rows = ["| code | when | HTTP | API `type` | exit status |", "|---|---|---|---|---|"]
    for code, name, http, api_type, exit_status in codes:
        rows.append(f"| `{name}` | {meanings[code]} | {http} | `{api_type}` | {exit_status} |")
    return "\n".join(rows)


def flags_tables(program):
    return subprocess.run([program, "--print-flags-markdown"], capture_output=True, text=True, check=True).stdout.strip()


def keyword_table(program):
    return subprocess.run([program, "schema", "keywords"], capture_output=True, text=True, check=True).stdout.strip()


def with_block(text, name, block):
    begin, end = f"<!-- begin:{name} -->", f"<!-- end:{name} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        sys.exit(f"gen_docs: the marks {begin} and {end} are missing")
    return f"{before}{begin}\n{block}\n{end}{after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/aquilon"))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    files = {
        "docs/ARCHITECTURE.md": {"diagram": layers_diagram(), "layers": layers_table()},
        "docs/ERRORS.md": {"errors": errors_table()},
        "docs/API.md": api_blocks(args.program),
        "docs/FLAGS.md": {"flags": flags_tables(args.program)},
        "docs/STRUCTURED-OUTPUT.md": {"keywords": keyword_table(args.program)},
    }
    stale = False
    for name, blocks in files.items():
        old = new = (ROOT / name).read_text()
        for block, text in blocks.items():
            new = with_block(new, block, text)
        if args.write and new != old:
            (ROOT / name).write_text(new)
        elif new != old:
            stale = True
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "from the code"))
    if stale:
        sys.exit("docs differ from the code: run tools/gen_docs.py --write")


main()
