"""docs/API.md's blocks, from the program's own description of its API (aquilon --print-openapi)."""
import json
import subprocess


def type_name(schema):
    """A schema as docs write it: `string \\| [message]`; null is left out."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " \\| ".join(name for name in map(type_name, schema["anyOf"]) if name != "null")
    kinds = schema.get("type", "any")
    kind = next(k for k in kinds if k != "null") if isinstance(kinds, list) else kinds
    return f"[{type_name(schema['items'])}]" if kind == "array" and "items" in schema else kind


def field_row(name, schema, required):
    if "enum" in schema:
        neutral = ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"] if value is not None)
        return f"| `{name}` | | | not supported{f'; only {neutral} is accepted' if neutral else ''} |"
    limits = f"{schema['minimum']} to {schema['maximum']}" if "maximum" in schema else ""
    meaning = schema.get("description", "") + (" (required)" if required else "")
    return f"| `{name}` | {type_name(schema)} | {limits} | {meaning} |"


def fields_table(schema):
    rows = ["| field | type | range | meaning |", "|---|---|---|---|"]
    required = schema.get("required", [])
    return "\n".join(rows + [field_row(n, s, n in required) for n, s in schema["properties"].items()])


def routes_table(document):
    rows = ["| route | what | body | answer | events |", "|---|---|---|---|---|"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody")
            content = operation["responses"]["200"]["content"]
            event = content.get("text/event-stream", {}).get("schema")
            whole = content.get("application/json") or content["text/plain"]
            named = [body["content"]["application/json"]["schema"] if body else None, whole["schema"],
                     event and event["properties"]["data"]["anyOf"][0]["contentSchema"]]
            cells = [type_name(schema).removeprefix("Azure") if schema else "" for schema in named]
            key = "" if "security" in operation else " 🔑"
            rows.append(f"| `{method.upper()} {path}`{key} | {operation['summary']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def api_blocks(program):
    text = subprocess.run([program, "--print-openapi"], capture_output=True, text=True, check=True).stdout
    document = json.loads(text)
    schemas = document["components"]["schemas"]
    # Azure's bodies are the same but for `model`; answers are for programs to read, in /openapi.json.
    bodies = [name for name in schemas if name.endswith("Request") and not name.startswith("Azure")]
    nested = [name for name in schemas if name[0].islower()]
    return {"routes": routes_table(document),
            "bodies": "\n\n".join(f"### {name}\n\n{fields_table(schemas[name])}" for name in bodies + nested)}
