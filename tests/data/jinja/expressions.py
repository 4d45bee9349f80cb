# Operators, literals, access.
V = {"i": 7, "f": 2.5, "s": "héllo wörld", "l": [3, 1, 2], "d": {"a": 1, "b": {"c": [10, 20]}, "items": "x"},
     "n": None, "t": True, "e": [], "z": "", "u": "日本語😀", "deep": [[1, [2, [3]]]], "m": {"1": "one", "k k": 2}}
SOURCES = """
1 + 2 * 3
(1 + 2) * 3
7 / 2
6 / 2
7 // 2
-7 // 2
7 // -2
7 % 3
-7 % 3
7 % -3
7.5 % 2
-7.5 // 2
2 ** 10
2 ** -1
2 ** 0.5
2 ** 3 ** 2
-2 ** 2
+i
-i
- -i
not t
not not n
1 + 1.0
true + true
True + 1
0.1 + 0.2
1e3
1e22
1.5e-7
123456789.125
1e16
123456789012345680.0
1_000 + 0x1F + 0b101 + 0o17
10 / 4
1.0
100000.0 * 10
5 == 5.0
1 == true
"1" == 1
none == false
n is none
"a" < "b"
"a" < "B"
1 < 2 < 3
1 < 3 < 2
3 > 2 >= 2
1 < 2 == true
[1, 2] < [1, 3]
[1, 2] == [1, 2]
(1, 2) == [1, 2]
{"a": 1, "b": 2} == {"b": 2, "a": 1}
1 in [1, 2]
"ell" in "hello"
"x" not in "hello"
"a" in d
"zz" in d
1 in d
none in [none]
"a" in undefinedthing
t and i
n and i
n or "fallback"
z or e or "last"
t or missing
"yes" if t else "no"
"yes" if n else "no"
"yes" if n
"a" if n else "b" if z else "c"
1 if 2 > 1 else missing.attr
"a" ~ 1 ~ 2.0 ~ none ~ true ~ [1]
"a" + "b"
"a" "b" 'c'
"a" * 3
3 * "ab"
"a" * 0
"a" * -1
[1] * 3
[1] + [2]
(1,) + (2,)
[1, "a", none, true, 1.5]
{"a": 1, 2: "b", none: []}
(1, 2)
(1,)
()
1, 2
{}
[]
[[], {}, ()]
"it's"
["it's", 'say "hi"', "both ' and \\""]
["tab\\tnew\\nline\\\\"]
["é", "日", "\\x07", "\\u200b", "\\x7f", "\\xa0"]
"\\x41\\u0042\\n\\t|"
"\\101\\0|"|length
"\\q\\z"
'single \\'quoted\\''
"a\\
b"
d.a
d["a"]
d.b.c[1]
d["b"]["c"][-1]
d.missing
d.missing is defined
d["items"]
d.items is callable
d.get("a")
d.get("zz")
d.get("zz", "default")
m["1"]
m["k k"]
l[0]
l[-1]
l[5]
l[-5]
l[5] is defined
l["x"] is defined
l.0
s[0]
s[-1]
s[1]
s[100]
u[1]
u[-1]
u[3]
l[true]
l[1:]
l[:1]
l[-2:]
l[::-1]
l[::2]
l[5:]
l[-100:100]
l[2:0:-1]
l[2::-1]
l[:]
l[none:2]
s[1:4]
s[::-1]
s[:-1]
s[-3:]
s[::2]
u[1:3]
u[::-1]
(1, 2, 3)[1:]
deep[0][1][1][0]
missing
missing is defined
missing == missing
missing == none
i.foo
n.foo
n.foo is defined
s.foo is defined
[d.a, d.b.c]
{"x": d.a}.x
{"a": {"b": 1}}.a.b
{"a": 1}["a"]
[1, 2, 3][1]
"abc"[1]
"abc".upper()
1.5 is float
(1 + 2) is integer
i is number and f is number
range(5) | list
range(2, 10, 3) | list
range(5, 0, -2) | list
range(0) | list
range(3)[1]
range(3)|length
dict(a=1, b=2)
dict({"a": 1}, b=2)
namespace(a=1).a
[1,2,3,]
{"a": 1,}
"%s and %s" % ("a", 1)
"%d%%" % 5
"%5.2f|" % 3.14159
"%-5s|" % "ab"
"%05d" % 42
"%x" % 255
"%r" % "a"
"%(a)s" % {"a": 1}
"%s" % "solo"
"a" is string and 1 is not string
l | first + 1
-l[0] | abs
not l[0] == 3
l[0] + l[1] | abs
"a" ~ "b" | upper
1 + 2 ~ 3
2 * 3 ~ 4 * 5
i > 5 and f < 3 or missing.x
[1, 2, 3] | length > 2
"A" if "x" in "xyz" and not z else "B"
strftime_now("%d %b %Y")
strftime_now("%Y-%m-%d %H:%M:%S %j %A")
none ~ none
t ~ ""
n
[n, t]
{"k": n}
1 // 1.0
9007199254740993
-9223372036854775807
1.0 // 0.3
5.0 % 3
1e300 * 1e10
-(1e300 * 1e10)
0.0000001
0.0001
1/3
""" .strip().split("\n")
joined, skip = [], False
for line in SOURCES:  # a string literal may hold a newline
    if joined and joined[-1].endswith("\\"):
        joined[-1] += "\n" + line
    else:
        joined.append(line)
CASES = [("{{ " + line + " }}", V) for line in joined]
