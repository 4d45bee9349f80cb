// POST /v1/completions: text_completion, with OpenAI's older form of log-probabilities.
#include <algorithm>
#include <cmath>
#include <map>

#include "api/answer_shape.h"
#include "api/json_text.h"
#include "api/shape_parts_internal.h"
#include "base/utf8.h"

namespace aquilon::api {
namespace {

// A token as the older form names it: its text, or "bytes:\xe2\x80" where it is not whole UTF-8.
std::string token_name(std::string_view bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) {
      std::string name = "bytes:";
      for (const char c : bytes) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      return name;
    }
    rest.remove_prefix(length);
  }
  return std::string(bytes);
}

// Characters that `bytes` begin: those that do not continue a sequence.
int character_count(std::string_view bytes) {
  return static_cast<int>(std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// An echo's first token has none.
void append_logprob(std::string& out, float logprob) {
  if (std::isnan(logprob)) {
    out += "null";
  } else {
    append_json_number(out, logprob);
  }
}

// {"token": logprob, ...}, best first, the chosen one always among them.
void append_top(std::string& out, const chat::TokenLogprobs& token) {
  if (std::isnan(token.chosen.logprob)) {
    out += "null";
    return;
  }
  std::vector<std::string> written;
  const auto append = [&](const chat::TokenLogprob& entry) {
    std::string name = token_name(entry.bytes);
    if (std::find(written.begin(), written.end(), name) != written.end()) return;
    if (!written.empty()) out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_number(out, entry.logprob);
    written.push_back(std::move(name));
  };
  out += '{';
  for (const chat::TokenLogprob& entry : token.top) append(entry);
  append(token.chosen);
  out += '}';
}

template <class Append>
void append_list(std::string& out, std::string_view name,
                 std::span<const chat::TokenLogprobs> tokens, Append append) {
  out += fmt::format("\"{}\":[", name);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) out += ',';
    append(tokens[i]);
  }
  out += ']';
}

class TextShape final : public ChunkShape {
 public:
  TextShape(AnswerHead head, int top_logprobs)
      : start_(answer_start(head, "text_completion") + ",\"choices\":["),
        top_logprobs_(top_logprobs) {}

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    std::string out = start_;
    for (const ChoicePart& choice : choices) {
      if (&choice != choices.data()) out += ',';
      append_choice(out, choice);
    }
    out += ']';
    append_usage(out, usage);
    out += '}';
    return out;
  }

  std::string opening(int) override { return {}; }

  std::string chunk(const ChoicePart& part, const chat::Usage* usage) override {
    std::string out = start_;
    append_choice(out, part);
    out += ']';
    if (usage) append_usage(out, *usage);
    out += '}';
    return out;
  }

  std::string usage_chunk(const chat::Usage& usage) override {
    std::string out = start_ + "]";
    append_usage(out, usage);
    out += '}';
    return out;
  }

  std::string error_chunk(std::span<const int> choices, const ApiError& error) override {
    std::string out = start_;
    for (const int& choice : choices) {
      if (&choice != choices.data()) out += ',';
      out += fmt::format("{{\"index\":{},\"text\":\"\",\"finish_reason\":\"error\"}}", choice);
    }
    out += "],\"error\":" + error_object(error) + "}";
    return out;
  }

 private:
  void append_choice(std::string& out, const ChoicePart& part) {
    out += fmt::format("{{\"index\":{},\"text\":", part.index);
    append_json_string(out, part.text);
    out += ",\"logprobs\":";
    if (top_logprobs_ < 0) {
      out += "null";
    } else {
      append_logprobs(out, part);
    }
    out += ",\"finish_reason\":";
    append_finish_reason(out, part);
    append_prompt_ids(out, part);
    append_prompt_logprobs(out, part);
    append_ids(out, part);
    out += '}';
  }

  void append_logprobs(std::string& out, const ChoicePart& part) {
    const auto& tokens = part.logprobs;
    out += '{';
    append_list(out, "tokens", tokens, [&](const chat::TokenLogprobs& token) {
      append_json_string(out, token_name(token.chosen.bytes));
    });
    out += ',';
    append_list(out, "token_logprobs", tokens, [&](const chat::TokenLogprobs& token) {
      append_logprob(out, token.chosen.logprob);
    });
    if (top_logprobs_ == 0) {
      out += ",\"top_logprobs\":null,";
    } else {
      out += ',';
      append_list(out, "top_logprobs", tokens,
                  [&](const chat::TokenLogprobs& token) { append_top(out, token); });
      out += ',';
    }
    int& offset = offsets_[part.index];
    append_list(out, "text_offset", tokens, [&](const chat::TokenLogprobs& token) {
      out += fmt::format_int(offset).str();
      offset += character_count(std::string_view(token.chosen.bytes).substr(token.hidden));
    });
    out += '}';
  }

  std::string start_;
  int top_logprobs_;
  std::map<int, int> offsets_;  // of each choice's next token, in characters of the answer
};

}  // namespace

std::unique_ptr<AnswerShape> make_text_shape(AnswerHead head, int top_logprobs) {
  return std::make_unique<TextShape>(std::move(head), top_logprobs);
}

}  // namespace aquilon::api
