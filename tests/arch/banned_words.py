"""What must not be in the tree: exceptions of our own, forgotten notes, hosts and folders of one machine."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = {".cpp", ".h", ".inc", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".ts", ".tsx", ".css", ".html", ".mjs", ".js", ""}

# pattern, which files, what is wrong
CODE_RULES = [
    # base/check.cpp: a broken invariant of one request, which no Result of code that is right could carry.
    (r"\bthrow\b", r"^src/(?!base/check\.cpp).*(?<!_test)\.(cpp|h)$", "an error is a Result, not an exception"),
    (r"\bstd::regex\b|#include <regex>", r"^src/", "std::regex recurses on its input"),
    (r"\busing namespace\b", r"\.h$", "a header must not open a namespace for its includers"),
    (r"\b(v?sprintf|strcpy|strcat|gets|atoi|atof|system)\s*\(", r"^src/.*\.(cpp|h)$", "unbounded or unchecked C call"),
]
TEXT_RULES = [
    (r"\b(TODO|FIXME|XXX)\b", r"", "finish it, or open an issue"),
    (r"-ffast-math", r"", "it changes results"),
    (r"(?<![\w.~$}\"'*-])/(work|home|root)/\w", r"", "a folder of one machine"),
    (r"\"resolved\":", r"package-lock\.json$", "the lockfile names where packages came from"),
]
# Hosts that texts may name: papers, standards and licences, the model hub, examples, this machine.
HOSTS = re.compile(
    r"^([^.]+|[a-z]\.\w+|127\.\d+\.\d+\.\d+|0\.0\.0\.0|(.+\.)?example\.\w+|.+\.(example|test|invalid|local)|"
    r"(www\.)?(arxiv\.org|apache\.org|w3\.org|unicode\.org|rfc-editor\.org|json-schema\.org|opensource\.org)|"
    r"huggingface\.co|hf\.co|(.+\.)?github\.com)$")
URL = re.compile(r"https?://([^\s/:\"'`<>)\\?#,;%{$]+|\[[0-9a-f:]+\])")


def without_comments_and_strings(code):
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    return re.sub(pattern, lambda m: "\n" * m.group().count("\n"), code, flags=re.S)


def matches(rules, name, text):
    for pattern, files, why in rules:
        if re.search(files, name):
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {match.group().strip()}: {why}"


def check():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.suffix not in TEXT or name == "LICENSE" or path.resolve() == pathlib.Path(__file__).resolve():
            continue
        if not path.is_file() or name.startswith(("tests/data/", "fuzz/corpus/")):
            continue
        text = path.read_text(errors="replace")
        yield from matches(TEXT_RULES, name, text)
        if path.suffix in (".cpp", ".h"):
            yield from matches(CODE_RULES, name, without_comments_and_strings(text))
        if path.name == "package-lock.json":  # links to funders, by npm
            continue
        for match in URL.finditer(text):
            if not HOSTS.match(match.group(1)):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {match.group()}: not a host that the tree names (tests/arch/banned_words.py)"


problems = list(check())
print("\n".join(problems) or "nothing banned in the tree")
sys.exit(bool(problems))
