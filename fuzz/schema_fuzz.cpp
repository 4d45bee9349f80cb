// A JSON Schema, "\n---\n", and a text. Whatever both are, compiling ends with a Result in bounded
// time and memory, and what the automaton says of the text is the same byte by byte, at once and
// after going back.
#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "constraint/matcher.h"

using namespace aquilon;
namespace json = boost::json;

namespace {

constexpr std::string_view kSeparator = "\n---\n";

std::shared_ptr<const constraint::Vocabulary> bytes() {
  static const auto vocabulary = [] {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    tokens.insert(tokens.end(), {"\":", "\",\"", "{\"", "}}", ", ", "\": \"", ""});
    const auto end = static_cast<constraint::TokenId>(tokens.size() - 1);
    return *constraint::Vocabulary::make(std::move(tokens), {end});
  }();
  return vocabulary;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = input.find(kSeparator);
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 512;
  const json::value schema = json::parse(input.substr(0, cut), ec, {}, options);
  if (ec) return 0;
  constraint::SchemaRefusal refusal;
  const auto grammar =
      constraint::Grammar::json_schema(schema, {.memory_bytes = 32 << 20}, &refusal);
  if (!grammar.ok()) {
    AQ_CHECK(!grammar.error().message.empty() && !refusal.reason.empty());
    return 0;
  }
  const std::string_view text = cut == input.npos ? "{}" : input.substr(cut + kSeparator.size());
  constraint::Matcher matcher(*grammar, bytes());
  std::vector<constraint::MaskWord> mask(bytes()->mask_words()), other = mask;
  for (const char c : text.substr(0, 200)) {
    const auto token = static_cast<unsigned char>(c);
    if (!matcher.fill_mask(mask).ok()) return 0;
    AQ_CHECK(matcher.fill_mask_uncached_for_test(other).ok());
    if (matcher.fill_mask(mask).ok()) AQ_CHECK(mask == other);
    const bool allowed = mask[token / 64] >> (token % 64) & 1;
    if (matcher.accept(token) != allowed) {
      AQ_CHECK(!matcher.fill_mask(mask).ok());  // only at the limit
      return 0;
    }
    if (!allowed) return 0;
    constraint::Matcher fork = matcher;
    fork.rollback(1);
    if (!fork.fill_mask(other).ok()) return 0;
    AQ_CHECK(mask == other);
  }
  return 0;
}
