// The contract of ChatTemplate: trust, shapes of messages, variables, errors.
#include "chat/chat_template.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace aquilon::chat {
namespace {

namespace json = boost::json;

TemplateInput user_says(std::string_view content) {
  TemplateInput input;
  input.messages = json::array{json::object{{"role", "user"}, {"content", std::string(content)}}};
  input.bos_token = "<s>";
  input.eos_token = "</s>";
  return input;
}

Result<RenderedPrompt> rendered(std::string_view source, const TemplateInput& input) {
  const ChatTemplate parsed = AQ_TRY(ChatTemplate::parse(source));
  return parsed.render(input);
}

// The text with "«" and "»" around what is trusted, or the error's message.
std::string marked(std::string_view source, const TemplateInput& input) {
  const auto prompt = rendered(source, input);
  if (!prompt.ok()) return prompt.error().message;
  std::string out;
  std::size_t done = 0;
  for (const text::ByteRange& range : prompt->trusted) {
    out += prompt->text.substr(done, range.begin - done);
    out += "«" + prompt->text.substr(range.begin, range.end - range.begin) + "»";
    done = range.end;
  }
  return out + prompt->text.substr(done);
}

std::string error_of(std::string_view source, const TemplateInput& input = user_says("hi")) {
  const auto prompt = rendered(source, input);
  return prompt.ok() ? "no error: " + prompt->text : prompt.error().message;
}

struct TrustCase {
  const char* name;
  const char* source;  // `u` is the user's text
  const char* expected;
};

// The user's text: <e>. Nothing that an operation does may make it trusted, and literals stay so.
const TrustCase kTrust[] = {
    {"literal", "a{{ 'b' }}{{ bos_token }}{{ eos_token }}", "«ab<s></s>»"},
    {"content", "x{{ u }}y", "«x»<e>«y»"},
    {"role", "{{ '<|' + messages[0].role + '|>' }}", "«<|»user«|>»"},
    {"plus", "{{ 'a' + u + 'b' }}", "«a»<e>«b»"},
    {"tilde", "{{ 'a' ~ u ~ 'b' }}", "«a»<e>«b»"},
    {"times", "{{ ('a' ~ u) * 2 }}", "«a»<e>«a»<e>"},
    {"slice", "{{ ('ab' ~ u)[1:4] }}", "«b»<e"},
    {"reversed_slice", "{{ ('ab' ~ u)[::-1] }}", ">e<«ba»"},
    {"character", "{{ u[0] }}{{ 'x'[0] }}{{ u[1:] }}", "<«x»e>"},
    {"split_and_join", "{{ u.split('e') | join('|') }}", "<«|»>"},
    {"split_and_concat", "{% set p = u.split('e') %}{{ p[0] ~ u[1] ~ p[1] }}", "<e>"},
    {"split_spaces", "{{ (u ~ ' a b').split() | join(',') }}", "<e>«,a,b»"},
    {"rsplit", "{{ ('a ' ~ u).rsplit(' ', 1)[1] }}", "<e>"},
    {"partition", "{{ u.partition('e') | join('') }}", "<«e»>"},
    {"characters", "{% for c in u %}{{ c }}.{% endfor %}", "<«.»e«.»>«.»"},
    {"list_of_characters", "{{ (u ~ 'x')|list|join }}", "<e>«x»"},
    {"join_method", "{{ u.join(['a', 'b']) }}", "«a»<e>«b»"},
    {"replace_in_user", "{{ u | replace('e', 'literal') }}", "<«literal»>"},
    {"replace_by_user", "{{ 'a_b' | replace('_', u) }}", "«a»<e>«b»"},
    {"replace_method", "{{ 'a_b'.replace('_', u).replace('e', '') }}", "«a»<>«b»"},
    {"upper", "{{ ('a' ~ u) | upper }}", "«A»<E>"},
    {"title", "{{ ('ab ' ~ u).title() }}", "«Ab »<E>"},
    {"capitalize", "{{ (u ~ 'AB') | capitalize }}", "<e>«ab»"},
    {"trim", "{{ ('  a ' ~ u ~ ' ') | trim }}", "«a »<e>"},
    {"strip_characters", "{{ u.strip('<>') }}{{ (' ' ~ u).lstrip() }}", "e<e>"},
    {"remove_prefix", "{{ ('p' ~ u).removeprefix('p') }}", "<e>"},
    {"indent", "{{ ('a\n' ~ u) | indent(2) }}", "«a\n»  <e>"},
    {"splitlines", "{{ (u ~ '\nb').splitlines() | join('|') }}", "<e>«|b»"},
    {"reverse", "{{ (u ~ 'x') | reverse }}", "«x»>e<"},
    {"center", "{{ 'a' | center(3) }}", " «a» "},
    {"truncate", "{{ ('ab' ~ u) | truncate(4, true, '.', 0) }}", "«ab»<«.»"},
    {"escape", "{{ ('<' ~ u) | escape }}", "«&lt;»&lt;e&gt;"},
    {"percent_format", "{{ 'a%sb' % u }}{{ '%s' | format(u) }}", "«a»<e>«b»<e>"},
    {"percent_padding", "{{ '%6s|' | format(u) }}", "   <e>«|»"},
    {"user_is_format", "{{ (u ~ '%s') % 'x' }}", "<e>«x»"},
    {"brace_format", "{{ 'a{}b{x}'.format(u, x='c') }}", "«a»<e>«bc»"},
    {"tojson", "{{ u | tojson }}{{ ['a'] | tojson }}", "\"<e>\"[\"a\"]"},
    {"list_text", "{{ [u, 'a'] }}", "['<e>', 'a']"},
    {"numbers", "{{ 1 }}{{ 2.5 }}{{ true }}{{ none }}", "12.5TrueNone"},
    {"string_filter", "{{ u | string }}{{ 'a' | string }}", "<e>«a»"},
    {"safe", "{{ u | safe }}", "<e>"},
    {"default", "{{ nothing | default('a') }}{{ nothing | default(u) }}", "«a»<e>"},
    {"conditional", "{{ 'a' if u == '<e>' else 'b' }}{{ u or 'x' }}", "«a»<e>"},
    {"lookup_by_user", "{{ {'<e>': 'literal'}[u] }}", "«literal»"},
    {"key_of_user", "{{ {u: 1}.keys() | first }}{{ {'k': 1} | list | first }}", "<e>«k»"},
    {"set", "{% set x = u %}{{ x }}{% set y = 'y' %}{{ y }}", "<e>«y»"},
    {"set_block", "{% set x %}a{{ u }}{% endset %}{{ x }}{{ x[1:] }}", "«a»<e><e>"},
    {"namespace", "{% set n = namespace(v=u) %}{% set n.w = 'w' ~ n.v %}{{ n.w }}", "«w»<e>"},
    {"macro", "{% macro m(x) %}<|{{ x }}|>{% endmacro %}{{ m(u) }}{{ m('a') }}",
     "«<|»<e>«|><|a|>»"},
    {"caller", "{% macro m() %}({{ caller() }}){% endmacro %}{% call m() %}{{ u }}{% endcall %}",
     "«(»<e>«)»"},
    {"filter_block", "{% filter upper %}a{{ u }}{% endfilter %}", "«A»<E>"},
    {"with_and_loop", "{% with x = [u, 'b'] %}{% for y in x %}{{ y }}{% endfor %}{% endwith %}",
     "<e>«b»"},
    {"map",
     "{{ messages | map(attribute='content') | join('+') }}{{ ['a', u] | map('upper') | join }}",
     "<e>«A»<E>"},
    {"sort", "{{ ['b', u, 'a'] | sort | join }}", "<e>«ab»"},
    {"groups", "{{ [u, 'x', u] | unique | join }}{{ [u, 'x'] | batch(1) | map('first') | join }}",
     "<e>«x»<e>«x»"},
    {"items", "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}",
     "role«=»user«;»content«=»<e>«;»"},
    {"date", "{{ strftime_now('%Y') }}{{ strftime_now('<|im_end|>') }}", "2024<|im_end|>"},
    {"raw", "{% raw %}{{ u }}{% endraw %}", "«{{ u }}»"},
    {"generation", "{% generation %}a{{ u }}{% endgeneration %}", "«a»<e>"},
    {"kwargs", "{{ extra }}{{ deep.a[0] }}", "<x><y>"},
    {"tools", "{{ tools[0].description }}{{ tools | tojson }}",
     "<t>[{\"name\": \"f\", \"description\": \"<t>\"}]"},
    {"empty_user_text_between", "{{ '<|im' ~ '' ~ u[0:0] ~ '_end|>' }}", "«<|im_end|>»"},
};

class Trust : public testing::TestWithParam<TrustCase> {};

TEST_P(Trust, FollowsEachByte) {
  TemplateInput input = user_says("<e>");
  input.kwargs = {{"extra", "<x>"}, {"deep", {{"a", {"<y>"}}}}};
  input.tools = json::parse(R"([{"name": "f", "description": "<t>"}])");
  input.now = std::chrono::system_clock::from_time_t(1'720'000'000);  // July 2024
  const std::string source = "{%- set u = messages[0].content -%}" + std::string(GetParam().source);
  EXPECT_EQ(marked(source, input), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(ChatTemplate, Trust, testing::ValuesIn(kTrust),
                         [](const auto& info) { return info.param.name; });

TEST(ChatTemplate, ToolResultsAndArgumentsStayUntrusted) {
  TemplateInput input;
  input.messages = json::parse(R"([
    {"role": "assistant", "content": null,
     "tool_calls": [{"function": {"name": "<n>", "arguments": "{\"<k>\": \"<v>\"}"}}]},
    {"role": "tool", "content": "<r>"}])");
  EXPECT_EQ(marked("{% for c in messages[0].tool_calls %}{{ c.function.name }}"
                   "{% for k, v in c.function.arguments.items() %}[{{ k }}:{{ v }}]{% endfor %}"
                   "{% endfor %}{{ messages[1].content }}",
                   input),
            "<n>«[»<k>«:»<v>«]»<r>");
}

TEST(ChatTemplate, PartsBecomeOneTextForTemplatesOfTexts) {
  TemplateInput input;
  input.messages = json::parse(
      R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}])");
  EXPECT_EQ(marked("{% for m in messages %}{{ m.content }}|{% endfor %}", input), "a\nb«|»");
  EXPECT_EQ(marked("{% for p in messages[0].content %}{{ p.text }}|{% endfor %}", input),
            "a«|»b«|»");
  input.messages = json::parse(R"([{"role": "user", "content": [{"type": "image_url"}]}])");
  EXPECT_EQ(error_of("{{ messages[0].content }}", input),
            "messages[0].content has a part of type 'image_url', but this model's chat template "
            "takes text only");
}

TEST(ChatTemplate, TextBecomesAPartForTemplatesOfParts) {
  EXPECT_EQ(
      marked("{% for p in messages[0].content %}{{ p['text'] }}{% endfor %}", user_says("hi")),
      "hi");
}

TEST(ChatTemplate, ArgumentsTakeTheShapeThatTheTemplateReads) {
  TemplateInput input;
  input.messages = json::parse(R"([{"role": "assistant", "content": "",
      "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\":1}"}}]}])");
  constexpr std::string_view kLoop = "{% for m in messages %}{% for c in m.tool_calls or [] %}";
  constexpr std::string_view kEnd = "{% endfor %}{% endfor %}";
  const auto with = [&](std::string_view body) {
    return marked(std::string(kLoop) + std::string(body) + std::string(kEnd), input);
  };
  EXPECT_EQ(with("{{ c.function.arguments | tojson }}"), "{\"a\": 1}");
  EXPECT_EQ(with("{{ c.function.arguments }}"), "{\"a\":1}");
}

TEST(ChatTemplate, NullContentIsEmptyForTemplatesThatCannotTakeIt) {
  TemplateInput input;
  input.messages = json::parse(
      R"([{"role": "assistant", "content": null, "tool_calls": []}, {"role": "assistant"}])");
  EXPECT_EQ(marked("{% for m in messages %}{{ '[' + m.content + ']' }}{% endfor %}", input),
            "«[][]»");
  EXPECT_EQ(
      marked("{% for m in messages %}{{ m.content is none }}{{ m.content or '' }};{% endfor %}",
             input),
      "True«;»True«;»");
}

TEST(ChatTemplate, ContinuesTheLastMessage) {
  TemplateInput input = user_says("q");
  input.messages.as_array().push_back({{"role", "assistant"}, {"content", "begin "}});
  input.continue_final_message = true;
  constexpr std::string_view kPlain =
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}";
  EXPECT_EQ(marked(kPlain, input), "«<»user«>»q«</><»assistant«>»begin ");
  EXPECT_EQ(marked("{% for m in messages %}{{ m.content | trim }}.{% endfor %}", input),
            "q«.»begin");
  EXPECT_EQ(error_of("{{ messages[0].content }}", input),
            "this model's chat template cannot continue the last message");
  input.messages.as_array().back().as_object()["content"] = nullptr;
  EXPECT_EQ(error_of("{{ messages[0].role }}{{ messages[1].content or messages[1].role }}", input),
            "the last message has no text to be continued");
}

TEST(ChatTemplate, SeesWhatTransformersGives) {
  TemplateInput input = user_says("x");
  EXPECT_EQ(marked("{{ tools is none }}{{ documents is none }}{{ custom_tools is defined }}"
                   "{{ add_generation_prompt }}",
                   input),
            "TrueTrueFalseTrue");
  input.kwargs = {{"documents", json::array{1}}, {"enable_thinking", false}};
  EXPECT_EQ(marked("{{ documents }}{{ enable_thinking is false }}", input), "[1]True");
}

TEST(ChatTemplate, KwargsMayNotHideTheOthers) {
  for (const char* name :
       {"messages", "tools", "bos_token", "eos_token", "add_generation_prompt"}) {
    TemplateInput input = user_says("x");
    input.kwargs[name] = "evil";
    const auto prompt = rendered("{{ messages }}", input);
    ASSERT_FALSE(prompt.ok()) << name;
    EXPECT_EQ(prompt.error().message,
              "chat_template_kwargs may not set '" + std::string(name) + "'");
    EXPECT_EQ(prompt.error().param, "chat_template_kwargs");
  }
}

TEST(ChatTemplate, ErrorsSayWhereAndWhat) {
  EXPECT_EQ(error_of("{{ raise_exception('My own words: ' ~ messages[0].role) }}"),
            "My own words: user");
  EXPECT_EQ(error_of("a\n{% for x in messages %}\n{{ x.content }}"),
            "chat template: line 3: expected {% endfor %}, found the end of the template");
  EXPECT_EQ(error_of("a\n\n{{ b.c }}"), "chat template: line 3: 'b' is undefined");
  EXPECT_EQ(error_of("{{ messages[0].a.b }}"),
            "chat template: line 1: dict object has no attribute 'a'");
  EXPECT_EQ(error_of("{% include 'x' %}"),
            "chat template: line 1: the tag {% include %} is not supported");
  EXPECT_EQ(error_of("{{ 1 | groupby('x') }}"),
            "chat template: line 1: the filter 'groupby' is not supported");
  EXPECT_EQ(error_of("{{ 1 | nope }}"), "chat template: line 1: there is no filter named 'nope'");
  EXPECT_EQ(error_of("{{ [].sort() }}"),
            "chat template: line 1: the method list.sort is not supported");
  EXPECT_EQ(error_of("{{ 'x' + 1 }}"),
            "chat template: line 1: '+' is not possible between str and int");
  EXPECT_EQ(error_of("{% if x = 1 %}"), "chat template: line 1: expected %}, found '='");
  EXPECT_EQ(ChatTemplate::parse("{% include 'x' %}").error().code, Code::kUnsupported);
}

TEST(ChatTemplate, ListsOfTheTemplateMayGrowButInputMayNot) {
  const TemplateInput input = user_says("x");
  EXPECT_EQ(marked("{% set l = [1] %}{% set _ = l.append(2) %}{{ l.pop(0) }}{{ l }}", input),
            "1[2]");
  EXPECT_EQ(error_of("{{ messages.append(1) }}"),
            "chat template: line 1: this list belongs to the input and cannot be changed");
}

}  // namespace
}  // namespace aquilon::chat
