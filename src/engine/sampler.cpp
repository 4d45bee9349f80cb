#include "engine/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace aquilon::engine {
namespace {

using text::TokenId;

// Steele et al. 2014, "Fast splittable pseudorandom number generators": the output function.
std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

// Uniform in [0, 1), a function of its three arguments.
double uniform(std::uint64_t seed, std::uint64_t choice, std::uint64_t step) {
  return static_cast<double>(mix(mix(mix(seed) + choice) + step) >> 11) * 0x1p-53;
}

TokenId best(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

bool better(const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

// Sorts best first as far as needed: until `enough(candidates, sorted)` gives a count, at most all.
// A vocabulary's tail is long and light: sorting it all would cost more than the forward pass.
template <class Candidates, class Enough>
std::size_t sort_until(Candidates& candidates, const Enough& enough) {
  for (std::size_t n = 128;; n *= 8) {
    if (n > candidates.size() / 4) n = candidates.size();  // one full sort is cheaper now
    const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(n);
    std::partial_sort(candidates.begin(), middle, candidates.end(),
                      [](const auto& a, const auto& b) { return better(a, b); });
    const std::size_t keep = enough(n);
    if (keep != 0) return keep;
    if (n == candidates.size()) return n;
  }
}

void normalise(auto& candidates) {
  double total = 0;
  for (const auto& c : candidates) total += c.probability;
  for (auto& c : candidates) c.probability /= total;
}

}  // namespace

Sampler::Sampler(const SamplingParams& params, std::uint64_t seed, int choice,
                 std::span<const TokenId> prompt)
    : params_(params), seed_(seed), choice_(static_cast<std::uint64_t>(choice)) {
  if (params.repetition_penalty == 1.0) return;
  prompt_tokens_.assign(prompt.begin(), prompt.end());
  std::sort(prompt_tokens_.begin(), prompt_tokens_.end());
  const auto end = std::unique(prompt_tokens_.begin(), prompt_tokens_.end());
  prompt_tokens_.erase(end, prompt_tokens_.end());
}

TokenId Sampler::sample(std::span<float> logits) {
  apply_bias_and_penalties(logits);
  const TokenId id = params_.temperature == 0 ? best(logits) : draw(logits);
  take(id);
  return id;
}

void Sampler::take(TokenId id) {
  ++step_;
  ++answer_counts_[id];
}

void Sampler::apply_bias_and_penalties(std::span<float> logits) const {
  for (const auto& [id, bias] : params_.logit_bias) logits[static_cast<std::size_t>(id)] += bias;
  const auto repeat = static_cast<float>(params_.repetition_penalty);
  const auto penalise = [&](TokenId id) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0 ? logit / repeat : logit * repeat;
  };
  for (const TokenId id : prompt_tokens_) penalise(id);
  for (const auto& [id, count] : answer_counts_) {
    const bool in_prompt = std::binary_search(prompt_tokens_.begin(), prompt_tokens_.end(), id);
    if (repeat != 1.0f && !in_prompt) penalise(id);
    logits[static_cast<std::size_t>(id)] -= static_cast<float>(
        params_.presence_penalty + params_.frequency_penalty * static_cast<double>(count));
  }
}

TokenId Sampler::draw(std::span<const float> logits) {
  const float highest = logits[static_cast<std::size_t>(best(logits))];
  const double scale = 1.0 / params_.temperature;
  std::vector<Candidate> candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double distance = static_cast<double>(logits[i] - highest) * scale;
    candidates[i] = {static_cast<TokenId>(i), logits[i], std::exp(distance)};
  }
  normalise(candidates);
  keep_top_k(candidates);
  keep_typical(candidates);
  keep_top_p(candidates);
  keep_min_p(candidates);
  double left = uniform(seed_, choice_, step_);
  for (const Candidate& c : candidates) {
    left -= c.probability;
    if (left < 0) return c.id;
  }
  // Rounding left a crumb: the last token that can be drawn at all.
  const auto last = std::find_if(candidates.rbegin(), candidates.rend(),
                                 [](const Candidate& c) { return c.probability > 0; });
  return last->id;
}

void Sampler::keep_top_k(std::vector<Candidate>& candidates) const {
  const auto k = static_cast<std::size_t>(params_.top_k);
  if (k == 0 || k >= candidates.size()) return;
  std::partial_sort(candidates.begin(), candidates.begin() + params_.top_k, candidates.end(),
                    [](const Candidate& a, const Candidate& b) { return better(a, b); });
  candidates.resize(k);
  normalise(candidates);
}

// Meister et al. 2022, arXiv:2202.00666: the tokens whose surprise is nearest to the expected one.
void Sampler::keep_typical(std::vector<Candidate>& candidates) const {
  if (params_.typical_p >= 1) return;
  double entropy = 0;
  for (const Candidate& c : candidates)
    if (c.probability > 0) entropy -= c.probability * std::log(c.probability);
  const auto distance = [&](const Candidate& c) {
    return c.probability > 0 ? std::abs(-std::log(c.probability) - entropy) : INFINITY;
  };
  std::sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
    const double da = distance(a);
    const double db = distance(b);
    return da != db ? da < db : a.id < b.id;
  });
  double mass = 0;
  std::size_t keep = 0;
  while (keep < candidates.size() && mass < params_.typical_p)
    mass += candidates[keep++].probability;
  candidates.resize(keep);
  normalise(candidates);
}

// Holtzman et al. 2020, arXiv:1904.09751: the smallest set of best tokens that holds the mass.
void Sampler::keep_top_p(std::vector<Candidate>& candidates) const {
  if (params_.top_p >= 1) return;
  const std::size_t keep = sort_until(candidates, [&](std::size_t sorted) -> std::size_t {
    double mass = 0;
    for (std::size_t i = 0; i < sorted; ++i) {
      mass += candidates[i].probability;
      if (mass >= params_.top_p) return i + 1;
    }
    return 0;
  });
  candidates.resize(keep);
  normalise(candidates);
}

void Sampler::keep_min_p(std::vector<Candidate>& candidates) const {
  if (params_.min_p <= 0) return;
  double highest = 0;
  for (const Candidate& c : candidates) highest = std::max(highest, c.probability);
  std::erase_if(candidates,
                [&](const Candidate& c) { return c.probability < params_.min_p * highest; });
  normalise(candidates);
}

bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7f800000;
  bool finite = true;
  for (const float value : values)
    finite &= (std::bit_cast<std::uint32_t>(value) & kExponent) != kExponent;
  return finite;
}

TokenLogprobs log_probabilities(std::span<const float> logits, TokenId chosen, int top,
                                const text::Tokenizer& tokenizer) {
  const float highest = logits[static_cast<std::size_t>(best(logits))];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - highest));
  const double lse = highest + std::log(sum);
  const auto entry = [&](TokenId id) {
    const double logprob = logits[static_cast<std::size_t>(id)] - lse;
    return TokenLogprob{id, std::string(tokenizer.token_bytes(id)), static_cast<float>(logprob)};
  };
  TokenLogprobs result{.chosen = entry(chosen), .top = {}};
  const float own = logits[static_cast<std::size_t>(chosen)];
  result.rank = 1 + static_cast<int>(std::count_if(logits.begin(), logits.end(),
                                                   [own](float logit) { return logit > own; }));
  std::vector<TokenId> ids(logits.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>(i);
  const auto count = std::min<std::ptrdiff_t>(top, static_cast<std::ptrdiff_t>(ids.size()));
  std::partial_sort(ids.begin(), ids.begin() + count, ids.end(), [&](TokenId a, TokenId b) {
    const float la = logits[static_cast<std::size_t>(a)];
    const float lb = logits[static_cast<std::size_t>(b)];
    return la != lb ? la > lb : a < b;
  });
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const TokenId id = ids[static_cast<std::size_t>(i)];
    if (std::isinf(logits[static_cast<std::size_t>(id)])) break;  // not allowed: no alternative
    result.top.push_back(entry(id));
  }
  return result;
}

}  // namespace aquilon::engine
