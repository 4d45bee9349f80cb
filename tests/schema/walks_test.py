"""Random answers under the masks, judged by the PyPI package jsonschema: all come to an end or may go
on, and every one that ended is valid. usage: walks_test.py AQUILON [FOLDER_OR_FILE [TOKENIZER [WALKS]]]"""
import decimal
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
    from jsonschema.validators import validator_for
except ImportError:
    print("skipped: the package jsonschema is not installed")
    sys.exit(77)



def exact(text):
    """Whole numbers digit by digit: as doubles, large ones are no multiples of what they were."""
    if "e" in text.lower():
        return float(text)
    number = decimal.Decimal(text)
    return int(number) if number == number.to_integral_value() else float(text)


ROOT = pathlib.Path(__file__).resolve().parents[2]
program = sys.argv[1]
source = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "tests/data/json_schema/schemas.jsonl")
tokenizer = sys.argv[3] if len(sys.argv) > 3 else ""
count = int(sys.argv[4]) if len(sys.argv) > 4 else 10

failed = walks = unfinished = refused = 0
for path in sorted(source.glob("*.jsonl")) if source.is_dir() else [source]:
    command = [program, "schema", "check", "--jsonl", str(path), "--walks", str(count), "--split", "7"]
    if tokenizer:
        command += ["--tokenizer", tokenizer]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for given, line in zip(path.read_text().splitlines(), lines, strict=True):
        entry, answer = json.loads(given), json.loads(line)
        if "refused" in answer:
            refused += 1
            continue
        wrong = [i for i, test in enumerate(entry.get("tests", [])) if answer["tests"][i] != test["valid"]]
        schema = entry["schema"]
        kind = validator_for(schema, default=jsonschema.Draft202012Validator)
        validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
        bad = []
        for text in answer["walks"]:
            walks += 1
            if text is None:
                unfinished += 1
            elif text.startswith("!"):
                bad.append("no token may follow: " + text[-300:])
            else:
                problem = next(validator.iter_errors(json.loads(text, parse_float=exact)), None)
                if problem is not None:
                    bad.append(f"{problem.message[:200]}: {text[:300]}")
        if bad or wrong:
            failed += 1
            print(f"{entry['id']}: instances {wrong} judged wrong" if wrong else entry["id"], *bad, sep="\n  ")
print(f"{walks} walks, {unfinished} not ended, {refused} schemas refused, {failed} with failures")
sys.exit(bool(failed) or unfinished * 5 > walks)
