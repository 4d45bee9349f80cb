"""tools/layers.txt as data: what each folder of src/ is for and may include."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Layer:
    def __init__(self, name, purpose, allowed):
        self.name, self.purpose, self.allowed = name, purpose, allowed


def read_layers():
    layers = {}
    for line in (ROOT / "tools/layers.txt").read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, purpose, allowed = (part.strip() for part in line.split("|"))
        layers[name] = Layer(name, purpose, allowed.split())
    return layers


def heights(layers):
    """Longest way down from each layer; raises ValueError on a cycle."""
    done = {}

    def height(name, above=()):
        if name in above:
            raise ValueError("cycle: " + " -> ".join([*above, name]))
        if name not in done:
            below = [height(n, (*above, name)) for n in layers[name].allowed if n in layers]
            done[name] = 1 + max(below, default=-1)
        return done[name]

    for name in layers:
        height(name)
    return done
