// The memory of all keys and values: pages that sequences share by reference count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/attention/kv_layout.h"  // KvLayout, KvType, kPagePositions
#include "model/config.h"
#include "tensor/huge_buffer.h"

namespace aquilon::model {

using kernels::KvType;
using PageId = std::uint32_t;

// "bf16", "f16", "f32". Errors: kInvalidArgument names the three.
Result<KvType> parse_kv_type(std::string_view name);

kernels::KvLayout kv_layout(const ModelConfig& config, KvType type);

// Pages that `tokens` positions need.
constexpr std::size_t pages_for(std::size_t tokens) {
  return tokens / kernels::kPagePositions + (tokens % kernels::kPagePositions != 0);
}

// A fixed number of pages of 16 positions, each with all layers and K/V heads. Memory comes from
// the system as pages are first used; a page that was given back is the next to be used again.
// Threads: one user at a time.
class KvPool {
 public:
  // Errors: kOutOfMemory when the system refuses the address range.
  static Result<std::shared_ptr<KvPool>> create(const ModelConfig& config, KvType type,
                                                std::size_t pages);

  const kernels::KvLayout& layout() const { return layout_; }
  std::size_t pages() const { return refs_.size(); }
  std::size_t free_pages() const { return refs_.size() - used_; }

  // A page with one reference; its contents are arbitrary. Errors: kExhausted.
  Result<PageId> allocate();
  void retain(PageId page);
  void release(PageId page);
  std::uint32_t references(PageId page) const { return refs_[page]; }
  // A page was shared or given back that nobody had: who holds which page is not known any more,
  // and whoever uses the pool has to look.
  bool damaged() const { return damaged_; }
  // All pages are free again. `give_back` makes whoever has pages give them up.
  void reset(const std::function<void()>& give_back);
  std::byte* data(PageId page) const { return memory_.data() + page * page_bytes_; }

 private:
  KvPool() = default;

  tensor::HugeBuffer memory_;
  kernels::KvLayout layout_;
  std::size_t page_bytes_ = 0;
  std::vector<std::uint32_t> refs_;  // [pages]
  std::vector<PageId> returned_;     // last in, first out
  std::size_t touched_ = 0;          // pages ever used: the first ones
  std::size_t used_ = 0;
  bool damaged_ = false;
};

}  // namespace aquilon::model
