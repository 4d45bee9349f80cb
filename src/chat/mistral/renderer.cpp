#include "chat/mistral/renderer.h"

#include <algorithm>

#include "chat/mistral/python_json.h"
#include "chat/mistral/settings_internal.h"
#include "chat/mistral/tools_internal.h"

namespace aquilon::chat::mistral {
namespace {

Error about_messages(Code code, std::string message) {
  Error error{code, std::move(message)};
  error.param = "messages";
  return error;
}

// JSON of a list of calls: [{"name": ..., "arguments": ..., "id": ...}].
std::string call_list(const std::vector<Call>& calls, bool with_ids) {
  std::string list = "[";
  for (const Call& call : calls) {
    if (list.size() > 1) list += ", ";
    list += "{\"name\": " + dump_text(call.name) + ", \"arguments\": " + call.arguments;
    if (with_ids && !call.id.empty()) list += ", \"id\": " + dump_text(call.id);
    list += "}";
  }
  return list + "]";
}

// A result's content as JSON: what it is, or else a string of it.
std::string result_json(const std::string& text) {
  if (text.empty()) return "{}";
  return normalise_json(text).value_or(dump_text(text));
}

std::string_view without_spaces_at_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

// The tools' turns from `at` on, up to another's.
std::span<const Turn> results_from(std::span<const Turn> turns, std::size_t at) {
  std::size_t end = at;
  while (end < turns.size() && turns[end].role == Role::kTool) ++end;
  return turns.subspan(at, end - at);
}

}  // namespace

Result<Renderer> Renderer::make(const text::Tokenizer& tokenizer, const Format& format) {
  Renderer renderer(tokenizer, format);
  for (std::size_t i = 0; i < kControls; ++i) {
    const auto control = static_cast<Control>(i);
    const std::string_view written = written_form(control);
    const text::TokenId id = tokenizer.find_token(written);
    const bool there = id >= 0 && tokenizer.kind(id) == text::TokenKind::kControl;
    renderer.ids_[i] = there ? id : -1;
    if (!there && needs(format, control))
      return make_error(Code::kUnsupported,
                        "chat format {} needs the control token {}, which this model's vocabulary "
                        "does not have",
                        format.name, written);
  }
  return renderer;
}

void Renderer::put(Control control, Ids& out) const {
  out.push_back(ids_[static_cast<std::size_t>(control)]);
}

void Renderer::put(std::string_view text, Ids& out) const {
  const Ids ids = tokenizer_.encode(text);
  out.insert(out.end(), ids.begin(), ids.end());
}

Status Renderer::put_parts(const std::vector<Part>& parts, Ids& out) const {
  for (const Part& part : parts) {
    if (!part.thinking) {
      put(part.text, out);
      continue;
    }
    if (!has(Control::kThink) || !has(Control::kEndThink))
      return about_messages(Code::kUnsupported, "this model's vocabulary has no [THINK]");
    put(Control::kThink, out);
    put(part.text, out);
    if (part.closed) put(Control::kEndThink, out);
  }
  return {};
}

Status Renderer::put_system(const Turn& turn, Ids& out) const {
  put(Control::kSystem, out);
  AQ_RETURN_IF_ERROR(put_parts(turn.parts, out));
  put(Control::kEndSystem, out);
  return {};
}

// `before`: the system's text, where it belongs here.
void Renderer::put_user(const Turn& turn, std::string_view before, Ids& out) const {
  std::string text(before);
  if (!before.empty()) text += "\n\n";
  text += turn.text();
  if (format_.inst_is_text) return put("[INST] " + text + " [/INST]", out);
  put(Control::kInst, out);
  put(text, out);
  put(Control::kEndInst, out);
}

Status Renderer::put_assistant(const Turn& turn, Ids& out) const {
  if (turn.parts.empty() && turn.calls.empty() && !turn.open)
    return about_messages(Code::kInvalidArgument,
                          "a message of the assistant has neither text nor tool calls");
  if (turn.has_thinking()) {
    AQ_RETURN_IF_ERROR(put_parts(turn.parts, out));
  } else if (!turn.parts.empty()) {
    const std::string_view text = turn.parts.front().text;
    put(format_.trims_answers ? without_spaces_at_end(text) : text, out);
  }
  if (!turn.calls.empty()) put_calls(turn.calls, out);
  if (!turn.open) put(Control::kEos, out);
  return {};
}

void Renderer::put_calls(const std::vector<Call>& calls, Ids& out) const {
  if (format_.calls == CallForm::kList || format_.calls == CallForm::kListWithIds) {
    put(Control::kCalls, out);
    return put(call_list(calls, format_.calls == CallForm::kListWithIds), out);
  }
  for (const Call& call : calls) {
    put(Control::kCalls, out);
    put(call.name, out);
    if (format_.calls == CallForm::kNamedWithId && !call.id.empty()) {
      put(Control::kCallId, out);
      put(call.id, out);
    }
    put(Control::kArgs, out);
    put(call.arguments, out);
  }
}

void Renderer::put_result(const Turn& turn, Ids& out) const {
  const std::string text = turn.text();
  put(Control::kResults, out);
  if (format_.results == ResultForm::kWithCallId) {
    put("{\"content\": " + result_json(text) + ", \"call_id\": " + dump_text(turn.call_id) + "}",
        out);
  } else if (format_.results == ResultForm::kIdThenText) {
    put(turn.call_id, out);
    put(Control::kToolContent, out);
    put(text, out);
  } else {
    put(text, out);
  }
  put(Control::kEndResults, out);
}

// Neighbouring results.
void Renderer::put_results(std::span<const Turn> turns, Ids& out) const {
  if (format_.results != ResultForm::kNamedList) {
    for (const Turn& turn : turns) put_result(turn, out);
    return;
  }
  std::string list = "[";
  for (const Turn& turn : turns) {
    if (list.size() > 1) list += ", ";
    const std::string name = turn.name.empty() ? "null" : dump_text(turn.name);
    list += "{\"name\": " + name + ", \"content\": " + result_json(turn.text()) + "}";
  }
  put(Control::kResults, out);
  put(list + "]", out);
  put(Control::kEndResults, out);
}

Result<Renderer::Ids> Renderer::tools_and_settings(const ChatRequest& request) const {
  Ids out;
  const std::string tools = AQ_TRY(tools_json(request.tools));
  if (!tools.empty() && format_.tools == ToolsPlace::kNowhere)
    return Error{Code::kUnsupported,
                 fmt::format("this model's chat format ({}) has no tools", format_.name), "tools"};
  if (!tools.empty()) {
    put(Control::kTools, out);
    put(tools, out);
    put(Control::kEndTools, out);
  }
  if (!format_.settings) return out;
  const std::string settings =
      AQ_TRY(settings_json(tokenizer_.traits().mistral_settings, request.settings));
  if (settings.empty()) return out;
  put(Control::kSettings, out);
  put(settings, out);
  put(Control::kEndSettings, out);
  return out;
}

struct Renderer::Places {
  std::size_t first, last;

  explicit Places(const std::vector<Turn>& turns) : first(turns.size()), last(turns.size()) {
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (turns[i].role != Role::kUser) continue;
      if (first == turns.size()) first = i;
      last = i;
    }
  }
};

Result<std::vector<text::TokenId>> Renderer::chat(const ChatRequest& request) const {
  const Conversation conversation =
      AQ_TRY(read_conversation(request.messages, request.continue_final_message, format_));
  return chat(conversation, request);
}

Result<std::vector<text::TokenId>> Renderer::chat(const Conversation& conversation,
                                                  const ChatRequest& request) const {
  const std::vector<Turn>& turns = conversation.turns;
  const Ids extras = AQ_TRY(tools_and_settings(request));
  const Places users(turns);
  const bool at_first = format_.tools == ToolsPlace::kBeforeFirstUser;
  const std::size_t extras_at = at_first ? users.first : users.last;
  const std::size_t system_at =
      format_.system == SystemPlace::kFirstUser ? users.first : users.last;
  Ids out;
  put(Control::kBos, out);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Turn& turn = turns[i];
    const bool old = format_.drops_old_exchanges && users.last < turns.size() && i < users.last;
    if (old && (turn.role == Role::kTool || !turn.calls.empty())) continue;
    switch (turn.role) {
      case Role::kSystem:
        AQ_RETURN_IF_ERROR(put_system(turn, out));
        break;
      case Role::kUser:
        if (i == extras_at) out.insert(out.end(), extras.begin(), extras.end());
        put_user(turn, i == system_at ? conversation.system.value_or("") : "", out);
        break;
      case Role::kAssistant:
        AQ_RETURN_IF_ERROR(put_assistant(turn, out));
        break;
      case Role::kTool: {
        const std::span<const Turn> results = results_from(turns, i);
        put_results(results, out);
        i += results.size() - 1;
        break;
      }
    }
  }
  return out;
}

Result<std::vector<text::TokenId>> Renderer::fill_in(std::string_view before,
                                                     std::string_view after) const {
  if (!can_fill_in())
    return make_error(Code::kUnsupported,
                      "this model's vocabulary has no [PREFIX] and [SUFFIX]: it cannot fill in");
  Ids out;
  put(Control::kBos, out);
  put(Control::kSuffix, out);
  if (!after.empty()) {
    // The text behind goes on a line, so that no space belongs before it: behind a character that
    // is cut off again there is none.
    constexpr std::size_t kCut = 2;
    const Ids ids = tokenizer_.encode("\u263A" + std::string(after));
    out.insert(out.end(), ids.begin() + std::min(kCut, ids.size()), ids.end());
  }
  put(Control::kPrefix, out);
  put(before, out);
  return out;
}

}  // namespace aquilon::chat::mistral
