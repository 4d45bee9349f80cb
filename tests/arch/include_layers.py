"""Includes go down the layers only, as tools/layers.txt allows them."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from layers import heights, read_layers  # noqa: E402

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def check_includes(path, layer, layers):
    own = path.relative_to(ROOT)
    for include in INCLUDE.findall(path.read_text()):
        folder = include.split("/")[0]
        if "/" not in include or not (ROOT / "src" / include).is_file():
            yield f'{own}: "{include}" is not a file under src/'
        elif folder == layer:
            continue
        elif folder not in layers[layer].allowed:
            yield f'{own}: {layer} may not include "{include}"; tools/layers.txt allows: {" ".join(layers[layer].allowed)}'
        elif include.endswith("_internal.h"):
            yield f'{own}: "{include}" is internal to {folder}'


def check():
    layers = read_layers()
    try:
        heights(layers)
    except ValueError as cycle:
        yield f"tools/layers.txt: {cycle}"
        return
    for layer in layers.values():
        for name in set(layer.allowed) - set(layers):
            yield f"tools/layers.txt: {layer.name} may include {name}, which is not listed"
    folders = {path.name for path in (ROOT / "src").iterdir() if path.is_dir()}
    yield from (f"src/{name} is not in tools/layers.txt" for name in folders - set(layers))
    yield from (f"tools/layers.txt lists {name}, but there is no src/{name}" for name in set(layers) - folders)
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cpp", ".inc"):
            continue
        layer = path.relative_to(ROOT / "src").parts[0]
        layer = "apps" if layer == "main.cpp" else layer
        if layer in layers:
            yield from check_includes(path, layer, layers)


problems = list(check())
print("\n".join(problems) or "every include goes down")
sys.exit(bool(problems))
