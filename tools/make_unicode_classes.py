"""Writes src/text/unicode_class_ranges.inc: the code points that the pre-tokenizers' patterns call
letter (\\p{L}), number (\\p{N}), space (\\s), punctuation (\\p{P}), capital (\\p{Lu}, \\p{Lt}), small letter
(\\p{Ll}) and mark (\\p{M}), as the PyPI package `tokenizers` sees them. It is the reference that the scanners must agree with, and its Unicode version is not
Python's own, so it is asked about every code point.

    python tools/make_unicode_classes.py > src/text/unicode_class_ranges.inc     (about ten seconds)
"""

import tokenizers
from tokenizers import Regex, pre_tokenizers

CLASSES = (("kLetterRanges", r"\p{L}"), ("kNumberRanges", r"\p{N}"), ("kSpaceRanges", r"\s"),
           ("kPunctuationRanges", r"\p{P}"), ("kCapitalRanges", r"[\p{Lu}\p{Lt}]"), ("kSmallRanges", r"\p{Ll}"),
           ("kMarkRanges", r"\p{M}"))


def members(pattern):
    """Code points of one class: all of them in one text, the class's runs cut out of it."""
    text = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    found = []
    for start in range(0, len(text), 4096):
        chunk = text[start:start + 4096]
        # A NUL between all characters keeps each piece to one character.
        for piece, _ in split.pre_tokenize_str("\0".join(chunk)):
            if len(piece) == 1 and piece != "\0":
                found.append(ord(piece))
    return found


def ranges(points):
    out = []
    for p in points:
        if out and out[-1][1] == p - 1:
            out[-1][1] = p
        else:
            out.append([p, p])
    return out


def main():
    print(f"// Written by tools/make_unicode_classes.py (tokenizers {tokenizers.__version__}); first and last code point.")
    for name, pattern in CLASSES:
        found = ranges(members(pattern))
        print(f"constexpr CodePointRange {name}[] = {{  // {pattern}")
        line = "   "
        for first, last in found:
            item = f" {{0x{first:X}, 0x{last:X}}},"
            if len(line) + len(item) > 100:
                print(line)
                line = "   "
            line += item
        print(line)
        print("};")


if __name__ == "__main__":
    main()
