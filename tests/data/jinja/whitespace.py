# Whitespace control, trim_blocks, lstrip_blocks, newlines.
import itertools

CASES = ["a\n", "a\n\n", "\na", "a\r\nb\rc\n", "a\r\n", "", "\n", " ", "{{ 'x' }}\n", "{{ 'x' }}\n\n", "{% if 1 %}\n{% endif %}\n", "{# c #}\n", "{# c #}\n\n"]
OPEN = ["{%", "{%-", "{%+"]
CLOSE = ["%}", "-%}", "+%}"]
CASES += ["a \n  {o} if true {c}  \n b\n  {{% endif %}}\n c".format(o=o, c=c) for o, c in itertools.product(OPEN, CLOSE)]
CASES += ["a \n  {{% if true %}}\n b \n  {o} endif {c} \n c".format(o=o, c=c) for o, c in itertools.product(OPEN, CLOSE)]
CASES += ["a {o} if true {c} b {{% endif %}} c".format(o=o, c=c) for o, c in itertools.product(OPEN, CLOSE)]
CASES += ["a \n  {o} 'x' {c}  \n b".format(o=o, c=c) for o, c in itertools.product(["{{", "{{-", "{{+"], ["}}", "-}}"])]
CASES += ["a \n  {o} c {c}  \n b".format(o=o, c=c) for o, c in itertools.product(["{#", "{#-", "{#+"], ["#}", "-#}", "+#}"])]
CASES += ["a \n  {o} raw {c}  \n b \n {p} endraw {q} \n c".format(o=o, c=c, p=p, q=q)
          for o, c, p, q in itertools.product(["{%", "{%-"], ["%}", "-%}"], ["{%", "{%-"], ["%}", "-%}"])]
CASES += [
    "  {% if true %}x{% endif %}", "\t{% if true %}x{% endif %}", "x {% if true %}y{% endif %}", "  {{ 'x' }}", "{% if true %}  {% if true %}x{% endif %}{% endif %}",
    "{% if true %}\n  {% if true %}\n    x\n  {% endif %}\n{% endif %}\n", "{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}\n", "{% for i in [1,2] %}\n\n  {{ i }}\n\n{% endfor %}",
    "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}", "{%- for i in [1,2] %}\n  {{- i }}\n{%- endfor %}", "{{ 'a' -}}\n\n  {{- 'b' }}", "{{ 'a' -}} {% if true %} b {% endif %}",
    "a\u00a0{%- if true %}x{% endif %}", "a\u3000\n{%- if true -%}\n\u3000x{% endif %}", "{% if true -%}\u2028 x{% endif %}", "a\x0b {% if true %}x{% endif %}", "a\n\x0b {% if true %}x{% endif %}",
    "{#- a -#} x {#- b -#}", "x{# a\n b #}\ny", "  {# a #}\n  y", "{% if true %}{# c #}\n{% endif %}|", "{{ '\n' }}|", "{{ '  ' }}\n|", "{% set x = 1 %}\n{% set y = 2 %}\n{{ x }}{{ y }}\n",
    "{% set x = 1 -%}\n\n\n{{ x }}", "  {%- set x = 1 %}  \n{{ x }}", "{%+ if true %}x{% endif %}", "  {%+ if true %}x{%+ endif %}", "\n  {%+ if true +%}\nx{% endif %}", "{% if true %}\r\nx{% endif %}\r\n",
    "{%if true-%} x {%-endif%}", "{%-if true%}x{%endif-%} y", "{{-1}}", "{{- 1}}", "{{ -1 }}", "{{1-}} ", "{{ 1 -}} x", "{{ 2 -1 }}", "{{ 'x'-}}\n y", "a{%- raw %} {{ x }} {% endraw -%} b", "{{ {'a': 1} }}", "{{ {'a': {}} }}", "{{ {}}}",
    "{ { x } }", "{ % x % }", "{{ '{%' }}", "{{ '{#' }}", "a { b } c", "{", "{{ 1 }}{", "}}", "%}", "#}", "{ {{ 1 }} }", "{{{ 1 }}}", "{#}", "{#-#}x", "{#--#} x", "{# #} #}",
    "<|im_start|>{{ 'user' }}\n{{ 'hi' }}<|im_end|>\n", "{{ 'a' }}\n{% if true %}\nb\n{% endif %}\nc\n\n", "{% if true %}a\n{% else %}\nb\n{% endif %}\nc", "x\n    {%- if true %}\n\n    y\n    {%- endif %}\n",
]
