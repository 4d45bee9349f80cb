#!/usr/bin/env python3
"""Writes tests/data/jinja/*.jsonl: what Python's jinja2, set up as transformers does, makes of templates.

    python3 -m venv build/venv-jinja && build/venv-jinja/bin/pip install jinja2==3.1.6
    build/venv-jinja/bin/python tools/jinja_differential.py          # writes the files
    build/venv-jinja/bin/python tools/jinja_differential.py --check  # fails where they differ

The cases are src/chat/jinja's: each *.py beside the .jsonl files has a list CASES of templates, alone or
with their variables. A line of the result is {"template", "context", "expected"}, or "error": true;
what is missing is that of the line before.
"""
import argparse
import datetime
import json
import pathlib
import runpy
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "jinja"
NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)  # local time; the test uses the same


class Generation(jinja2.ext.Extension):
    """{% generation %}: a block whose text stays as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def environment():
    result = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True,
        extensions=[Generation, jinja2.ext.loopcontrols])
    result.filters["tojson"] = to_json
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = NOW.strftime
    return result


def outcome(template, context):
    try:
        return {"expected": environment().from_string(template).render(**context)}
    except Exception as error:  # any failure counts as refusal
        return {"error": True, "why": f"{type(error).__name__}: {error}"[:120]}


def lines(cases):
    before = {}
    for case in cases:
        template, context = (case, {}) if isinstance(case, str) else case
        given = {"template": template, "context": context}
        entry = {key: value for key, value in given.items() if before.get(key) != value}
        yield json.dumps({**entry, **outcome(template, context)}, ensure_ascii=False)
        before = given


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    stale = []
    for source in sorted(DATA.glob("*.py")):
        text = "\n".join(lines(runpy.run_path(str(source))["CASES"])) + "\n"
        target = source.with_suffix(".jsonl")
        if check:
            stale += [] if target.exists() and target.read_text() == text else [target.name]
        else:
            target.write_text(text)
            print(f"{target.name}: {text.count(chr(10))} cases")
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; run tools/jinja_differential.py")


if __name__ == "__main__":
    main()
