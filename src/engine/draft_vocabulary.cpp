// Whether a draft model speaks the language of the model that it guesses for.
#include <algorithm>
#include <string>

#include "engine/draft_model.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr std::size_t kMostPadding = 256;  // ids that one of the vocabularies may have more

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
    text += plain ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return text + '"';
}

}  // namespace

Status check_same_vocabulary(const text::Tokenizer& model, std::string_view model_name,
                             const text::Tokenizer& draft, std::string_view draft_name) {
  const auto differ = [&](const std::string& how) {
    return make_error(Code::kInvalidArgument,
                      "the draft model '{}' has another vocabulary than '{}': {}; choose one of "
                      "the same family",
                      draft_name, model_name, how);
  };
  const std::size_t here = model.vocab_size();
  const std::size_t there = draft.vocab_size();
  for (std::size_t i = 0; i < std::min(here, there); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (model.token_bytes(id) != draft.token_bytes(id))
      return differ(fmt::format("token {} is {} there and {} here", i,
                                quoted(draft.token_bytes(id)), quoted(model.token_bytes(id))));
  }
  if (std::max(here, there) - std::min(here, there) > kMostPadding)
    return differ(fmt::format("{} tokens there and {} here", there, here));
  return {};
}

}  // namespace aquilon::engine
