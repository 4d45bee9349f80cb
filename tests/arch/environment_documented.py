#!/usr/bin/env python3
"""Every environment variable that the program reads by name has its row in docs/FLAGS.md."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|HOME)"')


def names_read(text):
    """Of a source file that asks the environment: direct calls and helpers get their names as literals."""
    return set(NAME.findall(text)) if "getenv" in text else set()


def rows(markdown):
    section = markdown.partition("\n## Other environment variables\n")[2]
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section, re.M)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def main():
    assert names_read('x = std::getenv("A_NEW_ONE"); value("HOME", "TEXT")') == {"A_NEW_ONE", "HOME"}
    read = {}
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix in (".cpp", ".h") and not re.search(r"_(test|bench|for_test)\.", path.name):
            for name in names_read(path.read_text()):
                read.setdefault(name, path.relative_to(ROOT))
    documented = rows((ROOT / "docs/FLAGS.md").read_text())
    assert {"AQUILON_HOME", "HF_TOKEN"} <= set(read), "the search finds nothing any more"
    problems = [f"{path}: {name} has no row in docs/FLAGS.md" for name, path in read.items() if name not in documented]
    by_libcurl = {"https_proxy", "all_proxy", "no_proxy"}
    problems += [f"docs/FLAGS.md: nothing reads {name}" for name in sorted(documented - set(read) - by_libcurl)]
    sys.exit("\n".join(problems) or 0)


main()
