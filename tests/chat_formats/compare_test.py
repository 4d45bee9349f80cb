"""Compares the prompts of `aquilon tokenize --chat` with those of the PyPI package mistral-common, id for id.

    compare_test.py AQUILON [CONVERSATIONS]       (200 a version, by a fixed seed)

Vocabularies: the SentencePiece files and the tekken.json that the package carries; for later versions the
latter with the special tokens that their files list. Exit status 77: the package is not installed.
"""

import json
import pathlib
import random
import string
import subprocess
import sys
import tempfile

try:
    import mistral_common
    from mistral_common.exceptions import MistralCommonException
    from mistral_common.protocol.fim.request import FIMRequest
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
except ImportError as error:
    print(f"skipped: needs the PyPI package mistral-common ({error})")
    sys.exit(77)

DATA = pathlib.Path(mistral_common.__file__).parent / "data"
SPM = {"v1": "tokenizer.model.v1", "v2": "mistral_instruct_tokenizer_240216.model.v2",
       "v3": "mistral_instruct_tokenizer_240323.model.v3", "v7": "mistral_instruct_tokenizer_241114.model.v7"}
SPECIAL = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
           "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]",
           "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
LATER = {24: "[AUDIO]", 25: "[BEGIN_AUDIO]", 32: "[ARGS]", 33: "[CALL_ID]", 34: "[THINK]", 35: "[/THINK]",
         36: "[MODEL_SETTINGS]", 37: "[/MODEL_SETTINGS]"}
SETTINGS = {"reasoning_effort": {"type": "enum", "accepts_none": True, "values": ["none", "high"], "default": "none"}}

TEXTS = ["Hello", " leading", "trailing  ", "été naïve Straße", "你好世界", "😀👍🏽", "a\n\nb", "\t tab", "x", "{\"a\": 1}",
         "[INST] injected [/INST]", "</s><s>", "[TOOL_CALLS][{}]", "[THINK]no[/THINK]", "def f(x):\n    return x",
         "It's 12,345.67!", "▁low▁line", "\u00a0nbsp", "e\u0301", "[REF]", "[REFERENCE_DOC_3] said", "  "]
ARGUMENTS = ['{"a": 1}', '{}', '', '{"b":[1,2.50,1e3,-0.0,true,null],"c":{"d":"é\\u00e9\\n"}}', '{"a":1,"a":2}', 'not json',
             '"text"', '[1, 2]', '{"n": 123456789012345678901234567890}', '{"s":"\\ud83d\\ude00"}', '  {"x" : "y"}  ']
RESULTS = ARGUMENTS + ["22", "plain result", "line\nline", "été", "[1,2", "true"]
SCHEMAS = [{}, {"type": "object", "properties": {"z": {"type": "string", "description": "é"}, "a": {"type": "integer"}},
                "required": ["z"]}, {"type": "object", "properties": {"x": {"type": "number", "minimum": 1.5, "maximum": 1e20}}}]


class Maker:
    def __init__(self, version, seed):
        self.rng = random.Random(f"{version} {seed}")
        self.version = version
        self.number = int(version[1:].split("-")[0])

    def text(self):
        return " ".join(self.rng.choice(TEXTS) for _ in range(self.rng.randrange(1, 4)))

    def identity(self):
        return "".join(self.rng.choice(string.ascii_letters + string.digits) for _ in range(9))

    def content(self, thinking=False):
        if thinking and self.rng.random() < 0.5:
            chunk = {"type": "thinking", "thinking": self.text(), "closed": self.rng.random() < 0.8}
            return [chunk] + [{"type": "text", "text": self.text()} for _ in range(self.rng.randrange(3))]
        if self.rng.random() < 0.25:
            return [{"type": "text", "text": self.rng.choice([self.text(), ""])} for _ in range(self.rng.randrange(1, 4))]
        return self.text()

    def system(self):
        return {"role": "system", "content": self.content(self.number == 13)}

    def call(self):
        return {"id": self.identity(), "type": "function",
                "function": {"name": self.rng.choice(["f", "get_weather", "a-b"]), "arguments": self.rng.choice(ARGUMENTS)}}

    def exchange(self):
        """A call or several, and their results in any order."""
        calls = [self.call() for _ in range(1 if self.number == 2 else self.rng.randrange(1, 4))]
        said = {"role": "assistant", "tool_calls": calls}
        said["content"] = self.content() if self.number >= 7 and self.rng.random() < 0.4 else ""
        results = [{"role": "tool", "tool_call_id": c["id"], "name": c["function"]["name"],
                    "content": self.rng.choice(RESULTS)} for c in calls]
        self.rng.shuffle(results)
        return [said, *results]

    def answer(self):
        return {"role": "assistant", "content": self.content(self.number >= 13)}

    def conversation(self):
        rng, tools = self.rng, self.number >= 2
        messages = [self.system() for _ in range(rng.choice([0, 0, 1, 2]))]
        for turn in range(rng.randrange(1, 4)):
            if turn:
                messages.append(self.answer())
            messages += [{"role": "user", "content": self.content()} for _ in range(rng.choice([1, 1, 1, 2]))]
            if rng.random() < 0.1:
                messages += [self.system(), {"role": "user", "content": self.content()}]
            if tools and rng.random() < 0.4:
                for _ in range(rng.randrange(1, 3)):
                    messages += self.exchange()
        if rng.random() < 0.2:
            messages.append({**self.answer(), "prefix": True})
        request = {"messages": messages}
        if tools and rng.random() < 0.5:
            request["tools"] = [{"type": "function", "function": {
                "name": f"tool{i}", "description": self.text(), "parameters": rng.choice(SCHEMAS)}} for i in range(rng.randrange(1, 3))]
        if self.number >= 15:
            request["reasoning_effort"] = rng.choice([None, "none", "high"])
        return request


def tekken_file(folder, version):
    data = json.loads((DATA / "tekken_240718.json").read_text(encoding="utf-8"))
    data["config"]["version"] = version
    if version not in ("v3", "v7"):
        names = [LATER.get(i, SPECIAL[i] if i < len(SPECIAL) else f"<SPECIAL_{i}>") for i in range(1000)]
        data["special_tokens"] = [{"rank": i, "token_str": name, "is_control": True} for i, name in enumerate(names)]
    if version == "v15":
        data["model_settings_builder"] = SETTINGS
    path = pathlib.Path(folder) / f"tekken-{version}.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def accepted(reference, maker, count):
    """Requests that mistral-common takes, with its ids."""
    made, refused = [], 0
    while len(made) < count:
        request = maker.conversation()
        try:
            made.append((request, reference.encode_chat_completion(ChatCompletionRequest(**json.loads(json.dumps(request)))).tokens))
        except (MistralCommonException, ValueError, AssertionError) as error:
            refused += 1
            if refused > 20 * count:
                sys.exit(f"mistral-common refuses nearly all: {error}")
    return made


def fim(reference, maker, count):
    for _ in range(count):
        request = {"prompt": maker.text(), "suffix": maker.rng.choice(["", maker.text()])}
        yield request, reference.encode_fim(FIMRequest(**request)).tokens


def ours(aquilon, path, version, requests):
    lines = []
    for request in requests:
        request = dict(request)
        effort = request.pop("reasoning_effort", None)
        if effort:
            request["chat_template_kwargs"] = {"reasoning_effort": effort}
        lines.append(json.dumps(request))
    command = [aquilon, "tokenize", "--model", str(path), "--chat", "--chat-format", f"mistral-{version.split('-')[0]}"]
    out = subprocess.run(command, input="\n".join(lines).encode() + b"\n", stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def compare(aquilon, path, version, count):
    reference = MistralTokenizer.from_file(str(path))
    maker = Maker(version, 1)
    pairs = accepted(reference, maker, count)
    if version not in ("v1", "v2"):
        pairs += fim(reference, maker, 20)
    answers = ours(aquilon, path, version, [request for request, _ in pairs])
    assert len(answers) == len(pairs), f"{version}: {len(answers)} answers for {len(pairs)} requests"
    wrong = 0
    for (request, want), got in zip(pairs, answers):
        if got == want:
            continue
        wrong += 1
        if wrong <= 3:
            at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), 0) if isinstance(got, list) else 0
            print(f"{version}: {json.dumps(request, ensure_ascii=False)[:1000]}\n  from id {at} on ours "
                  f"{got[at:at + 8] if isinstance(got, list) else got}, theirs {want[at:at + 8]}")
    print(f"{version}: {len(pairs)} prompts, {wrong} differ", flush=True)
    return wrong


def main():
    aquilon, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for version in ("v1", "v2", "v3", "v3-tekken", "v7", "v7-tekken", "v11", "v13", "v15"):
            path = DATA / SPM[version] if version in SPM else tekken_file(folder, version.split("-")[0])
            wrong += compare(aquilon, path, version, count)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
