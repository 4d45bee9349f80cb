// Look-up by name in a list that keeps its order: the indices of the list, sorted by name.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace aquilon::formats {

// `T::*name` is the member that the list is looked up by. A view: the list must outlive it.
template <class T, class Name>
class NameIndex {
 public:
  NameIndex(const std::vector<T>& list, Name T::*name) : list_(list), name_(name) {}

  std::vector<std::uint32_t> sorted() const {
    std::vector<std::uint32_t> indices(list_.size());
    std::iota(indices.begin(), indices.end(), 0u);
    std::stable_sort(indices.begin(), indices.end(),
                     [this](std::uint32_t a, std::uint32_t b) { return name_of(a) < name_of(b); });
    return indices;
  }

  // Two elements of one name, the earlier first. Requires: `sorted` is what sorted() gave.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> twins(
      const std::vector<std::uint32_t>& sorted) const {
    const auto same = [this](std::uint32_t a, std::uint32_t b) { return name_of(a) == name_of(b); };
    const auto twin = std::adjacent_find(sorted.begin(), sorted.end(), same);
    if (twin == sorted.end()) return std::nullopt;
    return std::pair(twin[0], twin[1]);
  }

  std::optional<std::uint32_t> find(const std::vector<std::uint32_t>& sorted,
                                    std::string_view name) const {
    const auto less = [this](std::uint32_t i, std::string_view n) { return name_of(i) < n; };
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), name, less);
    if (at == sorted.end() || name_of(*at) != name) return std::nullopt;
    return *at;
  }

 private:
  std::string_view name_of(std::uint32_t i) const { return list_[i].*name_; }

  const std::vector<T>& list_;
  Name T::*name_;
};

}  // namespace aquilon::formats
