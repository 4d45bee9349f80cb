// What tests of grammars share: a vocabulary in which tokens cross every edge, and whole texts.
#pragma once

#include <boost/json/parse.hpp>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "constraint/matcher.h"

namespace aquilon::constraint {

// All bytes, and some hundred longer tokens such as tokenizers have. The last one ends answers.
inline std::shared_ptr<const Vocabulary> vocabulary_for_test() {
  static const auto vocabulary = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (const char* text :
         {"\":",          "\": ",  "\",",   "\", \"",    "\"}",        "\"},{\"", "\"]",
          "{\"",          "[{\"",  "[\"",   "\":\"",     "\":\"\",\"", "\": \"",  ", ",
          "},",           "}]",    "]}",    "  ",        "    ",       "\n",      "\n  ",
          "true",         "false", "null",  "tru",       "name",       "na",      "me\"",
          "id",           "id\":", " the",  "the",       "\u00e9",     "\xC3",    "\xA9\"",
          "\u20ac\u20ac", "12",    "123",   "0.",        ".5",         "-1",      "1}",
          "00",           "\\n",   "\\\"",  "\\u00",     "\\",         "a",       "ab",
          "abc",          "b\"",   "value", "type\":\"", "\"\"",       "\"a\":1", "\"a\":1,\"a\":1",
          "{}",           "[]",    "[1",    "1,",        "kind",       "ing",     "er\": ",
          "\xF0\x9F",     "x",     "y",     "xy",        "\",\"a\":",  "e+",      "E5",
          "2024-",        "-01",   "T00:",  ":00Z\"",    "@",          ".com",    "//",
          "http"})
      tokens.emplace_back(text);
    for (const char* text :
         {"Hello", " World", "\u00a0x", "\u65e5\u672c", "\u65e5\"", "/x", "a/b\",", "x#\"",
          "http://", "e f", "\\", "\\\"", "x\\\"y\"}", "\\ud83d", "a\"", "]}\""})
      tokens.emplace_back(text);
    for (const char* text : {" a",
                             " an",
                             " the-",
                             " item of",
                             "word",
                             "words ",
                             "_url",
                             "://",
                             "Ab9",
                             " international",
                             "johndoe",
                             "abcdefghijklmnopqrstuvwxyz",
                             "x.y",
                             " abcdefghijklmnopqrstuvwxyz",
                             "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e",
                             "a\u00e9b",
                             "AGGREGATE",
                             "aggre",
                             "gate_",
                             " \"",
                             "  \"",
                             "\n\"",
                             " \"a",
                             " {\"",
                             " [",
                             " }",
                             "\n}",
                             "  ]",
                             " ,",
                             " :",
                             " null",
                             " 12",
                             "\t",
                             "\r\n"})
      tokens.emplace_back(text);
    tokens.emplace_back(130, '-');  // longer than what is counted by tables
    tokens.emplace_back(std::string(129, '=') + "\"");
    tokens.emplace_back();
    const auto end = static_cast<TokenId>(tokens.size() - 1);
    return *Vocabulary::make(std::move(tokens), {end});
  }();
  return vocabulary;
}

inline bool accepts(const Grammar& grammar, std::string_view text) {
  Matcher matcher(grammar, vocabulary_for_test());
  for (const char c : text)
    if (!matcher.accept_bytes({&c, 1})) return false;
  return matcher.is_accepting();
}

inline std::vector<MaskWord> mask_of(Matcher& matcher, bool cached = true) {
  std::vector<MaskWord> mask(vocabulary_for_test()->mask_words());
  const Status status =
      cached ? matcher.fill_mask(mask) : matcher.fill_mask_uncached_for_test(mask);
  return status.ok() ? mask : std::vector<MaskWord>();
}

inline std::vector<TokenId> tokens_in(const std::vector<MaskWord>& mask) {
  std::vector<TokenId> tokens;
  for (std::size_t word = 0; word < mask.size(); ++word)
    for (std::uint64_t left = mask[word]; left != 0; left &= left - 1)
      tokens.push_back(static_cast<TokenId>(word * 64) + __builtin_ctzll(left));
  return tokens;
}

// The next token of a random answer that should come to an end: after `long_after` tokens mostly
// those that close something.
inline TokenId choose_token(const std::vector<TokenId>& allowed, const Vocabulary& vocabulary,
                            std::size_t written, std::size_t long_after, std::mt19937_64& random) {
  if (written >= long_after || random() % 8 == 0) {
    for (const TokenId token : allowed)
      if (vocabulary.is_end(token)) return token;
    if (random() % 4 != 0)
      for (const char close : {'"', '}', ']'})
        for (const TokenId token : allowed)
          if (vocabulary.bytes(token).size() == 1 && vocabulary.bytes(token)[0] == close)
            return token;
  }
  return allowed[random() % allowed.size()];
}

}  // namespace aquilon::constraint
