"""Every backticked path, flag, command, route, variable and symbol of the documents is in the tree.

Names from outside (another program's, a file format's) are listed in outside_names.txt beside this file.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
GENERATED = re.compile(r"<!-- begin:(\w+) -->.*?<!-- end:\1 -->", re.S)  # from the code, by tools/gen_docs.py
OUTSIDE = set((pathlib.Path(__file__).parent / "outside_names.txt").read_text().splitlines())


def tracked_texts():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in names.stdout.splitlines():
        path = ROOT / name
        if path.suffix not in (".json", ".jsonl", ".gguf", ".bin", ".md", ".png") and path.is_file():
            yield path.read_text(errors="replace")


CODE = "\n".join(tracked_texts())
WORDS = set(re.findall(r"\w+", CODE))
FLAGS_DOC = (ROOT / "docs/FLAGS.md").read_text()
COMMANDS = set(re.findall(r"^## `aquilon (\w+)[^`]*`", FLAGS_DOC, re.M))
RUN_TEXT = (ROOT / "run").read_text()


def known_word(word):
    """One word of a backticked span: does what it names exist?"""
    if word in OUTSIDE or not re.search(r"\w", word):
        return True
    if word.startswith("AQUILON_"):
        return re.search(rf"\b{re.sub('=.*', '', word)}\b", CODE + FLAGS_DOC)
    if word.startswith("--"):
        flag = re.sub(r"[=\[].*", "", word)
        switch = "--[no-]" + re.sub("^--(no-)?", "", flag)
        return flag in FLAGS_DOC or switch in FLAGS_DOC or flag in CODE
    if re.fullmatch(r"/[\w/{}:.-]+", word):  # a route
        return word in CODE or re.sub(r"\{.*?\}", "", word).rstrip("/") in CODE
    if "/" in word and re.fullmatch(r"[\w./*{},-]+", word):  # a path, of which build/ is not in the tree
        return word.startswith("build/") or (ROOT / word.rstrip("/")).exists() or any(ROOT.glob(word.rstrip("/"))) or \
            (ROOT / "src" / word).exists() or word in CODE
    if re.fullmatch(r"[\w-]+\.\w+", word):  # a file's name
        return any(ROOT.glob(f"**/{word}")) or word in CODE
    return all(part in WORDS for part in re.findall(r"\w+", word))


def unknown(span):
    words = span.split()
    if words[0] == "./run" and len(words) > 1 and f"./run {words[1]}" not in RUN_TEXT and not re.search(rf"\b{words[1]}\b", RUN_TEXT):
        return words[1]
    if words[0] in ("aquilon", "build/aquilon") and len(words) > 1 and not words[1].startswith("-") and words[1] not in COMMANDS:
        return words[1] if words[1].islower() else None
    return next((word for word in words if not known_word(word)), None)


def check():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text()
        for skipped in (FENCE, GENERATED):
            text = skipped.sub(lambda m: "\n" * m.group().count("\n"), text)
        for match in SPAN.finditer(text):
            missing = None if match.group(1) in OUTSIDE else unknown(match.group(1))
            if missing:
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path.relative_to(ROOT)}:{line}: `{match.group(1)}`: there is no {missing} in the tree"


problems = list(check())
print("\n".join(problems) or "every name in the documents exists")
sys.exit(bool(problems))
