"""The table of bench/compare_serving.sh.

usage: serving_table.py RAW.jsonl COMMIT MODEL SHARED_MODEL SETTINGS
"""
import datetime
import json
import pathlib
import statistics
import sys

# name in the results, heading, True where more is better
LOAD_ROWS = (("median_ttft_ms", "TTFT, median, ms", False), ("p99_ttft_ms", "TTFT, p99, ms", False),
             ("median_itl_ms", "ITL, median, ms", False), ("p99_itl_ms", "ITL, p99, ms", False),
             ("mean_tpot_ms", "TPOT, mean, ms", False), ("output_throughput", "answer tokens/s", True),
             ("request_goodput", "good requests/s", True))
JOIN_ROWS = (("normal_itl_ms", "normal step, ms", False), ("max_itl_ms", "largest gap, ms", False),
             ("max_itl_steps", "largest gap, in normal steps", False), ("ttft_ms", "its first token, ms", False))
SHARED_ROWS = (("first_shared_ttft_ms", "first request's first token, ms", False),
               ("later_shared_ttft_ms", "later ones', ms", False), ("speedup", "times sooner", True))
OURS, THEIRS = "aquilon", "llama-server"


def values(results, side, name):
    """By repetition, the median of a repetition's own values."""
    out = {}
    for result in results:
        if result["side"] != side:
            continue
        found = [row[name] for row in result["joins"]] if "joins" in result else [result[name]] if result.get(name) is not None else []
        if found:
            out[result["repetition"]] = statistics.median(found)
    return out


def row(test, heading, more, ours, theirs):
    """A row with the ratio of speeds, ours to theirs: above 1 is better, repetition by repetition."""
    if not ours or not theirs:
        return f"| {test} | {heading} | not measured | | |"
    pairs = [(ours[i], theirs[i]) for i in ours if i in theirs]
    ratios = [(a / b if more else b / a) for a, b in pairs if a > 0 and b > 0]
    ratio = f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
    a, b = (statistics.median(side.values()) for side in (ours, theirs))
    return f"| {test} | {heading} | {a:.4g} | {b:.4g} | {ratio} |"


def complete(result):
    if result.get("later_shared_ttft_ms"):
        result["speedup"] = result["first_shared_ttft_ms"] / result["later_shared_ttft_ms"]
    return result


def failures(results):
    for result in results:
        if result.get("failed", 0) or result.get("cut_short", 0):
            yield (f"- {result['test']}, {result['side']}, repetition {result['repetition']}: {result['failed']} failed, "
                   f"{result.get('cut_short', 0)} cut short {json.dumps(result.get('error_counts', {}))}")


def table(results):
    lines = ["| test | | Aquilon | llama-server | ours better by (least to largest) |", "|---|---|---|---|---|"]
    for test in dict.fromkeys(result["test"] for result in results):
        of_test = [result for result in results if result["test"] == test]
        rows = JOIN_ROWS if test == "join" else SHARED_ROWS if test == "shared" else LOAD_ROWS
        lines += [row(test, heading, more, values(of_test, OURS, name), values(of_test, THEIRS, name)) for name, heading, more in rows]
    return lines


def processor():
    names = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0]}, {len(names)} processors" if names else "unknown processor"


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    path, commit, model, shared_model, settings = sys.argv[1:]
    results = [complete(json.loads(line)) for line in pathlib.Path(path).read_text().splitlines()]
    loads = next((result for result in results if "random_output_len" in result and "joins" not in result), {})
    print(f"# Aquilon and llama-server under load, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}\n")
    print(f"Commit {commit}; {processor()}. {model}; shared prompt: {shared_model}. Loads: {loads.get('random_input_len')} tokens asked, "
          f"{loads.get('random_output_len')} answered. llama-server: {settings}.")
    print(f"Medians of {max(result['repetition'] for result in results)} repetitions in turn; a good request keeps the bounds that the "
          "command line says.\n")
    print("\n".join(table(results)))
    bad = list(failures(results))
    print("\nFailed or cut short: " + ("none." if not bad else ""))
    print("\n".join(bad))


if __name__ == "__main__":
    main()
