#include "chat/mistral/format.h"

#include <array>

namespace aquilon::chat::mistral {
namespace {

constexpr std::array<std::string_view, kControls> kWritten = {
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
    "[ARGS]",
    "[CALL_ID]",
    "[THINK]",
    "[/THINK]",
    "[MODEL_SETTINGS]",
    "[/MODEL_SETTINGS]",
    "[PREFIX]",
    "[SUFFIX]",
};

}  // namespace

std::string_view written_form(Control control) {
  return kWritten[static_cast<std::size_t>(control)];
}

const Format* find_format(std::string_view name) {
  for (const Format& format : kFormats)
    if (format.name == name) return &format;
  return nullptr;
}

bool needs(const Format& format, Control control) {
  const bool tools = format.tools != ToolsPlace::kNowhere;
  const bool named = format.calls == CallForm::kNamed || format.calls == CallForm::kNamedWithId;
  switch (control) {
    case Control::kBos:
    case Control::kEos:
      return true;
    case Control::kInst:
    case Control::kEndInst:
      return !format.inst_is_text;
    case Control::kTools:
    case Control::kEndTools:
    case Control::kCalls:
    case Control::kResults:
    case Control::kEndResults:
      return tools;
    case Control::kSystem:
    case Control::kEndSystem:
      return format.system == SystemPlace::kOwnTurn;
    case Control::kToolContent:
      return format.results == ResultForm::kIdThenText;
    case Control::kArgs:
      return named;
    case Control::kCallId:
      return format.calls == CallForm::kNamedWithId;
    case Control::kSettings:
    case Control::kEndSettings:
      return format.settings;
    case Control::kThink:  // not every model of such a version reasons
    case Control::kEndThink:
    case Control::kPrefix:
    case Control::kSuffix:
      return false;
  }
  return false;
}

}  // namespace aquilon::chat::mistral
