#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/tokenizer_cases_for_test.h"

namespace aquilon::text {
namespace {

namespace json = boost::json;
using Ids = std::vector<TokenId>;

json::object small_json() {
  auto file = read_file(test_data_for_test("small-bpe/tokenizer.json"));
  EXPECT_TRUE(file.ok());
  return json::parse(*file).as_object();
}

std::string write(const json::object& object) {
  return json::serialize(object);
}

Ids ids_of(const json::object& object, std::string_view text) {
  auto made = read_tokenizer_json(write(object));
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? (*made)->encode_trusted(text) : Ids{-1};
}

void expect_error(const std::string& text, Code code, std::string_view part) {
  const auto made = read_tokenizer_json(text);
  ASSERT_FALSE(made.ok()) << part;
  EXPECT_EQ(made.error().code, code) << made.error().message;
  EXPECT_NE(made.error().message.find(part), std::string::npos) << made.error().message;
}

constexpr std::string_view kText = "There're 12345 words\n\n  <tool><|im_end|> été";

TEST(TokenizerJson, ReadsMergesInBothForms) {
  json::object root = small_json();
  const Ids want = ids_of(root, kText);
  json::array& merges = root["model"].as_object()["merges"].as_array();
  ASSERT_TRUE(merges[0].is_array());
  for (json::value& merge : merges) {
    merge = json::string(string_for_test(merge.at(0)) + " " + string_for_test(merge.at(1)));
  }
  EXPECT_EQ(ids_of(root, kText), want);
}

TEST(TokenizerJson, RecognisesPreTokenizers) {
  const std::string llama_regex = string_for_test(
      small_json()["pre_tokenizer"].at("pretokenizers").at(0).at("pattern").at("Regex"));
  const std::string qwen_regex = std::string(llama_regex).replace(llama_regex.find("{1,3}"), 5, "");
  const json::value bytes = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const json::value gpt2 = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  const auto sequence = [](json::value first, json::value second) {
    return json::value{{"type", "Sequence"},
                       {"pretokenizers", json::array{std::move(first), std::move(second)}}};
  };
  const auto split = [](const std::string& regex) {
    return json::value{{"type", "Split"},
                       {"pattern", {{"Regex", regex}}},
                       {"behavior", "Isolated"},
                       {"invert", false}};
  };
  // Without merges a piece is one id if it is a token, else one a byte: the count tells the
  // pattern.
  const auto count = [&](json::value pre) {
    json::object root = small_json();
    root["pre_tokenizer"] = std::move(pre);
    json::object& model = root["model"].as_object();
    model["merges"] = json::array{};
    model["ignore_merges"] = true;
    json::object& vocab = model["vocab"].as_object();
    vocab.clear();
    for (int b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(b);
      vocab.emplace(alphabet_form({&byte, 1}), b);
    }
    std::int64_t id = 256;
    for (const char* token : {"12", "123", " 12", "\tx"}) vocab[alphabet_form(token)] = id++;
    return ids_of(root, "= 12 123\tx").size();
  };
  EXPECT_EQ(count(gpt2), 8u);                                 // = 12| 1 2 3|\t|x
  EXPECT_EQ(count(sequence(split(llama_regex), bytes)), 6u);  // =| |12| |123|\tx
  EXPECT_EQ(count(sequence(split(qwen_regex), bytes)), 9u);   // =| |1|2| |1|2|3|\tx
  EXPECT_EQ(count(sequence({{"type", "Digits"}, {"individual_digits", true}}, gpt2)), 10u);
}

TEST(TokenizerJson, RefusesByNameWhatItDoesNotDo) {
  struct Case {
    const char* path;  // dotted
    json::value value;
    const char* message;
  };
  const Case cases[] = {
      {"normalizer", {{"type", "NFKC"}}, "normalizer NFKC"},
      {"decoder", {{"type", "Metaspace"}}, "decoder Metaspace"},
      {"model.type", "WordPiece", "model type WordPiece"},
      {"model.byte_fallback", true, "byte_fallback"},
      {"model.dropout", 0.1, "dropout"},
      {"model.end_of_word_suffix", "</w>", "end_of_word_suffix"},
      {"pre_tokenizer", {{"type", "Metaspace"}}, "pre-tokenizer Metaspace"},
      {"pre_tokenizer", {{"type", "ByteLevel"}}, "add_prefix_space"},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", json::array{}}}, "Sequence"},
  };
  for (const Case& c : cases) {
    json::object root = small_json();
    const std::string path = c.path;
    const std::size_t dot = path.find('.');
    json::object& parent = dot == path.npos ? root : root[path.substr(0, dot)].as_object();
    parent[dot == path.npos ? path : path.substr(dot + 1)] = c.value;
    expect_error(write(root), Code::kUnsupported, c.message);
  }
}

TEST(TokenizerJson, RefusesUnigramFilesByName) {
  const auto entry = [](json::value text, json::value score) {
    return json::array{std::move(text), std::move(score)};
  };
  const json::object whole = {
      {"model",
       {{"type", "Unigram"},
        {"unk_id", 0},
        {"vocab", json::array{entry("<unk>", 0.0), entry("\u2581a", -1.5)}}}},
      {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\u2581"}}}};
  const auto plain = read_tokenizer_json(write(whole));
  ASSERT_TRUE(plain.ok()) << plain.error().message;
  EXPECT_EQ((*plain)->encode("a ab"), (std::vector<TokenId>{1, 1, 0}));
  const json::object bare_metaspace = {
      {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "never"}};
  struct Case {
    const char* path;  // dotted
    json::value value;
    Code code;
    const char* message;
  };
  const Case cases[] = {
      {"normalizer", {{"type", "BertNormalizer"}}, Code::kUnsupported, "normalizer BertNormalizer"},
      {"normalizer",
       {{"type", "Replace"}, {"pattern", {{"Regex", "x+"}}}, {"content", ""}},
       Code::kUnsupported,
       "Replace of the pattern 'x+'"},
      {"normalizer", {{"type", "Sequence"}}, Code::kUnsupported, "Sequence without steps"},
      {"normalizer",
       {{"type", "Precompiled"}, {"precompiled_charsmap", "?"}},
       Code::kCorrupt,
       "not Base64"},
      {"normalizer", {{"type", "Precompiled"}}, Code::kCorrupt, "precompiled_charsmap is empty"},
      {"normalizer",
       {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}},
       Code::kCorrupt,
       "the charsmap is cut off"},
      {"pre_tokenizer", {{"type", "ByteLevel"}}, Code::kUnsupported, "pre-tokenizer ByteLevel"},
      {"pre_tokenizer", nullptr, Code::kUnsupported, "pre-tokenizer none"},
      {"pre_tokenizer",
       {{"type", "Sequence"}, {"pretokenizers", json::array{1, 2}}},
       Code::kUnsupported,
       "Sequence other than"},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers", json::array{json::object{{"type", "WhitespaceSplit"}}, bare_metaspace}}},
       Code::kUnsupported,
       "does not mark every word"},
      {"decoder", {{"type", "WordPiece"}}, Code::kUnsupported, "decoder WordPiece"},
      {"model.vocab", json::object{}, Code::kCorrupt, "'model.vocab' is not an array"},
      {"model.vocab", json::array{entry(1, 2), entry(3, 4)}, Code::kCorrupt, "entry 0 of 'vocab'"},
      {"model.vocab", json::array{entry("a", "b"), entry("c", 1)}, Code::kCorrupt,
       "score of token 0"},
      {"model.unk_id", 2, Code::kCorrupt, "'unk_id' is none of the 2 tokens"},
      {"model.unk_id", -1, Code::kCorrupt, "'unk_id' is none"},
      {"model.unk_id", "x", Code::kCorrupt, "'unk_id' is none"},
  };
  for (const Case& c : cases) {
    json::object root = whole;
    const std::string path = c.path;
    const std::size_t dot = path.find('.');
    json::object& parent = dot == path.npos ? root : root[path.substr(0, dot)].as_object();
    parent[dot == path.npos ? path : path.substr(dot + 1)] = c.value;
    expect_error(write(root), c.code, c.message);
  }
}

TEST(TokenizerJson, NamesAnUnknownPattern) {
  json::object root = small_json();
  root["pre_tokenizer"].at("pretokenizers").at(0).at("pattern").at("Regex") = "x+";
  expect_error(write(root), Code::kUnsupported, "Split by 'x+'");
  root = small_json();
  root["added_tokens"].as_array()[1].as_object()["lstrip"] = true;
  expect_error(write(root), Code::kUnsupported, "'<|im_start|>' with lstrip");
}

TEST(TokenizerJson, KnowsWhatBeginsEveryText) {
  const json::object processor = {
      {"type", "TemplateProcessing"},
      {"single",
       {{{"SpecialToken", {{"id", "<|im_start|>"}, {"type_id", 0}}}},
        {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
      {"special_tokens", {{"<|im_start|>", {{"id", "<|im_start|>"}, {"ids", {7}}}}}}};
  json::object root = small_json();
  const auto plain = read_tokenizer_json(write(root));
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE((*plain)->traits().adds_bos);
  const TokenId id = (*plain)->find_token("<|im_start|>");

  root["post_processor"] = processor;
  expect_error(write(root), Code::kCorrupt, "'<|im_start|>' is not the token of that id");
  root["post_processor"].at("special_tokens").at("<|im_start|>").at("ids").at(0) = id;
  for (const bool in_sequence : {false, true}) {
    if (in_sequence)
      root["post_processor"] = {
          {"type", "Sequence"},
          {"processors", json::array{{{"type", "ByteLevel"}}, root["post_processor"]}}};
    const auto made = read_tokenizer_json(write(root));
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_TRUE((*made)->traits().adds_bos);
    EXPECT_EQ((*made)->traits().bos, id);
  }
}

TEST(TokenizerJson, TokensBeyondALimitAreNone) {
  json::object root = small_json();
  const auto whole = read_tokenizer_json(write(root));
  ASSERT_TRUE(whole.ok());
  const std::size_t size = (*whole)->vocab_size();
  root["added_tokens"].as_array().push_back(
      {{"id", size}, {"content", "<image>"}, {"special", true}});
  root["model"].at("vocab").as_object()["zq"] = size + 1;
  root["model"].at("merges").as_array().push_back("z q");
  const std::string text = write(root);
  EXPECT_EQ((*read_tokenizer_json(text))->encode("zq"), Ids{static_cast<TokenId>(size + 1)});
  const auto cut = read_tokenizer_json(text, size);
  ASSERT_TRUE(cut.ok()) << cut.error().message;
  EXPECT_EQ((*cut)->vocab_size(), size);
  EXPECT_EQ((*cut)->traits().left_out, 2u);
  EXPECT_EQ((*cut)->encode("zq"), (*whole)->encode("zq"));
  EXPECT_EQ((*cut)->encode_trusted("<image>"), (*whole)->encode("<image>"));
  EXPECT_EQ((*cut)->find_token("<image>"), -1);
}

TEST(TokenizerJson, NamesBrokenEntries) {
  expect_error("", Code::kCorrupt, "not valid JSON");
  expect_error("{\"model\":", Code::kCorrupt, "not valid JSON");
  expect_error("[]", Code::kCorrupt, "not a JSON object");
  expect_error("{}", Code::kCorrupt, "'model' is missing");
  expect_error(R"({"hidden_size":8})", Code::kUnsupported, "this JSON file is no tokenizer");
  expect_error(R"({"model":{"vocab":{"a":0,"b":1,"a":2}}})", Code::kCorrupt,
               "tokenizer.json: the key 'a' is given twice in 'model.vocab'");
  expect_error(std::string(5000, '['), Code::kCorrupt, "not valid JSON");
  const std::pair<const char*, json::value> ids[] = {{"has no valid id", -1},
                                                     {"has no valid id", 1e300},
                                                     {"has no valid id", "x"},
                                                     {"has no valid id", 9223372036854775807},
                                                     {"but there are only", 2147483647},
                                                     {"share the id 0", 0}};
  for (const auto& [message, id] : ids) {
    json::object root = small_json();
    root["model"].at("vocab").as_object()["zzz"] = id;
    expect_error(write(root), Code::kCorrupt, message);
  }
  for (const json::value& merge : {json::value(1), json::value{"a"}, json::value{"a", 1}}) {
    json::object root = small_json();
    root["model"].at("merges").as_array()[3] = merge;
    expect_error(write(root), Code::kCorrupt, "merge 3 is neither");
  }
}

TEST(TokenizerJson, RefusesAnUnknownTokenThatItWouldNeed) {
  json::object root = small_json();
  root["model"].as_object()["unk_token"] = "<tool>";
  EXPECT_NE(ids_of(root, "a"), Ids{-1});  // every byte has a token
  auto& vocab = root["model"].at("vocab").as_object();
  vocab["[byte]"] = vocab["\u0100"];
  vocab.erase("\u0100");
  expect_error(write(root), Code::kUnsupported, "unk_token '<tool>' for the byte 0x00");
}

}  // namespace
}  // namespace aquilon::text
