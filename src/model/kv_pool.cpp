#include "model/kv_pool.h"

#include <algorithm>
#include <limits>

#include "base/checked_math.h"
#include "base/memory.h"

namespace aquilon::model {
namespace {

constexpr std::uint64_t kLargestPool = std::uint64_t{1} << 46;  // bytes; half an address space

}  // namespace

Result<KvType> parse_kv_type(std::string_view name) {
  if (name == "bf16") return KvType::kBf16;
  if (name == "f16") return KvType::kF16;
  if (name == "f32") return KvType::kF32;
  return make_error(Code::kInvalidArgument, "--kv-type must be bf16, f16 or f32, but is '{}'",
                    name);
}

kernels::KvLayout kv_layout(const ModelConfig& config, KvType type) {
  return {type, config.n_layers, config.n_kv_heads, config.head_dim};
}

Result<std::shared_ptr<KvPool>> KvPool::create(const ModelConfig& config, KvType type,
                                               std::size_t pages) {
  std::shared_ptr<KvPool> pool(new KvPool);
  pool->layout_ = kv_layout(config, type);
  pool->page_bytes_ = pool->layout_.page_bytes();
  const CheckedSize bytes = CheckedSize(pool->page_bytes_) * pages;
  if (!bytes.at_most(kLargestPool) || pages > std::numeric_limits<PageId>::max())
    return make_error(Code::kOutOfMemory, "no memory for the keys and values of {} pages of {}",
                      pages, format_bytes(pool->page_bytes_));
  pool->memory_ = AQ_TRY(tensor::HugeBuffer::create(*bytes.value()));
  pool->refs_.resize(pages);
  return pool;
}

Result<PageId> KvPool::allocate() {
  PageId page;
  if (!returned_.empty()) {
    page = returned_.back();
    returned_.pop_back();
  } else if (touched_ < refs_.size()) {
    page = static_cast<PageId>(touched_++);
  } else {
    return make_error(Code::kExhausted, "all {} pages of keys and values are in use", refs_.size());
  }
  refs_[page] = 1;
  ++used_;
  return page;
}

// What one user breaks shows at another, and in destructors, which cannot fail: neither of these
// says so at once.
void KvPool::retain(PageId page) {
  damaged_ = damaged_ || refs_[page] == 0;
  ++refs_[page];
}

void KvPool::release(PageId page) {
  if (refs_[page] == 0) {
    damaged_ = true;
    return;
  }
  if (--refs_[page] > 0) return;
  returned_.push_back(page);
  --used_;
}

void KvPool::reset(const std::function<void()>& give_back) {
  give_back();
  std::fill(refs_.begin(), refs_.end(), 0);
  returned_.clear();
  touched_ = 0;
  used_ = 0;
  damaged_ = false;
}

}  // namespace aquilon::model
