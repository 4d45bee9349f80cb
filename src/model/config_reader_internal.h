// Look-ups of "<architecture>.<key>" with ranges.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/gguf.h"

namespace aquilon::model {

class ConfigReader {
 public:
  ConfigReader(const formats::GgufFile& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  const formats::GgufFile& file() const { return file_; }
  std::string full(std::string_view key) const { return prefix_ + std::string(key); }
  std::string where(std::string_view key) const { return file_.where(full(key)); }
  const formats::GgufValue* find(std::string_view key) const { return file_.find(full(key)); }
  bool has(std::string_view key) const { return find(key) != nullptr; }

  // At least 1.
  Result<std::size_t> count(std::string_view key, std::uint64_t max) const;
  Result<std::size_t> count_or(std::string_view key, std::uint64_t max, std::size_t other) const;
  // 0 where the key is absent.
  Result<std::size_t> count_or_none(std::string_view key, std::uint64_t max) const;
  // Above 0.
  Result<double> positive(std::string_view key) const;
  Result<double> positive_or(std::string_view key, double other) const;
  Result<bool> flag_or(std::string_view key, bool other) const;
  Result<std::string_view> text_or(std::string_view key, std::string_view other) const;
  // Refuses a part that we do not run: a key that is present and neither 0 nor false.
  Status refuse(std::string_view key, std::string_view what) const;

 private:
  const formats::GgufFile& file_;
  std::string prefix_;
};

}  // namespace aquilon::model
