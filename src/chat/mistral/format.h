// Mistral's chat formats as data: what each version of its tokenizer puts where.
// Source: the Python package mistral-common (Apache-2.0), whose behaviour this describes.
#pragma once

#include <cstdint>
#include <string_view>

namespace aquilon::chat::mistral {

// Control tokens of the formats.
enum class Control : std::uint8_t {
  kBos,
  kEos,
  kInst,
  kEndInst,
  kTools,
  kEndTools,
  kCalls,
  kResults,
  kEndResults,
  kSystem,
  kEndSystem,
  kToolContent,
  kArgs,
  kCallId,
  kThink,
  kEndThink,
  kSettings,
  kEndSettings,
  kPrefix,
  kSuffix,
};
inline constexpr std::size_t kControls = 20;
std::string_view written_form(Control control);  // "[INST]"

enum class SystemPlace : std::uint8_t {
  kFirstUser,  // with a blank line before the first user's text
  kLastUser,   // the same, the last one's
  kOwnTurn,    // between control tokens, where it stands
};

enum class ToolsPlace : std::uint8_t { kNowhere, kBeforeLastUser, kBeforeFirstUser };

enum class CallForm : std::uint8_t {
  kNone,
  kList,         // [TOOL_CALLS] [{"name", "arguments"}]
  kListWithIds,  // [TOOL_CALLS] [{"name", "arguments", "id"}]
  kNamedWithId,  // [TOOL_CALLS] name [CALL_ID] id [ARGS] {...}, for each call
  kNamed,        // [TOOL_CALLS] name [ARGS] {...}, for each call
};

enum class ResultForm : std::uint8_t {
  kNone,
  kNamedList,   // [{"name", "content"}]
  kWithCallId,  // {"content", "call_id"}
  kIdThenText,  // id [TOOL_CONTENT] text
  kText,        // text
};

struct Format {
  std::string_view name;  // of the version: "v3"
  SystemPlace system;
  ToolsPlace tools;
  CallForm calls;
  ResultForm results;
  bool inst_is_text = false;         // "[INST] " and " [/INST]" are ordinary text
  bool trims_answers = true;         // spaces at the end of an assistant's text are dropped
  bool drops_old_exchanges = false;  // calls and results before the last user's turn
  bool text_beside_calls = false;    // in one assistant's turn
  bool sorts_results = false;        // into the order of the calls
  bool thinks = false;               // [THINK] text [/THINK] in assistants' turns
  bool thinks_in_system = false;
  bool settings = false;                    // [MODEL_SETTINGS] behind the tools
  std::string_view between_parts = "\n\n";  // of one message's text
};

// All versions, oldest first.
inline constexpr Format kFormats[] = {
    {.name = "v1",
     .system = SystemPlace::kFirstUser,
     .tools = ToolsPlace::kNowhere,
     .calls = CallForm::kNone,
     .results = ResultForm::kNone,
     .inst_is_text = true,
     .trims_answers = false},
    {.name = "v2",
     .system = SystemPlace::kLastUser,
     .tools = ToolsPlace::kBeforeLastUser,
     .calls = CallForm::kList,
     .results = ResultForm::kNamedList,
     .drops_old_exchanges = true},
    {.name = "v3",
     .system = SystemPlace::kLastUser,
     .tools = ToolsPlace::kBeforeLastUser,
     .calls = CallForm::kListWithIds,
     .results = ResultForm::kWithCallId},
    {.name = "v7",
     .system = SystemPlace::kOwnTurn,
     .tools = ToolsPlace::kBeforeLastUser,
     .calls = CallForm::kListWithIds,
     .results = ResultForm::kIdThenText,
     .text_beside_calls = true},
    {.name = "v11",
     .system = SystemPlace::kOwnTurn,
     .tools = ToolsPlace::kBeforeLastUser,
     .calls = CallForm::kNamedWithId,
     .results = ResultForm::kIdThenText,
     .text_beside_calls = true,
     .sorts_results = true},
    {.name = "v13",
     .system = SystemPlace::kOwnTurn,
     .tools = ToolsPlace::kBeforeFirstUser,
     .calls = CallForm::kNamed,
     .results = ResultForm::kText,
     .text_beside_calls = true,
     .sorts_results = true,
     .thinks = true,
     .thinks_in_system = true},
    {.name = "v15",
     .system = SystemPlace::kOwnTurn,
     .tools = ToolsPlace::kBeforeFirstUser,
     .calls = CallForm::kNamed,
     .results = ResultForm::kText,
     .text_beside_calls = true,
     .sorts_results = true,
     .thinks = true,
     .settings = true,
     .between_parts = ""},
};

// Null where there is no such version.
const Format* find_format(std::string_view name);

// Whether prompts of the format can hold this token, so that a vocabulary must have it.
bool needs(const Format& format, Control control);

}  // namespace aquilon::chat::mistral
