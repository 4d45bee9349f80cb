#include "constraint/matcher.h"

#include <algorithm>

#include "base/check.h"
#include "constraint/grammar_core_internal.h"

namespace aquilon::constraint {
namespace {

template <class Snapshot>
Place place_of(const Snapshot& s) {
  return {s.state, {static_cast<KeyPosition::Mode>(s.mode), s.open, s.text}};
}

}  // namespace

Matcher::Matcher(Grammar grammar, std::shared_ptr<const Vocabulary> vocabulary)
    : core_(std::move(grammar.core_)), vocabulary_(std::move(vocabulary)) {
  history_.push_back({core_->start().state, 0, 0, 0, false});
}

Status Matcher::fill_mask(std::span<MaskWord> mask) {
  AQ_CHECK(mask.size() == vocabulary_->mask_words());
  const std::lock_guard lock(core_->mutex());
  core_->allow_step();
  const Place place = place_of(history_.back());
  core_->fill(place, vocabulary_, true, mask);
  AQ_RETURN_IF_ERROR(core_->limit());
  const bool some = std::any_of(mask.begin(), mask.end(), [](MaskWord word) { return word != 0; });
  if (!some && !is_finished() && core_->is_stuck(place))
    return Error{Code::kInvalidArgument,
                 "the constraint leaves no way to end the answer: it asks for more items or keys "
                 "that differ than can follow"};
  return {};
}

Status Matcher::fill_mask_uncached_for_test(std::span<MaskWord> mask) {
  const std::lock_guard lock(core_->mutex());
  core_->allow_step();
  core_->fill(place_of(history_.back()), vocabulary_, false, mask);
  return {};
}

bool Matcher::allows(TokenId token) {
  if (token < 0 || static_cast<std::size_t>(token) >= vocabulary_->size()) return false;
  if (vocabulary_->is_end(token)) return is_accepting();
  const std::string_view bytes = vocabulary_->bytes(token);
  if (bytes.empty() || is_finished()) return false;
  const std::lock_guard lock(core_->mutex());
  core_->allow_step();
  return core_->after(place_of(history_.back()), bytes).has_value();
}

bool Matcher::accept(TokenId token) {
  if (token < 0 || static_cast<std::size_t>(token) >= vocabulary_->size()) return false;
  if (vocabulary_->is_end(token)) {
    if (!is_accepting()) return false;
    Snapshot finished = history_.back();
    finished.finished = true;
    finished.state = kDead;
    history_.push_back(finished);
    return true;
  }
  const std::string_view bytes = vocabulary_->bytes(token);
  return !bytes.empty() && accept_bytes(bytes);
}

bool Matcher::accept_bytes(std::string_view bytes) {
  const std::lock_guard lock(core_->mutex());
  core_->allow_step();
  const auto after = core_->after(place_of(history_.back()), bytes);
  if (!after) return false;
  history_.push_back({after->state, after->keys.open, after->keys.text,
                      static_cast<std::uint8_t>(after->keys.mode), false});
  return true;
}

void Matcher::rollback(std::size_t count) {
  AQ_CHECK(count <= accepted());
  history_.resize(history_.size() - count, history_.front());
}

bool Matcher::is_accepting() {
  const std::lock_guard lock(core_->mutex());
  return core_->accepting(place_of(history_.back()));
}

std::string Matcher::forced_bytes(std::size_t limit) {
  const std::lock_guard lock(core_->mutex());
  core_->allow_step();
  std::string bytes;
  Place place = place_of(history_.back());
  while (bytes.size() < limit && place.state != kDead) {
    const auto byte = core_->forced_byte(place);
    if (!byte) break;
    bytes += static_cast<char>(*byte);
    place = *core_->after(place, {&bytes.back(), 1});
  }
  return bytes;
}

std::vector<TokenId> Matcher::forced_tokens(const text::Tokenizer& tokenizer) {
  constexpr std::size_t kUnsure = 4;  // tokens at the end that a longer text may cut otherwise
  const std::string bytes = forced_bytes();
  std::vector<TokenId> tokens = tokenizer.encode(bytes);
  std::string again;
  for (const TokenId token : tokens) again += vocabulary_->bytes(token);
  if (again != bytes || tokens.size() <= kUnsure) return {};
  tokens.resize(tokens.size() - kUnsure);
  return tokens;
}

}  // namespace aquilon::constraint
