#!/usr/bin/env python3
"""Calls of functions by any server that speaks OpenAI's chat completions, by the leaderboard's rules (call_scores.py).

usage: function_calling.py --url URL --data FOLDER [--model NAME] [--cases N] [--skip N] [--categories A,B]
                           [--choice auto,required] [--strict unset,true,false] [--tolerant] [--system TEXT]
                           [--clients N] [--out FILE] [--label TEXT]

FOLDER has a file CATEGORY.jsonl for each category, with id, question, function, tools and ground_truth.
--cases     of each category the N shortest prompts (12)
--skip      behind so many shorter ones (0)
--strict    what each tool says of its schema: nothing, true or false
--tolerant  an answer without calls has those that its text holds; --out has both figures either way
--system    a system message in front of each case
--clients   cases that are asked together (1)
--out       one line of JSON for each run of a category is added to this file, and one for each case to FILE.cases
Only Python's standard library; with the package jsonschema, arguments are checked against their schemas as well.
"""
import argparse
import concurrent.futures
import json
import pathlib
import time
import urllib.error
import urllib.request

from call_scores import calls_in_text, is_right

try:
    import jsonschema
except ImportError:
    jsonschema = None

CATEGORIES = ["simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance", "live_simple", "live_multiple",
              "live_parallel", "live_parallel_multiple", "live_irrelevance", "live_relevance"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--model", default="")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--categories", default=",".join(CATEGORIES))
    parser.add_argument("--choice", default="auto,required")
    parser.add_argument("--strict", default="unset")
    parser.add_argument("--system", default="")
    parser.add_argument("--tolerant", action="store_true")
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--label", default="")
    return parser.parse_args()


def post(url, body):
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(),
                                     {"content-type": "application/json", "authorization": "Bearer none"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=1200) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.code}: {error.read().decode(errors='replace')[:2000]}") from None


def first_model(url):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{url}/v1/models", timeout=60) as answer:
        return json.load(answer)["data"][0]["id"]


def shortest(folder, category, skip, count):
    cases = [json.loads(line) for line in (folder / f"{category}.jsonl").read_text().splitlines()]
    cases.sort(key=lambda case: (len(json.dumps([case["question"], case["tools"]])), case["id"]))
    return cases[skip:skip + count]


def tools_of(case, strict):
    tools = json.loads(json.dumps(case["tools"]))
    for tool in tools:
        if strict != "unset":
            tool["function"]["strict"] = strict == "true"
    return tools


def messages_of(case, system):
    messages = [message for turn in case["question"] for message in turn]
    if system and messages[0]["role"] == "system":
        messages[0] = {"role": "system", "content": messages[0]["content"] + "\n\n" + system}
    elif system:
        messages.insert(0, {"role": "system", "content": system})
    return messages


def read_calls(message):
    calls = []
    for call in message.get("tool_calls") or []:
        try:
            calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
        except ValueError:
            calls.append((call["function"]["name"], None))
    return calls


def fits_schema(call, case):
    tools = {tool["function"]["name"]: tool["function"] for tool in case["tools"]}
    if call[0] not in tools or not isinstance(call[1], dict):
        return False
    schema = tools[call[0]].get("parameters", {})
    if jsonschema is None:
        return all(key in call[1] for key in schema.get("required", []))
    return not any(jsonschema.Draft202012Validator(schema).iter_errors(call[1]))


def ask(options, case, choice, strict):
    """One case: what the answer has, as a line of FILE.cases."""
    answer = post(options.url, {
        "model": options.model, "messages": messages_of(case, options.system), "temperature": 0,
        "max_tokens": options.max_tokens, "tools": tools_of(case, strict), "tool_choice": choice})
    [one] = answer["choices"]
    told = read_calls(one["message"])
    found = told or calls_in_text(one["message"].get("content") or "")
    calls = found if options.tolerant else told
    return {"id": case["id"], "choice": choice, "strict": strict, "right": is_right(case, calls),
            "told_right": is_right(case, told), "tolerant_right": is_right(case, found), "calls": calls,
            "valid": sum(fits_schema(call, case) for call in calls), "text": one["message"].get("content"),
            "finish": one["finish_reason"], "tokens": answer["usage"]["completion_tokens"]}


def run(options, category, choice, strict):
    cases = shortest(options.data, category, options.skip, options.cases)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
        details = list(pool.map(lambda case: ask(options, case, choice, strict), cases))
    seconds = round(time.monotonic() - begin, 1)
    row = {"label": options.label, "model": options.model, "category": category, "choice": choice, "strict": strict,
           "cases": len(cases)}
    row |= {key: sum(detail[key] for detail in details) for key in ("right", "told_right", "tolerant_right", "valid", "tokens")}
    row |= {"calls": sum(len(detail["calls"]) for detail in details),
            "cut": sum(detail["finish"] == "length" for detail in details), "seconds": seconds}
    return row, details


def main():
    options = arguments()
    options.url = options.url.rstrip("/").removesuffix("/v1")
    options.model = options.model or first_model(options.url)
    for choice in options.choice.split(","):
        for strict in options.strict.split(","):
            for category in options.categories.split(","):
                if choice != "auto" and "relevance" in category:
                    continue  # it asks whether there is a call at all
                row, details = run(options, category, choice, strict)
                print(f"{choice:8} strict {strict:5} {category:22} {row['right']:3} of {row['cases']:3} right, "
                      f"{row['valid']:3} of {row['calls']:3} calls valid, {row['cut']} cut, {row['seconds']:6.1f} s",
                      flush=True)
                if options.out:
                    with options.out.open("a") as out:
                        out.write(json.dumps(row) + "\n")
                    with pathlib.Path(f"{options.out}.cases").open("a") as out:
                        out.writelines(json.dumps(detail | {"label": options.label, "category": category}) + "\n"
                                       for detail in details)


if __name__ == "__main__":
    main()
