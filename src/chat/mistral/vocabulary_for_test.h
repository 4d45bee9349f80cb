// Vocabularies that chat formats are tested with: Mistral's own where ../shared is at hand, and a
// small one with its control tokens. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "text/byte_alphabet.h"
#include "text/tekken_for_test.h"
#include "text/tokenizer.h"

namespace aquilon::chat::mistral {

// Special tokens of later tekken.json files, as their lists give them.
inline std::vector<std::string> later_specials_for_test() {
  std::vector<std::string> names = {"<unk>",
                                    "<s>",
                                    "</s>",
                                    "[INST]",
                                    "[/INST]",
                                    "[AVAILABLE_TOOLS]",
                                    "[/AVAILABLE_TOOLS]",
                                    "[TOOL_RESULTS]",
                                    "[/TOOL_RESULTS]",
                                    "[TOOL_CALLS]",
                                    "[IMG]",
                                    "<pad>",
                                    "[IMG_BREAK]",
                                    "[IMG_END]",
                                    "[PREFIX]",
                                    "[MIDDLE]",
                                    "[SUFFIX]",
                                    "[SYSTEM_PROMPT]",
                                    "[/SYSTEM_PROMPT]",
                                    "[TOOL_CONTENT]"};
  while (names.size() < 40) names.push_back("<SPECIAL_" + std::to_string(names.size()) + ">");
  names[24] = "[AUDIO]";
  names[25] = "[BEGIN_AUDIO]";
  names[32] = "[ARGS]";
  names[33] = "[CALL_ID]";
  names[34] = "[THINK]";
  names[35] = "[/THINK]";
  names[36] = "[MODEL_SETTINGS]";
  names[37] = "[/MODEL_SETTINGS]";
  return names;
}

inline bool have_shared_tokenizers() {
  return std::filesystem::exists(text::tekken_ranks_for_test());
}

// "v1" to "v7": SentencePiece; "v3-tekken", "v7-tekken", "v11" to "v15": Tekken. Kept.
inline const text::Tokenizer& shared_tokenizer(const std::string& version) {
  static std::map<std::string, std::unique_ptr<text::Tokenizer>> kept;
  std::unique_ptr<text::Tokenizer>& tokenizer = kept[version];
  if (tokenizer) return *tokenizer;
  static const std::map<std::string, std::string> kFiles = {
      {"v1", "tokenizer.model.v1"},
      {"v2", "mistral_instruct_tokenizer_240216.model.v2"},
      {"v3", "mistral_instruct_tokenizer_240323.model.v3"},
      {"v7", "mistral_instruct_tokenizer_241114.model.v7"}};
  std::string file;
  if (const auto found = kFiles.find(version); found != kFiles.end()) {
    file = read_file(text::shared_tokenizer_for_test(found->second)).value();
  } else {
    const bool old = version.ends_with("-tekken");
    file = text::tekken_json_for_test(version.substr(0, version.find('-')),
                                      old ? std::vector<std::string>{} : later_specials_for_test());
  }
  auto made = text::read_tokenizer_file(file);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  tokenizer = std::move(made).value();
  return *tokenizer;
}

// The 256 bytes and the control tokens of every version.
inline std::unique_ptr<text::Tokenizer> byte_tokenizer() {
  text::BpeSpec spec;
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    spec.tokens.push_back(text::alphabet_form({&byte, 1}));
  }
  spec.kinds.assign(256, text::TokenKind::kNormal);
  for (const std::string& token : later_specials_for_test()) {
    spec.tokens.push_back(token);
    spec.kinds.push_back(text::TokenKind::kControl);
  }
  spec.pre = "tekken";
  auto made = text::make_bpe_tokenizer(std::move(spec));
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return std::move(made).value();
}

}  // namespace aquilon::chat::mistral
