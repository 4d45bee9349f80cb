"""The metadata of a GGUF file, by Python's standard library alone: what the tokenizer's comparisons need.

Source: the format's specification, docs/gguf.md of the ggml project. For files that are trusted.
"""
import mmap
import struct

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        layout = struct.Struct("<" + layout)
        values = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return values

    def text(self):
        [size] = self.take("Q")
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.text()
        if kind != ARRAY:
            return self.take(SCALARS[kind])[0]
        kind, count = self.take("IQ")
        return list(self.take(f"{count}{SCALARS[kind]}")) if kind in SCALARS else [self.value(kind) for _ in range(count)]


def read_metadata(path):
    """A dictionary of all keys; arrays are lists."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        cursor = Cursor(data)
        magic, version, _, keys = cursor.take("4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise ValueError(f"{path}: not a GGUF file of version 2 or 3")
        return {cursor.text(): cursor.value(cursor.take("I")[0]) for _ in range(keys)}
