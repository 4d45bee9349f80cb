#include "model/kv_cache.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/memory.h"

namespace aquilon::model {

void KvCache::Unmap::operator()(float* p) const {
  ::munmap(p, bytes);
}

Result<KvCache> KvCache::create(const ModelConfig& config, std::size_t capacity) {
  const CheckedSize bytes = CheckedSize(config.kv_bytes_per_token()) * capacity;
  void* p = MAP_FAILED;
  if (bytes.at_most(std::size_t{1} << 46))
    p = ::mmap(nullptr, *bytes.value(), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    return make_error(Code::kOutOfMemory,
                      "no memory for the keys and values of {} tokens ({} each)", capacity,
                      format_bytes(config.kv_bytes_per_token()));
  KvCache cache;
  cache.data_ = {static_cast<float*>(p), Unmap{*bytes.value()}};
  cache.n_layers_ = config.n_layers;
  cache.n_kv_heads_ = config.n_kv_heads;
  cache.head_dim_ = config.head_dim;
  cache.capacity_ = capacity;
  return cache;
}

float* KvCache::head(std::size_t layer, std::size_t values, std::size_t kv_head) const {
  return data_.get() + ((layer * 2 + values) * n_kv_heads_ + kv_head) * capacity_ * head_dim_;
}

kernels::KvView KvCache::view(std::size_t layer) const {
  return {head(layer, 0, 0), head(layer, 1, 0), capacity_};
}

void KvCache::store(std::size_t layer, std::size_t position, std::size_t tokens, const float* k,
                    const float* v) {
  AQ_CHECK(position + tokens <= capacity_);
  for (std::size_t h = 0; h < n_kv_heads_; ++h) {
    float* keys = head(layer, 0, h) + position * head_dim_;
    float* values = head(layer, 1, h) + position * head_dim_;
    for (std::size_t t = 0; t < tokens; ++t) {
      const std::size_t from = (t * n_kv_heads_ + h) * head_dim_;
      std::copy_n(k + from, head_dim_, keys + t * head_dim_);
      std::copy_n(v + from, head_dim_, values + t * head_dim_);
    }
  }
}

void KvCache::advance(std::size_t tokens) {
  AQ_CHECK(length_ + tokens <= capacity_);
  length_ += tokens;
}

void KvCache::truncate(std::size_t length) {
  AQ_CHECK(length <= length_);
  length_ = length;
}

void KvCache::copy_from(const KvCache& other, std::size_t length) {
  AQ_CHECK(length <= other.length_ && length <= capacity_ && length_ == 0);
  for (std::size_t layer = 0; layer < n_layers_; ++layer)
    for (const std::size_t values : {0u, 1u})
      for (std::size_t h = 0; h < n_kv_heads_; ++h)
        std::copy_n(other.head(layer, values, h), length * head_dim_, head(layer, values, h));
  length_ = length;
}

}  // namespace aquilon::model
