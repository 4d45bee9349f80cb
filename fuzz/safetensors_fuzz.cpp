// Any bytes are a safetensors file: refused with its name, or every tensor lies in it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aquilon;
  const auto file = formats::SafetensorsFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file.ok()) {
    AQ_CHECK(file.error().message.starts_with("fuzz: "));
    return 0;
  }
  std::size_t total = 0;
  unsigned sum = 0;
  for (const formats::SafetensorsTensor& tensor : file->tensors()) {
    AQ_CHECK(tensor.offset + tensor.data.size() <= size);
    total += tensor.data.size();
    for (const std::byte b : tensor.data) sum += std::to_integer<unsigned>(b);
  }
  AQ_CHECK(total <= size);
  asm volatile("" ::"r"(sum));  // so that every byte is read
  return 0;
}
