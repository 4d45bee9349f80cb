"""The Berkeley Function-Calling Leaderboard's rules for Python cases: whether calls are the expected ones."""
import json
import re

TYPES = {"string": str, "integer": int, "float": float, "boolean": bool, "array": list, "tuple": list, "dict": dict,
         "any": str}


def plain(text):
    """Strings are compared without blanks, punctuation and case."""
    return re.sub(r"[ \,\.\/\-\_\*\^]", "", text).lower().replace("'", '"')


def same(value, wanted):
    if isinstance(value, str) and isinstance(wanted, str):
        return plain(value) == plain(wanted)
    if isinstance(value, list) and isinstance(wanted, list):
        return len(value) == len(wanted) and all(same(a, b) for a, b in zip(value, wanted))
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return value == wanted


def dict_fits(value, answers):
    """`answers`: objects whose members are lists of acceptable values."""
    for answer in answers:
        if not isinstance(answer, dict) or any(key not in answer for key in value):
            continue
        if all(any(same(item, one) for one in answer[key]) for key, item in value.items()) and \
                all(key in value or "" in choices for key, choices in answer.items()):
            return True
    return False


def of_type(value, schema, answers, nested=True):
    wanted = TYPES.get(schema.get("type"), str)
    if isinstance(value, bool) != (wanted is bool):
        fits = False
    elif wanted is float:
        fits = isinstance(value, (int, float))
    else:
        fits = isinstance(value, wanted)
    if fits and wanted is list and nested and isinstance(schema.get("items"), dict):
        return any(not isinstance(one, list) or all(of_type(item, schema["items"], one, False) for item in value)
                   for one in answers)
    # What the answers have in another type is a variable's name or the like.
    return fits or any(type(value) is type(one) for one in answers if one != "")


def argument_fits(value, schema, answers):
    if not of_type(value, schema, answers):
        return False
    if isinstance(value, dict):
        return dict_fits(value, answers)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return any(isinstance(one, list) and len(one) == len(value) and
                   all(dict_fits(item, [wanted]) for item, wanted in zip(value, one)) for one in answers)
    return any(same(value, one) for one in answers)


def call_fits(call, function, answer):
    """`call`: (name, arguments); `answer`: {name: {argument: acceptable values}}."""
    [(name, wanted)] = answer.items()
    if call[0] not in (name, name.replace(".", "_")) or not isinstance(call[1], dict):
        return False
    schema = function["parameters"]
    properties = schema.get("properties", {})
    if any(key not in call[1] for key in schema.get("required", [])):
        return False
    for key, value in call[1].items():
        if key not in properties or key not in wanted or not argument_fits(value, properties[key], wanted[key]):
            return False
    return all(key in call[1] or "" in choices for key, choices in wanted.items())


def is_right(case, calls):
    """Whether the calls of an answer, as (name, arguments), are those that the case expects."""
    category = case["category"]
    if "irrelevance" in category:
        return not calls
    if "relevance" in category:
        return bool(calls)
    answers = case["ground_truth"]
    functions = {function["name"]: function for function in case["function"]}
    if len(calls) != len(answers):
        return False
    left = list(calls)
    for answer in answers:
        [name] = answer
        match = next((call for call in left if call_fits(call, functions[name], answer)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def calls_in_text(text):
    """Calls that a server leaves in an answer's text: JSON objects with a name and arguments, read tolerantly."""
    decoder = json.JSONDecoder()
    calls, at = [], 0
    while (at := text.find("{", at)) >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            at += 1
            continue
        if isinstance(value, dict) and isinstance(value.get("name"), str):
            arguments = value.get("arguments", value.get("parameters"))
            if isinstance(arguments, dict):
                calls.append((value["name"], arguments))
        at = end
    return calls
