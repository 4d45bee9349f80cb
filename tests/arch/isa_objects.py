"""Objects compiled for one instruction set export no weak symbol.

The linker keeps one copy of a weak function (an inline one of a header, say). If it kept the copy that was compiled
for AVX2, the whole program would need that instruction set.
"""
import pathlib
import re
import subprocess
import sys

tree = pathlib.Path(sys.argv[1])
objects = [path for path in tree.glob("CMakeFiles/aq_*/**/*.o") if re.search(r"_(avx\w*|neon|sve\w*)\.cpp\.o$", path.name)]
problems = []
for path in objects:
    listing = subprocess.run(["nm", "-C", "--defined-only", str(path)], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        _, kind, name = line.split(maxsplit=2)
        if kind in "wWvVu" and not name.startswith("DW.ref."):
            problems.append(f"{path.relative_to(tree)}: weak symbol {name}")
print("\n".join(problems) or f"{len(objects)} objects, no weak symbol")
sys.exit(bool(problems) or not objects)
