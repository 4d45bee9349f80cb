// Any text with any trusted ranges: nothing crashes, ids are within the vocabulary, what comes back
// is what went in, and no control id stands where the text was not trusted. Input: one byte for the
// pre-tokenizer, one for the number of ranges, a byte for each of their bounds (distances), the
// text.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/byte_alphabet.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

namespace {

using namespace aquilon;
using namespace aquilon::text;

constexpr const char* kPre[] = {"gpt-2",  "smollm", "qwen2",  "llama-bpe",
                                "qwen35", "tekken", "llama4", "default"};

// The bytes, some merges that overlap each other, special tokens that overlap each other.
std::unique_ptr<Tokenizer> make_small(const char* pre) {
  BpeSpec spec;
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    spec.tokens.push_back(alphabet_form({&byte, 1}));
  }
  for (const char* merge : {"a a", "aa a", "a b", "b a", "aa aa", "\u0120 a", "\u0120 \u0120",
                            "\u00E6 \u0139", "1 2", "12 1", "! !", "aaaa b"}) {
    std::string joined = merge;
    joined.erase(joined.find(' '), 1);
    spec.tokens.push_back(joined);
    spec.merges.emplace_back(merge);
  }
  spec.kinds.assign(spec.tokens.size(), TokenKind::kNormal);
  for (const char* control : {"<c>", "<c><c>", "aac", "c>1"}) {
    spec.tokens.emplace_back(control);
    spec.kinds.push_back(TokenKind::kControl);
  }
  for (const char* user : {"<u>", "u>1", "    ", "u>"}) {
    spec.tokens.emplace_back(user);
    spec.kinds.push_back(TokenKind::kUserDefined);
  }
  spec.pre = pre;
  spec.ignore_merges = ignores_merges(*find_pre_tokenizer(pre));
  auto made = make_bpe_tokenizer(std::move(spec));
  AQ_CHECK(made.ok());
  return std::move(made).value();
}

const Tokenizer& tokenizer(std::size_t which) {
  static const auto all = [] {
    std::vector<std::unique_ptr<Tokenizer>> made;
    for (const char* pre : kPre) made.push_back(make_small(pre));
    return made;
  }();
  return *all[which % all.size()];
}

std::vector<ByteRange> take_ranges(std::string_view& input, std::size_t count) {
  std::vector<std::uint8_t> steps;
  for (; steps.size() < 2 * count && !input.empty(); input.remove_prefix(1)) {
    steps.push_back(static_cast<std::uint8_t>(input[0]));
  }
  std::vector<ByteRange> ranges;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < steps.size(); i += 2) {
    const std::size_t begin = at + steps[i] + (i > 0);  // adjacent ranges are already merged
    const std::size_t end = begin + steps[i + 1] + 1;
    if (end > input.size()) break;
    ranges.push_back({begin, end});
    at = end;
  }
  return ranges;
}

void check_control(const Tokenizer& t, const std::vector<TokenId>& ids,
                   const std::vector<ByteRange>& trusted) {
  std::size_t at = 0;
  for (const TokenId id : ids) {
    AQ_CHECK(id >= 0 && static_cast<std::size_t>(id) < t.vocab_size());
    const std::size_t end = at + t.token_bytes(id).size();
    bool inside = t.kind(id) != TokenKind::kControl;
    for (const ByteRange& r : trusted) inside |= r.begin <= at && end <= r.end;
    AQ_CHECK(inside);
    at = end;
  }
}

void check_stream(const Tokenizer& t, const std::vector<TokenId>& ids) {
  Utf8Stream by_id, at_once;
  std::string streamed;
  for (const TokenId id : ids) streamed += by_id.push(t.token_bytes(id));
  streamed += by_id.finish();
  std::string whole = at_once.push(decode(t, ids, true));
  whole += at_once.finish();
  AQ_CHECK(streamed == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const Tokenizer& t = tokenizer(data[0]);
  input.remove_prefix(2);
  const std::vector<ByteRange> trusted = take_ranges(input, data[1] % 8);
  const std::vector<TokenId> ids = t.encode(input, trusted);
  AQ_CHECK(decode(t, ids, true) == input);
  check_control(t, ids, trusted);
  check_stream(t, ids);
  return 0;
}
