#include <variant>

#include "model/config_reader_internal.h"

namespace aquilon::model {

Result<std::size_t> ConfigReader::count(std::string_view key, std::uint64_t max) const {
  return static_cast<std::size_t>(AQ_TRY(file_.get_uint(full(key), max, 1)));
}

Result<std::size_t> ConfigReader::count_or(std::string_view key, std::uint64_t max,
                                           std::size_t other) const {
  return has(key) ? count(key, max) : Result<std::size_t>(other);
}

Result<std::size_t> ConfigReader::count_or_none(std::string_view key, std::uint64_t max) const {
  if (!has(key)) return std::size_t{0};
  return static_cast<std::size_t>(AQ_TRY(file_.get_uint(full(key), max)));
}

Result<double> ConfigReader::positive(std::string_view key) const {
  const double value = AQ_TRY(file_.get_float(full(key)));
  if (!(value > 0))
    return make_error(Code::kCorrupt, "{} is {}; it must be above 0", where(key), value);
  return value;
}

Result<double> ConfigReader::positive_or(std::string_view key, double other) const {
  return has(key) ? positive(key) : Result<double>(other);
}

Result<bool> ConfigReader::flag_or(std::string_view key, bool other) const {
  return has(key) ? file_.get_bool(full(key)) : Result<bool>(other);
}

Result<std::string_view> ConfigReader::text_or(std::string_view key, std::string_view other) const {
  if (!has(key)) return other;
  return file_.get_string(full(key));
}

Status ConfigReader::refuse(std::string_view key, std::string_view what) const {
  const formats::GgufValue* value = find(key);
  if (value == nullptr) return {};
  const bool off = std::visit(
      [](const auto& v) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>) return v == 0;
        return false;
      },
      *value);
  if (off) return {};
  return make_error(Code::kUnsupported, "{}: this model needs {} ({}), which is not supported yet",
                    file_.path(), what, full(key));
}

}  // namespace aquilon::model
