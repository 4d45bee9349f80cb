# Everything that may follow `is`, on every kind of value.
VALUES = ["1", "0", "-3", "2.5", "true", "false", "none", "''", "'abc'", "'ABC'", "'Ab1'", "[]", "[1]", "{}", "{'a': 1}", "(1,)",
          "missing", "dict", "namespace(a=1)"]
NAMES = ["defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping",
         "iterable", "sequence", "callable", "lower", "upper"]
NUMBERS = ["odd", "even", "divisibleby(3)", "divisibleby 2"]
PAIRS = ["eq 1", "equalto(1)", "== 1", "ne 1", "sameas(none)", "sameas true", "in [1, 'abc', none]"]
ORDER = ["gt 1", "greaterthan 1", "lt 1", "lessthan(1)", "ge 1", "le 1"]
# namespace is iterable for nobody; printing it is not at issue here.
CASES = ["{{ %s is %s }} {{ %s is not %s }}" % (v, t, v, t) for v in VALUES for t in NAMES
         if not (v.startswith("namespace") and t in ("lower", "upper")) and not (v == "dict" and t in ("lower", "upper"))]
CASES += ["{{ %s is %s }}" % (v, t) for v in ["0", "3", "4", "-3", "2.0", "true", "'x'", "none", "missing"] for t in NUMBERS]
CASES += ["{{ %s is %s }}" % (v, t) for v in ["1", "1.0", "true", "'abc'", "none", "missing"] for t in PAIRS]
CASES += ["{{ %s is %s }}" % (v, t) for v in ["0", "1", "2.5", "true", "'abc'", "none", "missing", "[1]"] for t in ORDER]
CASES += [
    "{{ 1 is defined and 2 is defined }}", "{{ x is defined or 1 is integer }}", "{{ not x is defined }}",
    "{{ x is not defined and y is not defined }}", "{{ 'a' is in 'abc' }}", "{{ 5 is divisibleby 5 is defined }}",
    "{{ 1 is integer is defined }}", "{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }}",
    "{{ 1 is nosuchtest }}", "{{ 1 is odd(2) }}", "{{ 1 is eq }}", "{% if x is defined %}a{% else %}b{% endif %}",
    "{{ 'a' if x is defined else 'b' }}", "{{ 4 is even and 3 is odd }}", "{{ 1 is number == true }}",
    "{{ (1 is number) == true }}", "{{ 3 is odd | string }}",
]
