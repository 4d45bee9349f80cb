// Templates that mean harm: each ends with an error, or harmlessly, in bounded time and memory.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <ctime>

#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/parser_internal.h"

namespace aquilon::chat::jinja {
namespace {

std::string repeated(std::string_view what, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += what;
  return out;
}

Result<TracedText> run(std::string_view source, std::string user = "user") {
  const Block root = AQ_TRY(parse(source));
  Interpreter interpreter(std::chrono::system_clock::now());
  interpreter.define("u", Value(TracedText::untrusted(std::move(user))));
  Value list = AQ_TRY(from_json(boost::json::array{1, 2, 3}));
  interpreter.define("l", std::move(list));
  return interpreter.run(root);
}

// Processor time, which others on the machine do not stretch.
double seconds_of_work() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

std::string error_of(std::string_view source, std::string user = "user") {
  const auto text = run(source, std::move(user));
  return text.ok() ? fmt::format("no error, {} bytes", text->size()) : text.error().message;
}

struct HostileCase {
  const char* name;
  std::string source;
  const char* error;  // a part of the message
};

const HostileCase kHostile[] = {
    {"parentheses", "{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}",
     "nested deeper"},
    {"brackets", "{{ " + repeated("[", 100000) + repeated("]", 100000) + " }}", "nested deeper"},
    {"dicts", "{{ " + repeated("{1:", 100000) + "1" + repeated("}", 100000) + " }}",
     "nested deeper"},
    {"minus_signs", "{{ " + repeated("- ", 100000) + "1 }}", "nested deeper"},
    {"nots", "{{ " + repeated("not ", 100000) + "1 }}", "nested deeper"},
    {"conditionals", "{{ " + repeated("1 if 0 else ", 50000) + "1 }}", "nested deeper"},
    {"attributes", "{{ u" + repeated(".a", 100000) + " }}", "levels"},
    {"filters", "{{ u" + repeated("|upper", 100000) + " }}", "levels"},
    {"calls", "{{ u" + repeated("()", 100000) + " }}", "levels"},
    {"subscripts", "{{ u" + repeated("[0]", 100000) + " }}", "levels"},
    {"ifs", repeated("{% if 1 %}", 50000) + "x", "nested deeper"},
    {"fors", repeated("{% for x in l %}", 50000), "nested deeper"},
    {"targets", "{% for " + repeated("(", 10000) + "x" + repeated(")", 10000) + " in l %}",
     "nested deeper"},
    {"powers", "{{ 2" + repeated(" ** 2", 100) + " }}", "64-bit"},
    {"open_comment", "{# " + repeated("{{ x }} ", 10000), "no end"},
    {"open_raw", "{% raw %} " + repeated("{% endra %}", 10000), "no end"},
    {"open_string", "{{ 'a" + repeated("\\'", 10000), "no end"},
    {"open_tag", repeated("{{ x ", 10000), "expected }}"},
    {"too_large", repeated("x", (1 << 20) + 1), "limit"},
    {"range", "{{ range(1000000000) }}", "100000"},
    {"range_backwards", "{{ range(0, -9223372036854775807, -1) }}", "100000"},
    {"nested_loops",
     "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"},
    {"doubling",
     "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}"
     "{% endfor %}",
     "MiB"},
    {"doubling_by_tilde",
     "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
     "MiB"},
    {"doubling_by_join",
     "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = [n.s, n.s]|join %}"
     "{% endfor %}",
     "MiB"},
    {"doubling_by_replace",
     "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s|replace('x', 'xx') %}"
     "{% endfor %}",
     "the template"},
    {"doubling_by_format",
     "{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = '%s%s' % (n.s, n.s) %}"
     "{% endfor %}",
     "MiB"},
    {"doubling_lists",
     "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
     "steps"},
    {"doubling_by_macros",
     "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% else %}x{% endif %}{% endmacro %}"
     "{{ m(50) }}",
     "steps"},
    {"shared_lists",
     "{% set n = namespace(s=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] %}{% endfor %}"
     "{{ n.s|tojson }}",
     "the template"},
    {"shared_lists_printed",
     "{% set n = namespace(s=['xxxxxxxxxxxxxxxx']) %}{% for i in range(60) %}"
     "{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
     "the template"},
    {"shared_lists_compared",
     "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}"
     "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}",
     "steps"},
    {"text_times", "{{ 'abc' * 9000000000 }}", "MiB"},
    {"text_times_overflow", "{{ 'abc' * 9223372036854775807 }}", "MiB"},
    {"list_times", "{{ [1] * 9223372036854775807 }}", "steps"},
    {"padding", "{{ 'x'.ljust(9223372036854775807) }}", "MiB"},
    {"centre", "{{ 'x'|center(9223372036854775807) }}", "MiB"},
    {"indent_width", "{{ 'x'|indent(9223372036854775807, true) }}", "MiB"},
    {"json_indent", "{{ l|tojson(indent=999999999999) }}", "MiB"},
    {"format_width", "{{ '%999999999d' % 1 }}", "1000"},
    {"format_precision", "{{ '%.99999999999999999999f' % 1 }}", "1000"},
    {"batch_fill", "{{ l|batch(999999999999, 'x') }}", "steps"},
    {"slices", "{{ l|slice(999999999999) }}", "steps"},
    {"strftime_width", "{{ strftime_now('%99999999Y') }}", "too long"},
    {"deep_list",
     "{% set n = namespace(s=[]) %}{% for i in range(99999) %}{% set n.s = [n.s] %}"
     "{% endfor %}",
     "deeper"},
    {"deep_dict",
     "{% set n = namespace(s={}) %}{% for i in range(99999) %}{% set n.s = {1: n.s} %}"
     "{% endfor %}",
     "deeper"},
    {"deep_loops",
     "{% set n = namespace(s=1) %}{% for i in range(99999) %}{% for j in [n.s] %}"
     "{% set n.s = loop %}{% endfor %}{% endfor %}",
     "deeper"},
    {"deep_methods",
     "{% set n = namespace(s=1) %}{% for i in range(99999) %}{% set n.s = [n.s].index %}{% endfor "
     "%}",
     "deeper"},
    {"list_in_itself", "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", "deeper"},
    {"list_in_itself_json", "{% set l = [] %}{% set _ = l.append([l]) %}{{ l|tojson }}", "deeper"},
    {"lists_in_each_other",
     "{% set a = [] %}{% set b = [a] %}{% set _ = a.append(b) %}{{ a == b }}", "deeper"},
    {"namespace_in_itself", "{% set n = namespace() %}{% set n.n = n %}{{ n }}", "deeper"},
    {"macro_in_itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "64 levels"},
    {"macros_in_each_other",
     "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
     "64 levels"},
    {"caller_in_itself",
     "{% macro m() %}{{ caller() }}{% endmacro %}"
     "{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
     "64 levels"},
    {"deep_everything",
     "{% macro m() %}" + repeated("{% if 1 %}", 90) + "{{ " + repeated("[", 90) + "m()" +
         repeated("]", 90) + " }}" + repeated("{% endif %}", 90) + "{% endmacro %}{{ m() }}",
     "levels"},
    {"deep_chains",
     "{% macro m() %}{{ m()" + repeated("|upper", 190) + " }}{% endmacro %}{{ m() }}", "levels"},
    {"growing_while_looping",
     "{% set l = [1] %}{% for x in range(99999) %}{% set _ = l.extend(l) %}{% endfor %}", "steps"},
    {"output", "{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}", "MiB"},
    {"sort_of_nothing_comparable", "{{ ([1, 'a', none, [], {}] * 1000) | sort }}", "not possible"},
    {"division", "{{ -9223372036854775807 - 1 }}{{ (-9223372036854775807 - 1) // -1 }}", "64-bit"},
    {"negation", "{{ -(-9223372036854775807 - 1) }}", "64-bit"},
};

class Hostile : public testing::TestWithParam<HostileCase> {};

TEST_P(Hostile, EndsWithAnError) {
  const std::string error = error_of(GetParam().source);
  EXPECT_NE(error.find(GetParam().error), std::string::npos) << error.substr(0, 300);
}

INSTANTIATE_TEST_SUITE_P(Jinja, Hostile, testing::ValuesIn(kHostile),
                         [](const auto& info) { return info.param.name; });

TEST(Hostile, NothingLeadsOutOfTheSandbox) {
  for (const char* source :
       {"{{ ''.__class__.__mro__ }}", "{{ ''['__class__']['__base__'] }}",
        "{{ u.format.__globals__.x }}", "{{ range.__globals__['os'] }}",
        "{{ '{0.__class__.__init__}'.format(u) }}", "{{ namespace.__init__.x }}",
        "{{ (u|attr('__class__')).x }}", "{{ cycler.__init__.__globals__ }}", "{{ lipsum() }}",
        "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{{ self.__init__ }}",
        "{{ raise_exception.__code__.co_code }}"}) {
    EXPECT_FALSE(run(source).ok()) << source;
  }
}

// A megabyte of user text through the operations whose naive form is quadratic.
TEST(Hostile, LargeTextTakesLinearTime) {
  const std::string a(1 << 20, 'a');
  const std::string half = "u[:524288] ~ 'b'";
  for (const std::string& source : std::initializer_list<std::string>{
           "{{ u.find(" + half + ") }}", "{{ u.rfind('b' ~ u[:524288]) }}",
           "{{ (" + half + ") in u }}", "{{ u.count(" + half + ") }}",
           "{{ u | replace(" + half + ", '') | length }}", "{{ u.split(" + half + ")|length }}",
           "{{ u.rsplit('b' ~ u[:524288])|length }}", "{{ u.strip('a') }}",
           "{{ u | upper | length }}", "{{ u | trim | title | length }}",
           "{{ u | tojson | length }}", "{{ [u] | string | length }}",
           "{{ u.split('a') | length }}", "{{ u.replace('a', '') }}", "{{ u[::-1] | length }}",
           "{% for c in u.split('aaaa') %}{% endfor %}", "{{ u | indent | length }}"}) {
    const double begin = seconds_of_work();
    EXPECT_TRUE(run(source, a).ok()) << source << ": " << error_of(source, a);
    EXPECT_LT(seconds_of_work() - begin, 20) << source;  // usually 0.1 s, sanitized 1 s
  }
}

TEST(Hostile, AMegabyteOfTemplateIsRead) {
  EXPECT_EQ(error_of(repeated("{{ 1 }}", 149000)), "no error, 149000 bytes");
  EXPECT_EQ(error_of("{{ 1" + repeated("+1", 500000) + " }}"), "no error, 6 bytes");
  EXPECT_EQ(error_of(repeated("{", 1 << 20)).substr(0, 8), "line 1: ");
  EXPECT_EQ(error_of(repeated("{% raw", 150000)).substr(0, 8), "line 1: ");
  EXPECT_EQ(error_of("{{ {" + repeated("1:1,", 250000) + "} }}"), "no error, 6 bytes");
}

TEST(Hostile, DeepInputIsRefused) {
  boost::json::value deep = 1;
  for (int i = 0; i < 200; ++i) deep = boost::json::array{std::move(deep)};
  EXPECT_FALSE(from_json(deep).ok());
}

}  // namespace
}  // namespace aquilon::chat::jinja
