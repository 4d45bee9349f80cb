// Writes GGUF files for tests and remembers what every byte of the directory means, so that a test
// can damage one field and know what must follow. Not linked into the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "tensor/dtype.h"

namespace aquilon::formats {

// The meaning of a run of bytes. What is kFree may hold anything: numbers, text, padding, weights.
enum class GgufPart {
  kMagic,
  kVersion,
  kTensorCount,
  kEntryCount,
  kKeyLength,
  kKey,
  kValueType,
  kAlignment,
  kBool,
  kTextLength,
  kArrayType,
  kArrayCount,
  kNameLength,
  kName,
  kDimCount,
  kDim,
  kTensorType,
  kOffset,
  kFree,
};

struct GgufField {
  GgufPart part;
  std::string owner;  // the key or tensor name it belongs to; empty in the header
  std::size_t offset;
  std::size_t bytes;
};

struct GgufImage {
  std::vector<std::byte> bytes;
  std::vector<GgufField> fields;  // in file order, without holes

  // The first such field of a key or tensor. Aborts when there is none.
  const GgufField& field(GgufPart part, std::string_view owner = {}) const {
    for (const GgufField& f : fields)
      if (f.part == part && f.owner == owner) return f;
    std::abort();
  }

  template <class T>
  T get(const GgufField& f) const {
    T value;
    std::memcpy(&value, bytes.data() + f.offset, sizeof value);
    return value;
  }
  template <class T>
  void set(const GgufField& f, T value) {
    std::memcpy(bytes.data() + f.offset, &value, sizeof value);
  }
};

// Entries and tensors in the order of the calls; build() at the end.
class GgufBuilder {
 public:
  explicit GgufBuilder(std::uint32_t version = 3) : version_(version) {}

  template <class T>
  GgufBuilder& number(std::string_view key, GgufType type, T value,
                      GgufPart part = GgufPart::kFree) {
    start_entry(key, type);
    put(part, value);
    return *this;
  }

  GgufBuilder& alignment(std::uint32_t value) {
    alignment_ = value;
    return number("general.alignment", GgufType::kU32, value, GgufPart::kAlignment);
  }

  GgufBuilder& boolean(std::string_view key, bool value) {
    return number(key, GgufType::kBool, static_cast<std::uint8_t>(value), GgufPart::kBool);
  }

  GgufBuilder& text(std::string_view key, std::string_view value) {
    start_entry(key, GgufType::kString);
    put_text(GgufPart::kTextLength, GgufPart::kFree, value);
    return *this;
  }

  template <class T>
  GgufBuilder& array(std::string_view key, GgufType type, const std::vector<T>& values) {
    start_array(key, type, values.size());
    for (const T& value : values)
      put(type == GgufType::kBool ? GgufPart::kBool : GgufPart::kFree, value);
    return *this;
  }

  GgufBuilder& texts(std::string_view key, const std::vector<std::string>& values) {
    start_array(key, GgufType::kString, values.size());
    for (const std::string& value : values) put_text(GgufPart::kTextLength, GgufPart::kFree, value);
    return *this;
  }

  // A tensor of the type with the given data, which must have the size that type and dims say.
  GgufBuilder& tensor(std::string_view name, tensor::DType type,
                      const std::vector<std::uint64_t>& dims, std::vector<std::byte> data) {
    tensors_.push_back({std::string(name), type, dims, std::move(data)});
    return *this;
  }

  GgufImage build() const {
    GgufBuilder out(version_);
    out.put_bytes(GgufPart::kMagic, "GGUF", 4);
    out.put(GgufPart::kVersion, version_);
    out.put(GgufPart::kTensorCount, std::uint64_t{tensors_.size()});
    out.put(GgufPart::kEntryCount, std::uint64_t{entry_count_});
    for (const GgufField& f : image_.fields) {
      out.owner_ = f.owner;
      out.put_bytes(f.part, image_.bytes.data() + f.offset, f.bytes);
    }
    out.alignment_ = alignment_;
    out.put_tensors(tensors_);
    return std::move(out.image_);
  }

 private:
  struct Tensor {
    std::string name;
    tensor::DType type;
    std::vector<std::uint64_t> dims;
    std::vector<std::byte> data;
  };

  void put_bytes(GgufPart part, const void* data, std::size_t size) {
    if (size == 0) return;
    image_.fields.push_back({part, owner_, image_.bytes.size(), size});
    const auto* bytes = static_cast<const std::byte*>(data);
    image_.bytes.insert(image_.bytes.end(), bytes, bytes + size);
  }

  template <class T>
  void put(GgufPart part, T value) {
    put_bytes(part, &value, sizeof value);
  }

  void put_text(GgufPart length, GgufPart part, std::string_view value) {
    put(length, std::uint64_t{value.size()});
    put_bytes(part, value.data(), value.size());
  }

  void start_entry(std::string_view key, GgufType type) {
    ++entry_count_;
    owner_ = key;
    put_text(GgufPart::kKeyLength, GgufPart::kKey, key);
    put(GgufPart::kValueType, type);
  }

  void start_array(std::string_view key, GgufType type, std::size_t count) {
    start_entry(key, GgufType::kArray);
    put(GgufPart::kArrayType, type);
    put(GgufPart::kArrayCount, std::uint64_t{count});
  }

  std::size_t aligned(std::size_t n) const {
    return (n + alignment_ - 1) / alignment_ * alignment_;
  }

  void put_padding() {
    const std::vector<std::byte> zeros(aligned(image_.bytes.size()) - image_.bytes.size());
    put_bytes(GgufPart::kFree, zeros.data(), zeros.size());
  }

  void put_tensors(const std::vector<Tensor>& tensors) {
    std::size_t offset = 0;
    for (const Tensor& t : tensors) {
      owner_ = t.name;
      put_text(GgufPart::kNameLength, GgufPart::kName, t.name);
      put(GgufPart::kDimCount, static_cast<std::uint32_t>(t.dims.size()));
      for (const std::uint64_t dim : t.dims) put(GgufPart::kDim, dim);
      put(GgufPart::kTensorType, t.type);
      put(GgufPart::kOffset, std::uint64_t{offset});
      offset = aligned(offset + t.data.size());
    }
    for (const Tensor& t : tensors) {
      put_padding();
      owner_ = t.name;
      put_bytes(GgufPart::kFree, t.data.data(), t.data.size());
    }
  }

  std::uint32_t version_;
  std::uint32_t alignment_ = 32;
  std::size_t entry_count_ = 0;
  std::string owner_;
  GgufImage image_;  // the entries alone until build()
  std::vector<Tensor> tensors_;
};

}  // namespace aquilon::formats
