"""usage: soak.py AQUILON EVAL_FOLDER ITEMS   See ../lm_eval_soak.sh.

The harness runs in a process of its own, as a user would start it; its log of samples has the log-probability of every
choice, which `aquilon logits` then computes from the same ids."""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/clients"))
from server_for_test import Server, default_model  # noqa: E402

TASKS = ("arc_easy_copy", "hellaswag_copy")
CHECKED = 25  # items a task that are computed again
# Sums of up to a hundred numbers that the server writes as float32.
TOLERANCE = 1e-4


def run_harness(url, evaluation, items, folder):
    for name in TASKS:
        text = (ROOT / f"bench/lm_eval/{name}.yaml").read_text()
        (folder / f"{name}.yaml").write_text(text.replace("@EVAL@", evaluation))
    model = f"model=azureai,base_url={url}/v1/completions,num_concurrent=4,max_length=2048"
    with open(ROOT / "build/logs/soak-lm_eval.log", "a", encoding="utf-8") as log:
        subprocess.run([sys.executable, "-m", "lm_eval", "run", "--model", "local-completions", "--model_args", model,
                        "--tasks", ",".join(TASKS), "--include_path", folder, "--limit", str(items), "--log_samples",
                        "--output_path", folder / "out"], check=True, stdout=log, stderr=log,
                       env=os.environ | {"HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"})
    [results] = folder.glob("out/**/results_*.json")
    samples = {}
    for name in TASKS:
        [path] = folder.glob(f"out/**/samples_{name}_*.jsonl")
        samples[name] = [json.loads(line) for line in path.read_text().splitlines()]
    return json.loads(results.read_text())["results"], samples


class Logits:
    """Log-probabilities of continuations, from ids, by a process of `aquilon logits` each."""

    def __init__(self, program, model, url, folder):
        self.command = [program, "logits", "--model", model, "--out", folder / "logits.bin", "--ids"]
        self.out, self.url = folder / "logits.bin", url

    def ids(self, text):
        body = json.dumps({"prompt": text, "add_special_tokens": False}).encode()
        request = urllib.request.Request(self.url + "/tokenize", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["tokens"]

    def of(self, context, continuation):
        """The harness's own split: spaces at the context's end belong to the continuation."""
        spaces = len(context) - len(context.rstrip())
        if spaces:
            context, continuation = context[:-spaces], context[-spaces:] + continuation
        ids, begin = self.ids(context + continuation), len(self.ids(context))
        subprocess.run([*self.command, ",".join(map(str, ids))], check=True, stdout=subprocess.DEVNULL)
        rows = numpy.fromfile(self.out, "<f4").astype(float).reshape(len(ids), -1)
        total = 0.0
        for at in range(begin, len(ids)):
            row = rows[at - 1]
            highest = row.max()
            total += row[ids[at]] - highest - math.log(numpy.exp(row - highest).sum())
        return total


def compare(samples, logits):
    """The number of choices computed again, and the largest difference."""
    count, worst = 0, 0.0
    for sample in samples[:CHECKED]:
        for argument, answer in zip(sample["arguments"].values(), sample["resps"]):
            own = logits.of(argument["arg_0"], argument["arg_1"])
            worst = max(worst, abs(own - float(answer[0][0])))
            count += 1
    return count, worst


def main():
    program, evaluation, items = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2], int(sys.argv[3])
    model = default_model(program)
    server = Server(program, "--model", model, "--ctx", "2048", "--parallel", "4", "--kv-type", "f32")
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            start = time.monotonic()
            results, samples = run_harness(server.url, evaluation, items, folder)
            seconds = time.monotonic() - start
            logits = Logits(program, model, server.url, folder)
            compared = {name: compare(samples[name], logits) for name in TASKS}
        server.stop()
    finally:
        server.process.kill()
    print(f"lm-evaluation-harness asked {items} items of each task in {seconds:.0f} s (`local-completions`, 4 at once, ids of "
          "the server's own `/tokenize`), zero-shot. `serve --kv-type f32`, as `logits` has it.\n")
    print("| task | acc | acc_norm | choices computed again | largest difference of a log-probability |\n|---|---|---|---|---|")
    for name in TASKS:
        count, worst = compared[name]
        print(f"| {name} | {results[name]['acc,none']:.3f} | {results[name]['acc_norm,none']:.3f} | {count} | {worst:.1e} |")
    return 1 if any(worst > TOLERANCE for _, worst in compared.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
