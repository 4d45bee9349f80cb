// Reads the wire format of protocol buffers, field by field, within given bytes: no descriptors, no
// recursion, no allocation. Strict: anything that does not fit is an error.
// Source: "Encoding" in the documentation of Protocol Buffers.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/result.h"

namespace aquilon::text {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct ProtobufField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;      // of kVarint, kFixed64, kFixed32
  std::string_view bytes = {};  // of kBytes; a view of the message

  bool flag() const { return value != 0; }
  float real() const {
    const auto bits = static_cast<std::uint32_t>(value);
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
  }
};

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : rest_(message), size_(message.size()) {}

  bool at_end() const { return rest_.empty(); }

  // The next field; not at the end. Errors: kCorrupt with the byte where it went wrong.
  Result<ProtobufField> next() {
    const std::uint64_t key = AQ_TRY(varint());
    ProtobufField field;
    if (key >> 3 == 0 || key >> 3 > 0x1FFFFFFF) return corrupt("has no valid number");
    field.number = static_cast<std::uint32_t>(key >> 3);
    field.type = static_cast<WireType>(key & 7);
    switch (field.type) {
      case WireType::kVarint:
        field.value = AQ_TRY(varint());
        return field;
      case WireType::kFixed64:
        field.value = AQ_TRY(fixed(8));
        return field;
      case WireType::kFixed32:
        field.value = AQ_TRY(fixed(4));
        return field;
      case WireType::kBytes: {
        const std::uint64_t length = AQ_TRY(varint());
        if (length > rest_.size()) return corrupt("is longer than the message");
        field.bytes = rest_.substr(0, static_cast<std::size_t>(length));
        rest_.remove_prefix(static_cast<std::size_t>(length));
        return field;
      }
    }
    return corrupt("has an unknown wire type");
  }

 private:
  Error corrupt(std::string_view what) const {
    return make_error(Code::kCorrupt, "a field before byte {} of its message {}",
                      size_ - rest_.size(), what);
  }

  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return corrupt("is cut off");
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) return corrupt("has a number of more than 64 bits");
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return corrupt("has a number of more than 64 bits");
  }

  Result<std::uint64_t> fixed(std::size_t bytes) {
    if (rest_.size() < bytes) return corrupt("is cut off");
    std::uint64_t value = 0;
    std::memcpy(&value, rest_.data(), bytes);  // little-endian, as the machine
    rest_.remove_prefix(bytes);
    return value;
  }

  std::string_view rest_;
  std::size_t size_;
};

}  // namespace aquilon::text
