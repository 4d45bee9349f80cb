#include "text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/checked_math.h"
#include "text/byte_alphabet.h"
#include "text/byte_hash_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

bool in_alphabet(TokenKind kind) {
  return kind == TokenKind::kNormal || kind == TokenKind::kUnused || kind == TokenKind::kByte;
}

std::string_view shown(std::string_view token) {
  return token.substr(0, 100);
}

Error twice(std::string_view written, TokenId first, TokenId second) {
  return make_error(Code::kCorrupt, "token '{}' stands in the vocabulary twice, as {} and {}",
                    shown(written), first, second);
}

// 2^31 - 1 tokens of at most 4 GiB together, none longer than kMaxTokenBytes.
Status check_sizes(const std::vector<std::string>& tokens, std::size_t kinds) {
  if (tokens.size() != kinds) {
    return make_error(Code::kCorrupt, "the vocabulary has {} tokens but {} token kinds",
                      tokens.size(), kinds);
  }
  if (tokens.size() > std::numeric_limits<TokenId>::max()) {
    return make_error(Code::kCorrupt, "the vocabulary has {} tokens, more than 2^31 - 1",
                      tokens.size());
  }
  CheckedSize total;
  for (const std::string& token : tokens) {
    if (token.size() > kMaxTokenBytes) {
      return make_error(Code::kCorrupt, "token {} ('{}...') has {} bytes, more than {}",
                        &token - tokens.data(), shown(token), token.size(), kMaxTokenBytes);
    }
    total += token.size();
  }
  if (!total.at_most(std::numeric_limits<std::uint32_t>::max())) {
    return make_error(Code::kCorrupt, "the vocabulary's texts have more than 4 GiB");
  }
  return {};
}

}  // namespace

Result<Vocabulary> Vocabulary::make(const std::vector<std::string>& tokens,
                                    std::vector<TokenKind> kinds, TokenForm form) {
  AQ_RETURN_IF_ERROR(check_sizes(tokens, kinds.size()));
  Vocabulary v(std::move(kinds), form);
  std::size_t total = 0;
  for (const std::string& token : tokens) total += token.size();
  v.text_.reserve(total);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    v.append(static_cast<TokenId>(i), tokens[i]);
  }
  AQ_RETURN_IF_ERROR(v.enter_all());
  if (form == TokenForm::kAlphabet) AQ_RETURN_IF_ERROR(v.check_plain_unique());
  v.text_.shrink_to_fit();
  return v;
}

Vocabulary::Vocabulary(std::vector<TokenKind> kinds, TokenForm form)
    : kinds_(std::move(kinds)),
      offsets_{0},
      slots_(std::bit_ceil(std::max<std::size_t>(kinds_.size() * 4 / 3, 16))),
      mask_(slots_.size() - 1),
      seed_(hash_seed()),
      form_(form) {
  offsets_.reserve(kinds_.size() + 1);
}

std::string_view Vocabulary::bytes(TokenId id) const {
  if (!in_range(id)) return {};
  const std::size_t i = index(id);
  return std::string_view(text_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
}

bool Vocabulary::is_plain(TokenId id) const {
  return std::binary_search(plain_.begin(), plain_.end(), id);
}

// Otherwise its bytes are at the end of text_.
bool Vocabulary::stands_for_itself(TokenKind kind, const std::string& written) {
  if (form_ == TokenForm::kAlphabet) {
    return !in_alphabet(kind) || !append_alphabet_bytes(written, text_);
  }
  if (is_control(kind)) return true;
  text_ += written;
  return false;
}

void Vocabulary::append(TokenId id, const std::string& written) {
  if (stands_for_itself(kinds_[index(id)], written)) {
    text_ += written;
    plain_.push_back(id);
  }
  offsets_.push_back(static_cast<std::uint32_t>(text_.size()));
}

Status Vocabulary::enter_all() {
  std::vector<std::uint64_t> hashes(size());
  for (std::size_t i = 0; i < size(); ++i) hashes[i] = hash(bytes(static_cast<TokenId>(i)));
  auto plain = plain_.begin();
  for (std::size_t i = 0; i < size(); ++i) {
    constexpr std::size_t kAhead = 16;
    if (i + kAhead < size()) __builtin_prefetch(&slots_[hashes[i + kAhead] & mask_], 1);
    const auto id = static_cast<TokenId>(i);
    const bool is_plain = plain != plain_.end() && *plain == id;
    if (is_plain) ++plain;
    const bool hidden = form_ == TokenForm::kBytes && kinds_[i] == TokenKind::kByte;
    if (!hidden && !bytes(id).empty()) AQ_RETURN_IF_ERROR(enter(id, hashes[i], is_plain));
  }
  return {};
}

Status Vocabulary::enter(TokenId id, std::uint64_t hash, bool plain) {
  const std::string_view bytes = this->bytes(id);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  std::uint64_t i = hash & mask_;
  for (; slots_[i].id >= 0; i = (i + 1) & mask_) {
    if (matches(slots_[i], tag, bytes, plain)) {
      const bool as_is = plain || form_ == TokenForm::kBytes;
      return twice(as_is ? std::string(bytes) : alphabet_form(bytes), slots_[i].id, id);
    }
  }
  Slot& slot = slots_[i];
  slot.tag = tag;
  slot.id = id;
  slot.offset = offsets_[index(id)];
  slot.length = static_cast<std::uint32_t>(bytes.size()) & 0x7FFFFFFFu;
  slot.plain = plain;
  return {};
}

// A plain token and one in the alphabet may have the same written form but different bytes.
Status Vocabulary::check_plain_unique() const {
  std::string as_alphabet;
  for (const TokenId id : plain_) {
    as_alphabet.clear();
    if (!append_alphabet_bytes(bytes(id), as_alphabet)) continue;
    if (const TokenId other = find_bytes(as_alphabet); other >= 0) {
      return twice(bytes(id), other, id);
    }
  }
  return {};
}

bool Vocabulary::matches(const Slot& slot, std::uint32_t tag, std::string_view bytes,
                         bool plain) const {
  return slot.tag == tag && slot.length == bytes.size() && slot.plain == plain &&
         std::memcmp(text_.data() + slot.offset, bytes.data(), bytes.size()) == 0;
}

std::uint64_t Vocabulary::hash(std::string_view bytes) const {
  return hash_bytes(bytes, seed_);
}

std::uint64_t Vocabulary::prefetch(std::string_view bytes) const {
  const std::uint64_t h = hash(bytes);
  __builtin_prefetch(&slots_[h & mask_]);
  return h;
}

TokenId Vocabulary::find(std::string_view bytes, std::uint64_t hash, bool plain) const {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const Slot* const slots = slots_.data();
  for (std::uint64_t i = hash & mask_; slots[i].id >= 0; i = (i + 1) & mask_) {
    if (matches(slots[i], tag, bytes, plain)) return slots[i].id;
  }
  return -1;
}

TokenId Vocabulary::find_written(std::string_view written) const {
  std::string bytes(written);
  if (form_ == TokenForm::kAlphabet) bytes.clear();
  if (form_ == TokenForm::kBytes || append_alphabet_bytes(written, bytes)) {
    if (const TokenId id = find_bytes(bytes); id >= 0) return id;
  }
  return find(written, hash(written), true);
}

}  // namespace aquilon::text
