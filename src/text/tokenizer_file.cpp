// A tokenizer file of any sort, told by its content.
#include "text/tokenizer.h"
#include "text/tokenizer_tables_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

// Whether a JSON text is a tekken.json: its object has "vocab" and "config" before any "model".
// The first of these keys decides; a look at the beginning is enough, and a wrong guess costs only
// a worse error.
bool looks_like_tekken(std::string_view json) {
  constexpr std::size_t kLook = 4096;
  const std::string_view head = json.substr(0, kLook);
  const std::size_t config = std::min(head.find("\"config\""), head.find("\"token_bytes\""));
  return config != head.npos && config < head.find("\"added_tokens\"") &&
         config < head.find("\"model\"");
}

}  // namespace

Result<TokenizerFormat> format_of_tokenizer(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != bytes.npos && bytes[first] == '{')
    return looks_like_tekken(bytes) ? TokenizerFormat::kTekken : TokenizerFormat::kJson;
  // The first field of a SentencePiece model is its first piece.
  if (bytes.starts_with('\n')) return TokenizerFormat::kSentencePiece;
  return make_error(Code::kUnsupported,
                    "this is no tokenizer file that we know: tokenizer.json, tekken.json or a "
                    "SentencePiece model");
}

Result<std::unique_ptr<Tokenizer>> read_tokenizer_file(std::string_view bytes,
                                                       std::size_t max_tokens) {
  switch (AQ_TRY(format_of_tokenizer(bytes))) {
    case TokenizerFormat::kTekken:
      return read_tekken(bytes, max_tokens);
    case TokenizerFormat::kSentencePiece:
      return read_sentencepiece(bytes, max_tokens);
    case TokenizerFormat::kJson:
      break;
  }
  return read_tokenizer_json(bytes, max_tokens);
}

}  // namespace aquilon::text
