"""What test_openapi.py changes in the requests that schemathesis makes up: where their types allow it they name the model
that is there, roles, parts and the like that there are, and ask for short answers, so that those which are right reach the
engine and are done in time. A line an answer, its path and status, goes to the file AQUILON_TEST_ANSWERS."""
import os

import schemathesis

MOST = {"max_tokens": 2, "max_completion_tokens": 2, "max_output_tokens": 2, "n": 2}
LENGTHS = {"/messages": "max_tokens", "/responses": "max_output_tokens", "/completions": "max_tokens"}


def name_what_there_is(message):
    if not isinstance(message, dict):
        return
    if isinstance(message.get("role"), str):
        message["role"] = "user"
    parts = message.get("content")
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and isinstance(part.get("type"), str):
            part["type"] = "text"


def fill_what_is_empty(body):
    """What the types allow and the server refuses as empty."""
    if body.get("messages") == []:
        body["messages"] = [{"role": "user", "content": "a"}]
    if body.get("stop") == "":
        body["stop"] = "a"
    if body.get("reasoning_effort"):
        body["reasoning_effort"] = "none"
    prediction = body.get("prediction")
    if isinstance(prediction, dict) and isinstance(prediction.get("type"), str):
        prediction["type"] = "content"


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict):
        return
    if isinstance(body.get("model"), str):
        body["model"] = os.environ["AQUILON_TEST_MODEL"]
    fill_what_is_empty(body)
    for message in body["messages"] if isinstance(body.get("messages"), list) else []:
        name_what_there_is(message)
    for end, name in LENGTHS.items():
        if case.operation.path.endswith(end) and body.get(name) is None:
            body[name] = MOST[name]
    for name, most in MOST.items():
        if isinstance(body.get(name), (int, float)) and body[name] > most:
            body[name] = most


@schemathesis.hook
def after_call(context, case, response):
    with open(os.environ["AQUILON_TEST_ANSWERS"], "a", encoding="utf-8") as answers:
        answers.write(f"{case.operation.path} {response.status_code}\n")
