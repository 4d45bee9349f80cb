// Keys and values of one sequence: a table of pages, some of which it may share.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernels/attention/kv_layout.h"  // KvSlice
#include "model/config.h"
#include "model/kv_pool.h"

namespace aquilon::model {

// Threads: one user at a time, together with all others of its pool. Movable; the moved-from is
// only to be destroyed.
class KvCache {
 public:
  // Empty, without pages yet.
  explicit KvCache(std::shared_ptr<KvPool> pool);
  // One with a pool of its own and room for `capacity` positions.
  // Errors: kOutOfMemory when the system refuses the address range.
  static Result<KvCache> create(const ModelConfig& config, std::size_t capacity,
                                KvType type = KvType::kF32);
  KvCache(KvCache&&) noexcept = default;
  KvCache& operator=(KvCache&& other) noexcept;
  ~KvCache();

  std::size_t length() const { return length_; }  // positions filled
  // Positions that can be filled without reserve().
  std::size_t capacity() const;

  // Room for `tokens` more positions in pages that nobody else sees: a shared page that is filled
  // in part is copied. Errors: kExhausted; what was reserved stays so, and a later call goes on.
  Status reserve(std::size_t tokens);
  // The next `tokens` positions as the kernels want them. Room for them is reserved; valid until
  // the next change of this cache.
  kernels::KvSlice slice(std::size_t tokens) const;
  // Says that `tokens` more positions are filled in every layer.
  void advance(std::size_t tokens);
  // Forgets all but the first `length` positions and gives their pages back.
  void truncate(std::size_t length);

  // Another sequence with the first `length` positions; the pages are shared.
  KvCache fork(std::size_t length) const;
  // Goes on from pages of elsewhere that hold `length` positions, and shares them. Requires: empty.
  void adopt(std::span<const PageId> pages, std::size_t length);
  // Uses `page`, of the same contents, in place of the i-th page.
  void replace(std::size_t i, PageId page);

  std::span<const PageId> pages() const { return pages_; }
  const std::shared_ptr<KvPool>& pool() const { return pool_; }

 private:
  void push(PageId page);
  Status own_last_page();

  std::shared_ptr<KvPool> pool_;
  std::vector<PageId> pages_;     // one reference each
  std::vector<std::byte*> data_;  // of pages_
  std::size_t length_ = 0;
};

}  // namespace aquilon::model
