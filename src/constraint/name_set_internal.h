// Names looked up many times: of few a list, of many a table.
#pragma once

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace aquilon::constraint {

class NameSet {
 public:
  // `names` outlives it.
  explicit NameSet(const std::vector<std::string_view>& names) : names_(names) {
    if (names.size() > kFew) table_.insert(names.begin(), names.end());
  }
  bool has(std::string_view name) const {
    if (!table_.empty()) return table_.contains(name);
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }

 private:
  static constexpr std::size_t kFew = 16;

  const std::vector<std::string_view>& names_;
  std::unordered_set<std::string_view> table_;
};

}  // namespace aquilon::constraint
