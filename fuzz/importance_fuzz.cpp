// Any bytes are an importance matrix: refused by name, or its weights are numbers to encode with.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "convert/importance.h"
#include "formats/gguf.h"

using namespace aquilon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = formats::GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file.ok()) return 0;
  const auto all = convert::Importance::read(*file);
  if (!all.ok()) {
    AQ_CHECK(!all.error().message.empty());
    return 0;
  }
  for (const auto& [name, sums] : all->tensors) {
    const auto weights = all->weights(name, sums.counts.size(), sums.columns);
    AQ_CHECK(weights.ok() && weights->size() == sums.squares.size());
    for (const float w : *weights)
      AQ_CHECK(w > 0 && w <= static_cast<float>(sums.columns) * 1.001f);
    AQ_CHECK(!all->weights(name, sums.counts.size() + 1, sums.columns).ok());
  }
  return 0;
}
