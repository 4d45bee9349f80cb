// Follows a text under a constraint as an answer is followed: masks, then the token of each byte.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "constraint/matcher.h"

namespace aquilon::fuzz {

// Every byte a token, and one that ends.
inline const std::shared_ptr<const constraint::Vocabulary>& byte_vocabulary() {
  static const std::shared_ptr<const constraint::Vocabulary> vocabulary = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    tokens.emplace_back();
    return *constraint::Vocabulary::make(std::move(tokens), {256});
  }();
  return vocabulary;
}

// Some token is allowed wherever the text goes on, or a limit was met.
inline void follow(const Result<constraint::Grammar>& grammar, std::string_view text) {
  if (!grammar.ok()) {
    AQ_CHECK(!grammar.error().message.empty());
    return;
  }
  constraint::Matcher matcher(*grammar, byte_vocabulary());
  std::vector<constraint::MaskWord> mask(byte_vocabulary()->mask_words());
  for (std::size_t i = 0; i <= text.size() && i < 300; ++i) {
    if (const Status filled = matcher.fill_mask(mask); !filled.ok()) {
      AQ_CHECK(filled.error().code == Code::kUnsupported);
      return;
    }
    bool any = false;
    for (const constraint::MaskWord word : mask) any = any || word != 0;
    AQ_CHECK(any);
    if (i == text.size() || !matcher.accept(static_cast<unsigned char>(text[i]))) break;
  }
}

}  // namespace aquilon::fuzz
