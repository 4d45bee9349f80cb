"""Rows of bench/function_calling.py as tables, for bench/compare_calls.sh.

usage: calls_table.py COMMIT FILE.jsonl
"""
import json
import sys


def row_of(name, rows, categories, key):
    """One line: right answers by category, then what holds for all of them."""
    of = {row["category"]: row for row in rows}
    cells = [f"{of[category][key]} of {of[category]['cases']}" if category in of else "" for category in categories]
    calls = sum(row["calls"] for row in rows)
    told = key == "told_right"
    valid = f"{sum(row['valid'] for row in rows)} of {calls}" if told and calls else ""
    cut = sum(row["cut"] for row in rows)
    return f"| {name} | " + " | ".join(cells) + f" | {valid} | {cut} |"


def main():
    commit, path = sys.argv[1:]
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    categories = list(dict.fromkeys(row["category"] for row in rows))
    print("# Calls of functions, Aquilon and llama-server\n")
    print(f"Commit {commit}; `bench/compare_calls.sh`. Right answers by the leaderboard's rules; of each category the shortest cases, "
          "at temperature 0. Valid: calls whose arguments fit their schemas. Cut: answers that ran into 256 tokens.")
    models = list(dict.fromkeys(row["label"].split(", ")[1] for row in rows))
    for model in models:
        print(f"\n## {model}\n\n| | {' | '.join(categories)} | valid | cut |")
        print("|---" * (len(categories) + 3) + "|")
        mine = [row for row in rows if row["label"].endswith(model)]
        for group in dict.fromkeys((row["label"], row["choice"], row["strict"]) for row in mine):
            label, choice, strict = group
            side = label.split(", ")[0]
            of_group = [row for row in mine if (row["label"], row["choice"], row["strict"]) == group]
            name = f"{side}, `{choice}`" + ("" if strict == "unset" else f", `strict` {strict}")
            print(row_of(name, of_group, categories, "told_right"))
            if side != "aquilon":
                print(row_of(name + ", its text read for calls", of_group, categories, "tolerant_right"))


if __name__ == "__main__":
    main()
