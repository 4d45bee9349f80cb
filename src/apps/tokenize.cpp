// `aquilon tokenize`: the ids of a text, with a model's tokenizer or a tokenizer file.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "apps/command.h"
#include "apps/model_options.h"
#include "base/file.h"
#include "formats/gguf.h"
#include "model/tokenizer_loader.h"
#include "text/tokenizer.h"

namespace aquilon::apps {
namespace {

struct TokenizeOptions {
  std::string text;
  std::string model;
  bool json = false;
  bool special = false;

  template <class V>
  void visit(V& v) {
    v(text, {.flag = "TEXT", .help = "text to tokenize; default: stdin", .positional = true});
    v(model, {.flag = "model",
              .help = "installed model, GGUF file or tokenizer.json; default: the default model",
              .unit = "NAME_OR_FILE"});
    v(json, {.flag = "json",
             .help = "read lines of JSON strings from stdin, print a JSON array of ids for each"});
    v(special, {.flag = "special", .help = "take control tokens written in the text as such"});
  }
};

Result<std::unique_ptr<text::Tokenizer>> load_tokenizer(const std::string& name_or_path) {
  if (name_or_path.ends_with(".json"))
    return text::read_tokenizer_json(AQ_TRY(read_file(name_or_path)));
  const std::string path = AQ_TRY(resolve_model(name_or_path));
  const formats::GgufFile file = AQ_TRY(formats::GgufFile::open(path));
  return model::make_tokenizer(file);
}

std::vector<text::TokenId> encode(const text::Tokenizer& tokenizer, std::string_view text,
                                  bool special) {
  return special ? tokenizer.encode_trusted(text) : tokenizer.encode(text);
}

Status tokenize_lines(const text::Tokenizer& tokenizer, bool special) {
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
    boost::system::error_code problem;
    const boost::json::value value = boost::json::parse(line, problem);
    if (problem || !value.is_string())
      return make_error(Code::kInvalidArgument, "line {} of stdin is no JSON string", number);
    const auto ids = encode(tokenizer, value.get_string(), special);
    std::puts(boost::json::serialize(boost::json::value_from(ids)).c_str());
  }
  std::fflush(stdout);
  return {};
}

Status tokenize(const TokenizeOptions& options) {
  const auto tokenizer = AQ_TRY(load_tokenizer(options.model));
  if (options.json) return tokenize_lines(*tokenizer, options.special);
  const std::string text = options.text.empty()
                               ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                               : options.text;
  for (const text::TokenId id : encode(*tokenizer, text, options.special)) {
    const std::string_view bytes = tokenizer->token_bytes(id);
    fmt::print("{:>7}  {}\n", id, boost::json::serialize(boost::json::string(bytes)));
  }
  return {};
}

}  // namespace

void register_tokenize(Commands& commands) {
  commands.add<TokenizeOptions>("tokenize", "Print the token ids of a text", tokenize);
}

}  // namespace aquilon::apps
