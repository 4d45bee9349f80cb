# Every filter, with and without its arguments.
V = {"s": "Hello wörld, it's <b>fine</b> & good", "l": [3, 1, 2, 1], "w": ["b", "A", "c", "B"], "z": "", "n": None,
     "d": {"b": 2, "a": 1, "C": 3}, "p": "  padded\t\n", "u": "日本語😀é", "f": 3.14159, "i": -42,
     "users": [{"name": "Bo", "age": 30, "on": True, "x": {"y": [1, 2]}}, {"name": "al", "age": 25, "on": False, "x": {"y": [3, 4]}},
               {"name": "Cy", "age": 30}],
     "tool": {"type": "function", "function": {"name": "f", "parameters": {"q": [1, 2.0, None, True, "é\"\\\n\u0001/</x>"]}}},
     "text": "line one\nline two\n\nline four", "nested": {"a": [], "b": {}, "c": [[1], {"d": 2}]}}
SOURCES = """
s|upper
s|lower
s|title
s|capitalize
u|upper
"ß straße ﬁn"|upper
"ÀÉÎ ΣΑΣ ЖЗ"|lower
"élan vital"|capitalize
"foo-bar (baz) [qux] it's o'clock 3rd"|title
"ALL CAPS"|title
42|upper
p|trim
p|trim|length
"xxhixx"|trim("x")
"xyhiyx"|trim("xy")
n|trim
z|trim
"\\u3000 wide \\xa0"|trim
s|replace("l", "L")
s|replace("l", "L", 2)
"aaa"|replace("aa", "b")
"abc"|replace("", "-")
"abc"|replace("", "-", 2)
"abc"|replace("b", "")
123|replace(2, "x")
s|length
u|length
l|length
d|length
z|length
l|count
missing|length
l|first
l|last
[]|first
[]|last is defined
s|first
s|last
u|last
d|first
d|last
d|list
"abc"|list
l|list
u|list
missing|list
l|join
l|join(", ")
w|join(" | ")
users|join(", ", attribute="name")
[1, none, "x", 2.5]|join("-")
"abc"|join(".")
[]|join(",")
missing|join(",")
l|sort
l|sort(reverse=true)
w|sort
w|sort(case_sensitive=true)
w|sort(true)
users|sort(attribute="age")|map(attribute="name")|join(",")
users|sort(attribute="age,name")|map(attribute="name")|join(",")
users|sort(attribute="name", reverse=true)|map(attribute="name")|join(",")
users|sort(attribute="name", case_sensitive=true)|map(attribute="name")|join(",")
[[2, 1], [1, 2]]|sort
[1, 2.5, true]|sort
l|unique|list
w|unique|list
w|unique(case_sensitive=true)|list
users|unique(attribute="age")|map(attribute="name")|list
l|reverse|list
s|reverse
u|reverse
l|max
l|min
w|max
w|min
w|max(case_sensitive=true)
users|max(attribute="age")
[]|max is defined
l|sum
users|sum(attribute="age")
l|sum(start=10)
[0.1, 0.2]|sum
[[1], [2]]|sum(start=[])
[]|sum
missing|default("x")
missing|default
n|default("x")
n|default("x", true)
z|default("empty", boolean=true)
z|d("empty")
d.zz|default(d.a)
i|abs
-1.5|abs
true|abs
f|round
f|round(2)
f|round(2, "floor")
f|round(2, "ceil")
f|round(method="ceil")
2.5|round
3.5|round
-2.5|round
0.125|round(2)
2.675|round(2)
42|round
42|round(2)
1234.5|round(-2)
1250|round(-2)
"42"|int
" 42 "|int
"4_2"|int
"42.9"|int
"x"|int
"x"|int(7)
"ff"|int(base=16)
"0x1F"|int(0, 16)
"1e3"|int
42.9|int
-42.9|int
true|int
none|int
[]|int(5)
"+5"|int
"-5"|int
"1.5"|float
"x"|float
"x"|float(2.5)
"1e3"|float
3|float
none|float(1.0)
" 2.5\n"|float
42|string
[1]|string
true|string ~ "|"
s|safe
"<a href='x'>&\\"</a>"|escape
"<"|e
s|string|length
d|items|list
d|dictsort
d|dictsort(case_sensitive=true)
d|dictsort(by="value")
d|dictsort(reverse=true)
d|dictsort(false, "value", true)
missing|items|list
tool|tojson
tool|tojson(indent=2)
tool|tojson(indent=4)
tool|tojson(ensure_ascii=true)
u|tojson(true)
"\\x7f"|tojson(ensure_ascii=true)
"\\x7f\\u2028"|tojson
tool|tojson(separators=(",", ":"))
tool|tojson(indent=1, separators=(", ", ": "))
nested|tojson
nested|tojson(indent=2)
nested|tojson(indent=0)
nested|tojson(indent="\\t")
nested|tojson(indent=none)
d|tojson(sort_keys=true)
s|tojson
n|tojson
1.0|tojson
1e100|tojson
1.5e-9|tojson
[1, 2.5, true, none, "x"]|tojson
(1, 2)|tojson
{1: "a", none: 2, true: 3, 2.5: 4}|tojson
{}|tojson
[]|tojson
"\\b\\f\\n\\r\\t\\"\\\\/"|tojson
text|indent
text|indent(2)
text|indent(2, true)
text|indent(2, first=true, blank=true)
text|indent(width="> ")
z|indent
"one"|indent(3, true)
text ~ "\n"|indent(2)
users|map(attribute="name")|list
users|map(attribute="x.y.0", default="none")|list
users|map(attribute="on", default=false)|list
users|map(attribute="zz")|list|length
w|map("upper")|list
w|map("replace", "A", "Z")|list
l|map("string")|join
["1", "x"]|map("int", default=9)|list
users|selectattr("on")|map(attribute="name")|list
users|selectattr("age", "equalto", 30)|map(attribute="name")|list
users|selectattr("age", "gt", 26)|list|length
users|selectattr("on", "defined")|list|length
users|rejectattr("on")|map(attribute="name")|list
users|rejectattr("age", "eq", 30)|map(attribute="name")|list
users|selectattr("x.y.1", "==", 4)|map(attribute="name")|list
users|selectattr("name", "in", ["Bo", "Cy"])|map(attribute="name")|list
l|select("odd")|list
l|reject("odd")|list
[0, 1, "", "a", none]|select|list
[0, 1, "", "a", none]|reject|list
l|select("greaterthan", 1)|list
w|select("in", "ABC")|list
[1, "a", none]|select("string")|list
["a", 1]|reject("string")|list
[1,2,3,4,5]|batch(2)|list
[1,2,3,4,5]|batch(2, "x")|list
[1,2,3,4,5]|slice(2)|list
[1,2,3,4,5]|slice(3, "x")|list
"x"|center(5)
"xy"|center(5)
"abc"|center(2)
"%s=%d"|format("a", 5)
"%(k)s"|format(k="v")
"%.3f"|format(2.0)
"a bc  d_e 1f"|wordcount
"hello wonderful world"|truncate(10)
"hello wonderful world"|truncate(10, true)
"hello wonderful world"|truncate(11, false, "..", 0)
"short"|truncate(3)
s|upper|lower|title|replace("W", "w")|trim|length
users|map(attribute="name")|map("lower")|sort|join("+")
w|sort|first
l|sort|reverse|list
d|items|map("first")|list
d.items()|list
d.keys()|list
d.values()|list
d.values()|sum
"a,b"|replace(",", "<>")|upper
l|tojson|length
""|first is defined
{"a": missing}|length
s|nofilter
5|length
5|list
5|join
5|first
5|sort
[1, "a"]|sort
[1, none]|sort
{"a": missing}|tojson
missing|tojson
missing|int
missing|abs
"x"|abs
l|sum(attribute="x")
["a"]|sum
d|dictsort(by="nope")
f|round(1, "nope")
"%d"|format("x")
"%s %s"|format("x")
l|map("nofilter")|list
l|select("notest")|list
l|replace
s|replace("x")
s|upper(1)
s|indent(2, 3, 4, 5)
s|trim(zz=1)
missing|sort
n|selectattr("x", "defined")|map(attribute="y")|join("")
n|select("odd")|list
0|map("upper")|list
n|map("upper")|list
5|map("upper")|list
n|sort
n|unique|list
n|batch(2)|list
missing|unique|list
missing|reverse|list
missing|max is defined
missing|sum
missing|upper
missing|trim
missing|replace("a", "b")
missing|title|length
"\\ud83d\\ude00"|length < 3
""".strip("\n").split("\n")
CASES = [("{{ " + line.replace("\\n", "\\n") + " }}", V) for line in SOURCES if line]
