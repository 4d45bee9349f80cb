#include "engine/ngram_source.h"

#include <algorithm>

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr std::size_t kLongest = 4;
constexpr std::size_t kShortest = 2;

std::size_t same_at_end(std::span<const TokenId> a, std::span<const TokenId> b) {
  const std::size_t most = std::min({a.size(), b.size(), NgramGuesser::kMostSame});
  std::size_t same = 0;
  while (same < most && a[a.size() - 1 - same] == b[b.size() - 1 - same]) ++same;
  return same;
}

struct NgramMemory final : GuessSource::Memory {
  NgramGuesser guesser;
};

}  // namespace

NgramGuesser::NgramGuesser() {
  for (auto* indexes : {&text_, &hint_})
    for (std::size_t n = kLongest; n >= kShortest; --n) indexes->emplace_back(n);
}

NgramGuesser::Guess NgramGuesser::next(std::span<const TokenId> text, std::span<const TokenId> hint,
                                       std::size_t most) {
  for (NgramIndex& index : text_) index.extend(text);
  for (NgramIndex& index : hint_) index.extend(hint);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    const std::size_t n = kLongest - i;
    if (text.size() < n) continue;
    auto where = text;
    auto next = text_[i].behind(text, text.last(n));
    if (next.empty()) next = hint_[i].behind(where = hint, text.last(n));
    if (next.empty()) continue;
    const auto before = where.first(where.size() - next.size());
    const auto take = next.first(std::min(most, next.size()));
    return {{take.begin(), take.end()}, same_at_end(before, text)};
  }
  return {};
}

// Looking is as good as guessing.
std::size_t NgramSource::offer(Task& task) {
  if (!task.memory) task.memory = std::make_unique<NgramMemory>();
  auto& guesser = static_cast<NgramMemory&>(*task.memory).guesser;
  auto [guesses, same] = guesser.next(task.tokens, task.request.prediction, task.most);
  task.guesses = std::move(guesses);
  task.kind = same >= NgramGuesser::kMostSame ? 3 : std::clamp(same, kShortest, kLongest) - 2;
  return task.guesses.size();
}

void NgramSource::guess(std::span<Task> tasks, double /*patience*/) {
  for (Task& task : tasks) task.guesses.resize(std::min(task.guesses.size(), task.most));
}

}  // namespace aquilon::engine
