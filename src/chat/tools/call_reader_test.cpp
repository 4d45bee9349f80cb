// Calls in answers, however the answer is cut.
#include "chat/tools/call_reader.h"

#include <gtest/gtest.h>

namespace aquilon::chat {
namespace {

struct Told {
  std::string text;
  std::vector<std::string> calls;  // name, id, arguments
  friend bool operator==(const Told&, const Told&) = default;
};

void add(const std::vector<AnswerPiece>& pieces, Told& told) {
  for (const AnswerPiece& piece : pieces) {
    told.text += piece.text;
    if (piece.call)
      told.calls.push_back(piece.call->name + " " + piece.call->id + " " + piece.call->arguments);
  }
}

CallReader reader_of(const char* dialect) {
  return CallReader(*find_dialect(dialect), {"get", "get_more", "set.it"});
}

Told read(const char* dialect, std::string_view text, std::size_t first, std::size_t each) {
  CallReader reader = reader_of(dialect);
  Told told;
  add(reader.push(text.substr(0, first)), told);
  text.remove_prefix(std::min(first, text.size()));
  while (!text.empty()) {
    add(reader.push(text.substr(0, each)), told);
    text.remove_prefix(std::min(each, text.size()));
  }
  add(reader.finish(), told);
  return told;
}

struct ReaderCase {
  const char* dialect;
  const char* text;
  Told told;
};

const ReaderCase kCases[] = {
    {"hermes",
     "Just words, <b>, {\"name\": 1} and ```json\n{}\n```.",
     {"Just words, <b>, {\"name\": 1} and ```json\n{}\n```.", {}}},
    {"hermes",
     "<tool_call>\n{\"name\": \"get\", \"arguments\": {\"a\":1}}\n</tool_call>",
     {"", {"get  {\"a\": 1}"}}},
    {"hermes",
     "Let me.\n\n<tool_call>\n{\"name\": \"get\", \"arguments\": {\"a\": \"</tool_call>\"}}\n"
     "</tool_call>\n<tool_call>{\"arguments\": {}, \"name\": \"set.it\"}</tool_call>\nThere. ",
     {"Let me.\nThere. ", {"get  {\"a\": \"</tool_call>\"}", "set.it  {}"}}},
    {"hermes",
     "<tool_call>\n{\"name\": \"get\", \"arguments\": {\"a\": 1.50}}",
     {"", {"get  {\"a\": 1.5}"}}},
    {"hermes",
     "<tool_call>\n{\"name\": \"got\", \"arguments\": {}}\n</tool_call> x",
     {"<tool_call>\n{\"name\": \"got\", \"arguments\": {}}\n</tool_call> x", {}}},
    {"hermes",
     "<tool_call>\n{\"name\": \"get\", \"arguments\": {\"a\": ",
     {"<tool_call>\n{\"name\": \"get\", \"arguments\": {\"a\": ", {}}},
    {"hermes", "<tool_call>not that</tool_call>", {"<tool_call>not that</tool_call>", {}}},
    {"hermes",
     "<tool_call>\n[{\"name\": \"get\", \"arguments\": {}}, {\"name\": "
     "\"get_more\"}]\n</tool_call>",
     {"", {"get  {}", "get_more  {}"}}},
    {"hermes",
     "```json\n{\n  \"name\": \"get\",\n  \"arguments\": {\n    \"a\": [1, 2]\n  }\n}\n```",
     {"", {"get  {\"a\": [1, 2]}"}}},
    {"hermes",
     "{\"name\": \"get\", \"arguments\": {\"a\": \"\u00e9 }\\\" \"}}",
     {"", {"get  {\"a\": \"\u00e9 }\\\" \"}"}}},
    {"hermes",
     "So:\n```\n{\"name\": \"get\", \"arguments\": {}}\n{\"name\": \"get_more\", \"arguments\": "
     "{}}\n```\nDone",
     {"So:\nDone", {"get  {}", "get_more  {}"}}},
    {"hermes",
     "[{\"name\": \"get\", \"arguments\": {}},\n{\"name\": \"set.it\", \"arguments\": {}}]",
     {"", {"get  {}", "set.it  {}"}}},
    {"hermes",
     "{\"name\": \"Bob\", \"age\": 3} \u20ac",
     {"{\"name\": \"Bob\", \"age\": 3} \u20ac", {}}},
    {"hermes",
     "<think>\nI could <tool_call>{\"name\": \"get\"}</tool_call></think>\n\n<tool_call>{\"name\": "
     "\"get\"}</tool_call>",
     {"<think>\nI could <tool_call>{\"name\": \"get\"}</tool_call></think>", {"get  {}"}}},
    {"hermes", "<thi <tool_cal `` [{", {"<thi <tool_cal `` [{", {}}},
    {"hermes",
     "<tool_call>{\"name\": \"get\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_c",
     {"", {"get  {\"a\": 1}"}}},
    {"hermes", "  \n words  ", {"  \n words  ", {}}},
    {"mistral-v3",
     "[TOOL_CALLS] [{\"name\": \"get\", \"arguments\": {\"a\": 1}, \"id\": \"abcdefghi\"}, "
     "{\"name\": \"get_more\", \"arguments\": {}}]",
     {"", {"get abcdefghi {\"a\": 1}", "get_more  {}"}}},
    {"mistral-v3",
     "Hm [TOOL_CALLS] [{\"name\": \"get\", \"arguments\": {}}, oh",
     {"Hm, oh", {"get  {}"}}},
    {"mistral-v11",
     "On it.[TOOL_CALLS]get[CALL_ID]abcdefghi[ARGS]{\"a\": {}}[TOOL_CALLS]get_more[ARGS]{}",
     {"On it.", {"get abcdefghi {\"a\": {}}", "get_more  {}"}}},
    {"mistral-v13",
     "[TOOL_CALLS]get[ARGS]{\"a\": \"[TOOL_CALLS]\"}[TOOL_CALLS]set.it[ARGS]{}",
     {"", {"get  {\"a\": \"[TOOL_CALLS]\"}", "set.it  {}"}}},
    {"mistral-v13", "[TOOL_CALLS]got[ARGS]{}", {"[TOOL_CALLS]got[ARGS]{}", {}}},
    {"mistral-v13", "[TOOL_CALLS]get[ARGS]{\"a\": tru}", {"[TOOL_CALLS]get[ARGS]{\"a\": tru}", {}}},
    {"llama3",
     "<|python_tag|>{\"name\": \"get\", \"parameters\": {\"a\": null}}",
     {"", {"get  {\"a\": null}"}}},
    {"llama3",
     "{\"name\": \"get\", \"parameters\": {}}; {\"name\": \"get_more\", \"parameters\": {}}",
     {"", {"get  {}", "get_more  {}"}}},
    {"pythonic",
     "[get(a=1, b='x\\'y', c=[True, None], d={'k': 1.0}), set.it()]",
     {"",
      {"get  {\"a\": 1, \"b\": \"x'y\", \"c\": [true, null], \"d\": {\"k\": 1.0}}", "set.it  {}"}}},
    {"pythonic",
     "See [1, 2] and [get] and [got(a=1)]",
     {"See [1, 2] and [get] and [got(a=1)]", {}}},
    {"pythonic", "[get(a=\")]\", b=(1,2))]", {"", {"get  {\"a\": \")]\", \"b\": [1, 2]}"}}},
    {"json",
     "```json\n[\n  {\"name\": \"get\", \"arguments\": {}},\n  {\"name\": \"get\", \"arguments\": "
     "{\"a\": 1}}\n]\n```",
     {"", {"get  {}", "get  {\"a\": 1}"}}},
    // What the same call says twice, weak models say once; others may mean it.
    {"json",
     "```\n{\"name\": \"get\", \"arguments\": {\"a\":1}}\n{\"name\": \"get_more\"}\n"
     "{\"name\": \"get\", \"arguments\": {\"a\": 1.0e0}}\n```",
     {"", {"get  {\"a\": 1}", "get_more  {}", "get  {\"a\": 1.0}"}}},
    {"hermes",
     "<tool_call>{\"name\": \"get\", \"arguments\": {\"a\":1}}</tool_call>\n"
     "<tool_call>{\"name\": \"get\", \"arguments\": { \"a\": 1 }}</tool_call> done",
     {" done", {"get  {\"a\": 1}"}}},
    {"mistral-v13",
     "[TOOL_CALLS]get[ARGS]{\"a\": 6}[TOOL_CALLS]get[ARGS]{\"a\": 6}",
     {"", {"get  {\"a\": 6}", "get  {\"a\": 6}"}}},
};

TEST(CallReader, FindsCallsHoweverTheTextIsCut) {
  for (const ReaderCase& c : kCases) {
    const std::string_view text = c.text;
    const Told whole = read(c.dialect, text, text.size(), 1);
    EXPECT_EQ(whole.text, c.told.text) << c.dialect << ": " << text;
    EXPECT_EQ(whole.calls, c.told.calls) << c.dialect << ": " << text;
    for (std::size_t cut = 0; cut < text.size(); ++cut)
      ASSERT_EQ(read(c.dialect, text, cut, text.size()), c.told)
          << c.dialect << ", cut at " << cut << ": " << text;
    for (const std::size_t each : {1u, 2u, 3u, 7u})
      ASSERT_EQ(read(c.dialect, text, 0, each), c.told)
          << c.dialect << ", " << each << ": " << text;
  }
}

// Every beginning of an answer tells all of its text, or has a call.
TEST(CallReader, LosesNothingOfAnAnswerCutOff) {
  for (const ReaderCase& c : kCases) {
    const std::string_view text = c.text;
    for (std::size_t end = 0; end < text.size(); ++end) {
      const Told told = read(c.dialect, text.substr(0, end), 0, 1);
      if (!told.calls.empty()) continue;
      ASSERT_EQ(told.text, text.substr(0, end)) << c.dialect;
    }
  }
}

TEST(CallReader, TakesLinearTime) {
  CallReader reader = reader_of("hermes");
  std::string text = "<tool_call>{\"name\": \"get\", \"arguments\": {\"a\": \"";
  text.append(200'000, 'x').append("\"}}</tool_call>");
  Told told;
  for (const char c : text) add(reader.push({&c, 1}), told);
  add(reader.finish(), told);
  EXPECT_EQ(told.calls.size(), 1u);
}

}  // namespace
}  // namespace aquilon::chat
