# Templates written for this project in the manner of the published families, over whole conversations.
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather of a \"city\" <b>é</b>",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Name"}, "days": {"type": "integer", "default": 3},
                       "unit": {"type": "string", "enum": ["c", "f"]}, "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["city"]}}}


def call(number, arguments):
    return {"id": f"abcdefgh{number}", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def message(role, content, **more):
    return {"role": role, "content": content, **more}


CONVERSATIONS = [
    ([message("user", "Hello!")], None),
    ([message("system", " Be terse. "), message("user", "Hi"), message("assistant", "Hello."), message("user", " Who? \n")], None),
    ([message("user", "Hi"), message("assistant", "<think>\nhm\n</think>\n\nHello."), message("user", "More")], None),
    ([message("user", [{"type": "text", "text": "one"}, {"type": "image"}, {"type": "text", "text": " two "}])], None),
    ([message("user", "Weather?")], [TOOL]),
    ([message("system", "Sys"), message("user", "Weather?"), message("assistant", "", tool_calls=[call(0, {"city": "Paris", "days": 2.5, "x": None})]),
      message("tool", "18 °C", tool_call_id="abcdefgh0", name="get_weather")], [TOOL, TOOL]),
    ([message("user", "Both?"), message("assistant", None, tool_calls=[call(1, {"city": "Paris"}), call(2, {"city": "Rome"})]),
      message("tool", "18", tool_call_id="abcdefgh1"), message("tool", "25", tool_call_id="abcdefgh2"), message("assistant", "18 and 25."),
      message("user", "Thanks")], [TOOL]),
    ([message("user", "a"), message("user", "b")], None),
    ([message("assistant", "a"), message("user", "b")], None),
    ([], None),
]

TEMPLATES = {}
TEMPLATES["chatml"] = """{%- for m in messages -%}
<|im_start|>{{ m['role'] }}
{{ m['content'] }}<|im_end|>
{% endfor %}
{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}
"""
TEMPLATES["inst-strict"] = """{{ bos_token }}{% if messages and messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] | trim %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}
{%- for m in rest %}
{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant/...') }}{% endif %}
{%- if m['role'] == 'user' %}{{ '[INST] ' + (system + '\\n\\n' if loop.first and system is defined else '') + m['content'] + ' [/INST]' }}
{%- elif m['role'] == 'assistant' %}{{ ' ' ~ m.content | trim ~ eos_token }}
{%- else %}{{ raise_exception('Only user and assistant roles are known') }}{% endif %}
{%- endfor %}"""
TEMPLATES["inst-tools"] = """{%- if messages[0].role == "system" %}{%- set system_message = messages[0].content %}{%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(index=0) %}
{%- for m in loop_messages %}
    {%- if m.role == "user" or (m.role == "assistant" and not m.tool_calls) %}
        {%- if (m.role == "user") != (ns.index % 2 == 0) %}{{- raise_exception("After the optional system message, roles must alternate") }}{%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for m in loop_messages %}
    {%- if m.role == "user" %}
        {%- if tools is not none and m == user_messages[-1] %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}{%- else %}{{- '"' + key + '": ' + val | tojson }}{%- endif %}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
                {{- "}}" }}{%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}{{- "[INST] " + system_message + "\\n\\n" + m.content + "[/INST]" }}
        {%- else %}{{- "[INST] " + m.content + "[/INST]" }}{%- endif %}
    {%- elif m.tool_calls is defined and m.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for tool_call in m.tool_calls %}
            {%- set out = tool_call.function | tojson %}
            {{- out[:-1] }}
            {%- if tool_call.id is undefined or tool_call.id | length != 9 %}{{- raise_exception("Ids must be 9 characters long") }}{%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}{{- ", " if not loop.last else "]" + eos_token }}
        {%- endfor %}
    {%- elif m.role == "assistant" %}{{- " " + m.content | trim + eos_token }}
    {%- elif m.role in ["tool", "tool_results"] %}
        {%- if m.content is defined and m.content.content is defined %}{%- set content = m.content.content %}{%- else %}{%- set content = m.content %}{%- endif %}
        {{- '[TOOL_RESULTS] {"content": ' + content | string + ', "call_id": "' + m.tool_call_id + '"}[/TOOL_RESULTS]' }}
    {%- else %}{{- raise_exception("unknown role " + m.role) }}
    {%- endif %}
{%- endfor %}"""
TEMPLATES["inst-blocks"] = """{%- macro render_parts(content) -%}
    {%- if content is string -%}{{- content -}}
    {%- else -%}
        {%- for block in content | sort(attribute="type") -%}
            {%- if block.type == "text" -%}{{- block.text -}}{%- elif block["type"] in ["image", "image_url"] -%}[IMG]{%- else -%}{{- raise_exception("unknown block " ~ block.type) -}}{%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
{{- bos_token -}}
{%- set ns = namespace(tools_done=false) -%}
{%- for m in messages -%}
    {%- if m.role == "system" -%}[SYSTEM_PROMPT]{{- render_parts(m.content) -}}[/SYSTEM_PROMPT]
    {%- elif m.role == "user" -%}
        {%- if tools and not ns.tools_done -%}[AVAILABLE_TOOLS]{{- tools | tojson -}}[/AVAILABLE_TOOLS]{%- set ns.tools_done = true -%}{%- endif -%}
        [INST]{{- render_parts(m.content) -}}[/INST]
    {%- elif m.role == "assistant" -%}
        {%- if m.content -%}{{- render_parts(m.content) -}}{%- endif -%}
        {%- for c in m.tool_calls or [] -%}
            {%- set arguments = c.function.arguments -%}
            {%- if arguments is not string -%}{%- set arguments = arguments | tojson -%}{%- elif arguments == "" -%}{%- set arguments = "{}" -%}{%- endif -%}
            [TOOL_CALLS]{{- c.function.name -}}[ARGS]{{- arguments -}}
        {%- endfor -%}
        {{- eos_token -}}
    {%- elif m.role == "tool" -%}[TOOL_RESULTS]{{- m.content | string -}}[/TOOL_RESULTS]
    {%- endif -%}
{%- endfor -%}"""
TEMPLATES["header-date"] = """{{- bos_token }}
{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}
{%- if not tools_in_user_message is defined %}{%- set tools_in_user_message = true %}{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- endif %}
{%- if not tools is defined %}{%- set tools = none %}{%- endif %}
{#- The system message comes first. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}{{- "Environment: ipython\\n" }}{%- endif %}
{{- "Cutting Knowledge Date: December 2023\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- if tools_in_user_message and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user_message = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("Cannot put tools in the first user message when there is none!") }}
    {%- endif %}
    {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' -}}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user_message + "<|eot_id|>"}}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("Only single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}"""
TEMPLATES["thinking"] = """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system") %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
            {%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- '<tool_call>\\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}
            {%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (loop.previtem.role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}
        {%- if loop.last or (loop.nextitem.role != "tool") %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""
TEMPLATES["turns"] = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}{{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{'<start_of_turn>model\\n'}}{%- endif -%}
"""
TEMPLATES["bars"] = """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='', is_first_sp=true) %}{%- for message in messages %}{%- if message['role'] == 'system' %}{%- if ns.is_first_sp %}{% set ns.system_prompt = ns.system_prompt + message['content'] %}{% set ns.is_first_sp = false %}{%- else %}{% set ns.system_prompt = ns.system_prompt + '\\n\\n' + message['content'] %}{%- endif %}{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system_prompt }}{%- for message in messages %}{% set content = message['content'] %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{ '<|User|>' ~ (content if content is string else content | map(attribute='text', default='') | join(' ')) }}{%- endif %}{%- if message['role'] == 'assistant' %}{% if content is string and '</think>' in content %}{% set content = (content.split('</think>') | last) | trim %}{% endif %}{%- if 'tool_calls' in message and message['tool_calls'] %}{%- set ns.is_first = true -%}{%- for tool in message['tool_calls'] %}{{ ('<|Assistant|><|calls|>' if ns.is_first else '\\n') ~ tool['function']['name'] ~ '\\n```json\\n' ~ tool['function']['arguments'] | tojson ~ '\\n```' }}{%- set ns.is_first = false %}{%- endfor %}{{ '<|end|>' }}{%- else %}{{ '<|Assistant|>' + (content or '') + eos_token }}{%- endif %}{%- endif %}{%- if message['role'] == 'tool' %}{%- set ns.is_tool = true -%}{{ '<|output|>' + message['content'] + '<|end|>' }}{%- endif %}{%- endfor %}{% if add_generation_prompt and not ns.is_tool %}{{ '<|Assistant|>' }}{% endif %}"""
TEMPLATES["schema-macros"] = """{%- macro json_to_python_type(json_spec) %}
    {%- set basic_type_map = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"} %}
    {%- if basic_type_map[json_spec.type] is defined %}
        {{- basic_type_map[json_spec.type] }}
    {%- elif json_spec.type == "array" %}
        {{- "list[" + json_to_python_type(json_spec['items']) + "]" }}
    {%- elif json_spec.type == "object" %}
        {%- if json_spec.additionalProperties is defined %}{{- "dict[str, " + json_to_python_type(json_spec.additionalProperties) + ']' }}{%- else %}{{- "dict" }}{%- endif %}
    {%- elif json_spec.type is iterable and json_spec.type is not string %}
        {{- "Union[" }}{%- for t in json_spec.type %}{{- json_to_python_type({"type": t}) }}{%- if not loop.last %}{{- "," }}{%- endif %}{%- endfor %}{{- "]" }}
    {%- else %}
        {{- "Any" }}
    {%- endif %}
{%- endmacro %}
{{- bos_token }}{{- '<|im_start|>system\\nYou may call functions: <tools>' }}
{%- for tool in tools or [] %}
    {%- if tool.function is defined %}{%- set tool = tool.function %}{%- endif %}
    {{- '{"name": "' + tool.name + '", "description": "' }}{{- tool.name + '(' }}
    {%- for param_name, param_fields in tool.parameters.properties|items %}
        {{- param_name + ": " + json_to_python_type(param_fields) }}{%- if not loop.last %}{{- ", " }}{%- endif %}
    {%- endfor %}
    {{- ")" }}
    {%- if tool.return is defined %}{{- " -> " + json_to_python_type(tool.return) }}{%- endif %}
    {{- " - " + tool.description + "\\n\\n" }}
    {%- for param_name, param_fields in tool.parameters.properties|items %}
        {%- if loop.first %}{{- "    Args:\\n" }}{%- endif %}
        {{- "        " + param_name + "(" + json_to_python_type(param_fields) + "): " + (param_fields.description|default('')|trim) }}
        {%- if not loop.last %}{{- "\\n" }}{%- endif %}
    {%- endfor %}
    {{- '"' }}{{- ', "parameters": ' }}
    {%- if tool.parameters.properties | length == 0 %}{{- "{}" }}{%- else %}{{- tool.parameters|tojson }}{%- endif %}
    {{- "}" }}{%- if not loop.last %}{{- "\\n" }}{%- endif %}
{%- endfor %}
{{- " </tools><|im_end|>\\n" }}
{%- for message in messages %}
    {%- if message.role in ("user", "system") or (message.role == "assistant" and message.tool_calls is not defined) %}
        {{- '<|im_start|>' + message.role + '\\n' ~ message.content ~ '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- for tool_call in message.tool_calls %}
            {{- '\\n<tool_call>\\n' }}
            {%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
            {{- {"name": tool_call.name, "arguments": tool_call.arguments} | tojson }}
            {{- '\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.previtem and loop.previtem.role != "tool" %}{{- '<|im_start|>tool\\n' }}{%- endif %}
        {{- '<tool_response>\\n' }}{{- message.content }}
        {%- if not loop.last %}{{- '\\n</tool_response>\\n' }}{%- else %}{{- '\\n</tool_response>' }}{%- endif %}
        {%- if not loop.last and loop.nextitem.role != "tool" %}{{- '<|im_end|>' }}{%- elif loop.last %}{{- '<|im_end|>' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
TEMPLATES["documents"] = """{% macro document_turn(documents) -%}
{%- for doc in documents %}
Document: {{ loop.index0 }}
{%- for key, val in doc | dictsort %}
{% if key != 'id' %}{{ key | title }}: {{ val | indent(4) }}{% endif %}
{%- endfor %}
{% endfor %}
{%- endmacro %}
{%- set names = tools | default([], true) | map(attribute='function.name') | unique | join(', ') %}
{{- bos_token -}}<|START|>{{ messages | selectattr('role', 'eq', 'system') | map(attribute='content') | first | default('No preamble', true) | trim }}
{%- if names %} Tools: {{ names }}.{% endif %}
{%- if documents %}{{ document_turn(documents) }}{% endif %}
{%- for m in messages | rejectattr('role', 'equalto', 'system') -%}
{%- generation -%}<|{{ m.role | upper | replace('ASSISTANT', 'CHATBOT') }}|>{{ (m.content if m.content is string else '') | truncate(12, true, '') }}{%- endgeneration -%}
{%- if m.role == 'tool' %}{% continue %}{% endif -%}
<|END{{ loop.revindex0 }}|>
{%- endfor -%}
{% set footer %}{{ '=' * (names | length) }}{% endset %}{{ footer }}"""

VARIABLES = [{"add_generation_prompt": True}, {"add_generation_prompt": False, "enable_thinking": False, "tools_in_user_message": False},
             {"add_generation_prompt": True, "enable_thinking": False, "date_string": "1 May 2030",
              "documents": [{"title": "A", "text": "one\ntwo", "id": "x"}, {"title": "B", "text": "three"}]}]
BASE = {"bos_token": "<s>", "eos_token": "</s>", "documents": None}
CASES = [(source, {**BASE, "messages": messages, "tools": tools, **variables})
         for source in TEMPLATES.values() for messages, tools in CONVERSATIONS for variables in VARIABLES]
