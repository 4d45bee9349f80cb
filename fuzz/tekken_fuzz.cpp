// Any bytes as a tekken.json: an error or a tokenizer that works.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aquilon;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto made = text::read_tekken(bytes);
  if (!made.ok()) {
    AQ_CHECK(!made.error().message.empty());
    return 0;
  }
  const text::Tokenizer& t = **made;
  const std::size_t limit = t.vocab_size() / 2;
  const auto cut = text::read_tekken(bytes, limit);
  if (cut.ok()) {
    AQ_CHECK((*cut)->vocab_size() == limit);
    for (const text::TokenId id : (*cut)->encode_trusted(bytes.substr(0, 4096)))
      AQ_CHECK(id >= 0 && static_cast<std::size_t>(id) < limit);
  }
  for (const text::TokenId id : t.encode_trusted(bytes.substr(0, 4096))) {
    AQ_CHECK(id >= 0 && static_cast<std::size_t>(id) < t.vocab_size());
    (void)t.find_token(t.token_bytes(id));
  }
  return 0;
}
