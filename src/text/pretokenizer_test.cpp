#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/tokenizer_cases_for_test.h"

namespace aquilon::text {
namespace {

constexpr std::string_view kNames[] = {"gpt-2",  "smollm", "qwen2",  "llama-bpe",
                                       "qwen35", "tekken", "llama4", "default"};

std::vector<std::string> cut(PreTokenizer pre, std::string_view text) {
  std::vector<std::string> pieces;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p != end;) {
    const char* const q = piece_end(pre, p, end);
    if (q <= p || q > end) {
      ADD_FAILURE() << "a piece must advance and stay inside";
      break;
    }
    pieces.emplace_back(p, q);
    p = q;
  }
  return pieces;
}

TEST(PreTokenizer, CutsAsTokenizersDoes) {
  const auto rows = read_lines_for_test(test_data_for_test("pieces.jsonl"));
  ASSERT_GT(rows.size(), 300u);
  for (const auto& row : rows) {
    const std::string text = string_for_test(row.at("text"));
    for (const std::string_view name : kNames) {
      std::vector<std::size_t> lengths;
      for (const std::string& piece : cut(*find_pre_tokenizer(name), text)) {
        lengths.push_back(piece.size());
      }
      EXPECT_EQ(lengths, numbers_for_test<std::size_t>(row.at(name))) << name << ": " << text;
    }
  }
}

struct Case {
  const char* pre;
  std::string text;
  std::vector<std::string> pieces;
};

TEST(PreTokenizer, CutsCornersByHand) {
  const Case cases[] = {
      {"gpt-2", "it's IT'S", {"it", "'s", " IT", "'", "S"}},
      {"llama-bpe", "it's IT'S", {"it", "'s", " IT", "'S"}},
      {"llama-bpe", "'\u017Fx", {"'\u017F", "x"}},  // the long s folds to s
      {"qwen2", "12 345", {"1", "2", " ", "3", "4", "5"}},
      {"llama-bpe", "12345 6", {"123", "45", " ", "6"}},
      {"smollm", "a  12", {"a", "  ", "1", "2"}},
      {"gpt-2", "a  12", {"a", " ", " 12"}},
      {"default", "a  12345!", {"a", " ", " ", "123", "45", "!"}},
      {"default", "x ==y", {"x", " ", "==", "y"}},
      {"default", "\u066312", {"\u066312"}},
      {"default", "\u0663123\u0663", {"\u0663", "123", "\u0663"}},
      {"llama-bpe", "a \n \n  b", {"a", " \n \n", " ", " b"}},
      {"gpt-2", "a \n \n  b", {"a", " \n \n ", " b"}},
      {"qwen2", "(x);\r\n\ny", {"(x", ");\r\n\n", "y"}},
      {"qwen2", "\tx\t\ty", {"\tx", "\t", "\ty"}},
      {"qwen35", "e\u0301t \u0301", {"e\u0301t", " \u0301"}},
      {"qwen35", "\u0301 !\u0301x", {"\u0301", " !", "\u0301x"}},
      {"tekken", "HelloWorld HTTPServer", {"Hello", "World", " HTTPServer"}},
      {"tekken", "\u65E5ABC", {"\u65E5", "ABC"}},
      {"tekken", "\u0301ABC !A", {"\u0301", "ABC", " !", "A"}},
      {"tekken", "it's 12", {"it", "'s", " ", "1", "2"}},
      {"tekken", "a //\n/\n b", {"a", " //\n/\n", " b"}},
      {"llama4", "it's IT'LL 1234", {"it's", " IT'LL", " ", "123", "4"}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(cut(*find_pre_tokenizer(c.pre), c.text), c.pieces) << c.pre << ": " << c.text;
  }
}

TEST(PreTokenizer, TakesEveryByteOfInvalidUtf8AsASymbol) {
  using Pieces = std::vector<std::string>;
  for (const char* name : {"gpt-2", "smollm", "qwen2", "llama-bpe", "qwen35", "tekken", "llama4"}) {
    const PreTokenizer pre = *find_pre_tokenizer(name);
    EXPECT_EQ(cut(pre, "1 \xFF\xC0\x80 a"), (Pieces{"1", " \xFF\xC0\x80", " a"})) << name;
    EXPECT_EQ(cut(pre, "1\xE6\x97"), (Pieces{"1", "\xE6\x97"})) << name;  // 日 without its end
    EXPECT_EQ(cut(pre, "1\xED\xA0\x80"), (Pieces{"1", "\xED\xA0\x80"})) << name;  // a surrogate
    EXPECT_EQ(cut(pre, std::string("1\0\0", 3)), (Pieces{"1", std::string("\0\0", 2)})) << name;
  }
}

TEST(PreTokenizer, KnowsAliasesAndNamesWhatItLacks) {
  EXPECT_EQ(*find_pre_tokenizer("llama3"), PreTokenizer::kLlamaBpe);
  EXPECT_EQ(*find_pre_tokenizer("llama-v3"), PreTokenizer::kLlamaBpe);
  EXPECT_EQ(*find_pre_tokenizer("deepseek-r1-qwen"), PreTokenizer::kQwen2);
  EXPECT_EQ(*find_pre_tokenizer(""), PreTokenizer::kDefault);
  EXPECT_TRUE(ignores_merges(PreTokenizer::kLlamaBpe));
  EXPECT_FALSE(ignores_merges(PreTokenizer::kQwen2));
  const auto unknown = find_pre_tokenizer("falcon");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, Code::kUnsupported);
  EXPECT_NE(unknown.error().message.find("'falcon'"), std::string::npos);
  EXPECT_NE(unknown.error().message.find("qwen2"), std::string::npos);
}

TEST(UnicodeClasses, AreThoseOfUnicode16) {
  const UnicodeClasses& classes = UnicodeClasses::get();
  EXPECT_EQ(classes.of('a'), kLetter | kTail);
  EXPECT_EQ(classes.of(0x4E2D), kLetter | kHead | kTail);
  EXPECT_EQ(classes.of(0x1C5), kLetter | kHead);   // a title case letter
  EXPECT_EQ(classes.of(0xA7DA), kLetter | kHead);  // new in 16
  EXPECT_EQ(classes.of(0x88F), kOther);            // new in 17
  EXPECT_EQ(classes.of(0xBD), kNumber);
  EXPECT_EQ(classes.of(0x3000), kSpace);
  EXPECT_EQ(classes.of('\n'), kNewline);
  EXPECT_EQ(classes.of(0x301), kOther | kHead | kTail);
  EXPECT_EQ(classes.of(0x10FFFF), kOther);
  EXPECT_EQ(classes.of('!'), kOther | kSplit);
  EXPECT_EQ(classes.of('='), kOther | kSplit);
  EXPECT_EQ(classes.of('`'), kOther);
}

}  // namespace
}  // namespace aquilon::text
