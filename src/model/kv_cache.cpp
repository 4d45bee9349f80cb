#include "model/kv_cache.h"

#include <cstring>
#include <utility>

#include "base/check.h"

namespace aquilon::model {

using kernels::kPagePositions;

KvCache::KvCache(std::shared_ptr<KvPool> pool) : pool_(std::move(pool)) {}

Result<KvCache> KvCache::create(const ModelConfig& config, std::size_t capacity, KvType type) {
  KvCache cache(AQ_TRY(KvPool::create(config, type, pages_for(capacity))));
  AQ_RETURN_IF_ERROR(cache.reserve(capacity));
  return cache;
}

KvCache& KvCache::operator=(KvCache&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(pages_, other.pages_);
  std::swap(data_, other.data_);
  std::swap(length_, other.length_);
  return *this;
}

KvCache::~KvCache() {
  for (const PageId page : pages_) pool_->release(page);
}

std::size_t KvCache::capacity() const {
  const std::size_t partial = length_ % kPagePositions;
  if (partial != 0 && pool_->references(pages_[length_ / kPagePositions]) > 1) return length_;
  return pages_.size() * kPagePositions;
}

Status KvCache::reserve(std::size_t tokens) {
  if (tokens == 0) return {};
  if (length_ % kPagePositions != 0) AQ_RETURN_IF_ERROR(own_last_page());
  const std::size_t wanted = pages_for(length_ + tokens);
  while (pages_.size() < wanted) push(AQ_TRY(pool_->allocate()));
  return {};
}

// Copies the page that the next position goes into if somebody else sees it.
Status KvCache::own_last_page() {
  const std::size_t i = length_ / kPagePositions;
  if (pool_->references(pages_[i]) == 1) return {};
  const PageId own = AQ_TRY(pool_->allocate());
  std::memcpy(pool_->data(own), data_[i], pool_->layout().page_bytes());
  pool_->release(std::exchange(pages_[i], own));
  data_[i] = pool_->data(own);
  return {};
}

kernels::KvSlice KvCache::slice(std::size_t tokens) const {
  AQ_CHECK(length_ + tokens <= capacity());
  return {data_.data(), length_, tokens};
}

void KvCache::advance(std::size_t tokens) {
  AQ_CHECK(length_ + tokens <= pages_.size() * kPagePositions);
  length_ += tokens;
}

void KvCache::truncate(std::size_t length) {
  AQ_CHECK(length <= length_);
  length_ = length;
  while (pages_.size() > pages_for(length)) {
    pool_->release(pages_.back());
    pages_.pop_back();
    data_.pop_back();
  }
}

KvCache KvCache::fork(std::size_t length) const {
  AQ_CHECK(length <= length_);
  KvCache other(pool_);
  other.adopt(std::span(pages_).first(pages_for(length)), length);
  return other;
}

void KvCache::adopt(std::span<const PageId> pages, std::size_t length) {
  AQ_CHECK(pages_.empty() && pages_for(length) == pages.size());
  for (const PageId page : pages) {
    pool_->retain(page);
    push(page);
  }
  length_ = length;
}

void KvCache::replace(std::size_t i, PageId page) {
  pool_->retain(page);
  pool_->release(std::exchange(pages_[i], page));
  data_[i] = pool_->data(page);
}

void KvCache::push(PageId page) {
  pages_.push_back(page);
  data_.push_back(pool_->data(page));
}

}  // namespace aquilon::model
