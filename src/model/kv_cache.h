// Keys and values of one sequence.
#pragma once

#include <cstddef>
#include <memory>

#include "base/result.h"
#include "kernels/attention/attention.h"  // KvView
#include "model/config.h"

namespace aquilon::model {

// Room for `capacity` positions; memory is taken from the system as positions are filled.
//   [L, 2, K, capacity, E] f32
// Threads: one user at a time. Movable.
class KvCache {
 public:
  // Errors: kOutOfMemory when the system refuses the address range.
  static Result<KvCache> create(const ModelConfig& config, std::size_t capacity);

  std::size_t length() const { return length_; }  // positions filled
  std::size_t capacity() const { return capacity_; }

  // One layer's keys and values.
  kernels::KvView view(std::size_t layer) const;
  // Stores `tokens` positions from `position` on.
  //   k, v  [T, K, E]
  void store(std::size_t layer, std::size_t position, std::size_t tokens, const float* k,
             const float* v);
  // Says that `tokens` more positions are filled in every layer.
  void advance(std::size_t tokens);
  // Forgets all but the first `length` positions.
  void truncate(std::size_t length);
  // Fills this cache with the first `length` positions of `other`, of the same model.
  void copy_from(const KvCache& other, std::size_t length);

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(float* p) const;
  };
  KvCache() = default;
  float* head(std::size_t layer, std::size_t values, std::size_t kv_head) const;

  std::unique_ptr<float[], Unmap> data_;
  std::size_t n_layers_ = 0;
  std::size_t n_kv_heads_ = 0;
  std::size_t head_dim_ = 0;
  std::size_t capacity_ = 0;
  std::size_t length_ = 0;
};

}  // namespace aquilon::model
