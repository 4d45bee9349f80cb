#include "chat/tools/dialect.h"

#include <algorithm>
#include <array>

namespace aquilon::chat {
namespace {

constexpr std::string_view kArguments = R"({~"name"~:~"$N"~,~"arguments"~:~$A~})";
constexpr std::string_view kParameters = R"({~"name"~:~"$N"~,~"parameters"~:~$A~})";
constexpr std::string_view kWithId = R"({~"name"~:~"$N"~,~"arguments"~:~$A~,~"id"~:~"$I"~})";

// Mistral's tokenizers v2 to v7: a list behind one control token.
constexpr CallForm kMistralList[] = {
    {.front = "[TOOL_CALLS]~[~",
     .call = kArguments,
     .between = "~,~",
     .close = "~]",
     .certain = true,
     .forced = true},
    {.front = "[TOOL_CALLS]~[~",
     .call = kWithId,
     .between = "~,~",
     .close = "~]",
     .certain = true,
     .forced = true},
};

// v11: a name, an id and arguments for each call.
constexpr CallForm kMistralWithIds[] = {
    {.front = "[TOOL_CALLS]", .call = "$N[CALL_ID]$I[ARGS]~$A", .certain = true, .forced = true},
    {.front = "[TOOL_CALLS]", .call = "$N[ARGS]~$A", .certain = true, .forced = true},
};

// v13 and later: the same without ids.
constexpr CallForm kMistralNamed[] = {
    {.front = "[TOOL_CALLS]", .call = "$N[ARGS]~$A", .certain = true, .forced = true},
};

// What weak models write in place of what their prompt asks for.
#define AQ_PLAIN_FORMS(is_forced)                                                               \
  {.front = "```%~", .call = kArguments, .between = "~", .close = "~```", .forced = is_forced}, \
      {.front = "```%~[~",                                                                      \
       .call = kArguments,                                                                      \
       .between = "~,~",                                                                        \
       .close = "~]~```",                                                                       \
       .forced = is_forced},                                                                    \
      {.front = "<tools>~", .call = kArguments, .between = "~", .close = "~</tools>"},          \
      {.front = "[~", .call = kArguments, .between = "~,~", .close = "~]"}, {                   \
    .front = "", .call = kArguments, .forced = is_forced                                        \
  }

constexpr CallForm kHermes[] = {
    {.front = "<tool_call>~",
     .call = kArguments,
     .close = "~</tool_call>",
     .certain = true,
     .forced = true},
    {.front = "<tool_call>~[~",
     .call = kArguments,
     .between = "~,~",
     .close = "~]~</tool_call>",
     .certain = true},
    AQ_PLAIN_FORMS(false),
};

constexpr CallForm kJson[] = {AQ_PLAIN_FORMS(true)};
#undef AQ_PLAIN_FORMS

constexpr CallForm kLlama[] = {
    {.front = "<|python_tag|>~", .call = kParameters, .between = "~;~"},
    {.front = "<|python_tag|>~", .call = kArguments, .between = "~;~"},
    {.front = "", .call = kParameters, .between = "~;~", .forced = true},
    {.front = "```%~", .call = kParameters, .between = "~", .close = "~```"},
    {.front = "", .call = kArguments, .between = "~;~"},
};

constexpr CallForm kPythonic[] = {
    {.front = "<|python_start|>~[~",
     .call = "$N($K)",
     .between = "~,~",
     .close = "~]~<|python_end|>"},
    {.front = "[~", .call = "$N($K)", .between = "~,~", .close = "~]", .forced = true},
    {.front = "```%~[~", .call = "$N($K)", .between = "~,~", .close = "~]~```"},
};

constexpr std::string_view kMistralTokens[] = {"[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"};
constexpr std::string_view kHermesTokens[] = {"<tool_call>", "</tool_call>"};
constexpr std::string_view kLlamaTokens[] = {"<|python_tag|>"};
constexpr std::string_view kPythonicTokens[] = {"<|python_start|>", "<|python_end|>"};

constexpr std::string_view kOffer =
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n";

constexpr Dialect kDialects[] = {
    {.name = "mistral-v3", .forms = kMistralList, .tokens = kMistralTokens, .short_ids = true},
    {.name = "mistral-v11", .forms = kMistralWithIds, .tokens = kMistralTokens, .short_ids = true},
    {.name = "mistral-v13", .forms = kMistralNamed, .tokens = kMistralTokens, .short_ids = true},
    {.name = "hermes",
     .forms = kHermes,
     .tokens = kHermesTokens,
     .weak = true,
     .no_beginning = "\\s*(?:```|\\{|\\[|<tools)",
     .before_tools = kOffer,
     .after_tools = "\n</tools>\n\nFor each function call, return a json object with function name "
                    "and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n"
                    "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>"},
    {.name = "llama3",
     .forms = kLlama,
     .tokens = kLlamaTokens,
     .weak = true,
     .before_tools = kOffer,
     .after_tools = "\n</tools>\n\nTo call a function, answer with a JSON object and nothing else, "
                    "in the form {\"name\": <function-name>, \"parameters\": <args-json-object>}. "
                    "Separate several calls by ';'."},
    {.name = "pythonic",
     .forms = kPythonic,
     .tokens = kPythonicTokens,
     .weak = true,
     .before_tools = kOffer,
     .after_tools =
         "\n</tools>\n\nTo call functions, answer with a list of calls and nothing else, in the "
         "form [function_name(argument=value), other_function()]."},
    {.name = "json",
     .forms = kJson,
     .weak = true,
     .before_tools = kOffer,
     .after_tools = "\n</tools>\n\nTo call a function, answer with a JSON object in this form:\n"
                    "```json\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n```"},
};

constexpr auto kUnhelped = [] {
  std::array<Dialect, std::size(kDialects)> unhelped;
  std::copy(std::begin(kDialects), std::end(kDialects), unhelped.begin());
  for (Dialect& dialect : unhelped) dialect.weak = false;
  return unhelped;
}();

// What in a template tells its dialect, in the order of looking.
constexpr struct {
  std::string_view sign;
  std::string_view dialect;
} kSigns[] = {
    {"[CALL_ID]", "mistral-v11"},     {"[ARGS]", "mistral-v13"},
    {"[TOOL_CALLS]", "mistral-v3"},   {"<tool_call>", "hermes"},
    {"<|python_start|>", "pythonic"}, {"func_name1(", "pythonic"},
    {"<|python_tag|>", "llama3"},     {"\"parameters\": dictionary", "llama3"},
};

}  // namespace

std::span<const Dialect> dialects() {
  return kDialects;
}

const Dialect* find_dialect(std::string_view name) {
  for (const Dialect& dialect : kDialects)
    if (dialect.name == name) return &dialect;
  return nullptr;
}

const Dialect& without_help(const Dialect& dialect) {
  for (const Dialect& other : kUnhelped)
    if (other.name == dialect.name) return other;
  return dialect;
}

const Dialect& dialect_of_template(std::string_view source) {
  for (const auto& sign : kSigns)
    if (source.find(sign.sign) != source.npos) return *find_dialect(sign.dialect);
  return *find_dialect("json");
}

std::string trigger_of(const CallForm& form) {
  if (form.certain) return std::string(form.front.substr(0, form.front.find('~')));
  // Up to the character behind the name.
  return std::string(form.front).append(form.call.substr(0, form.call.find("$N") + 3));
}

}  // namespace aquilon::chat
