#include "eval/perplexity.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace aquilon::eval {
namespace {

constexpr std::size_t kSlice = 128;  // tokens a pass: what bounds the logits in memory

// One chunk through the model; logits are asked for where a prediction is scored.
Status predict_chunk(model::Model& model, std::span<const text::TokenId> chunk, model::KvCache& kv,
                     const PredictionSink& on_prediction) {
  const std::size_t first = chunk.size() / 2;
  const std::size_t last = chunk.size() - 1;  // its prediction has nothing to be compared with
  const std::size_t vocab = model.config().vocab_size;
  std::vector<float> logits;
  for (std::size_t at = 0; at < last;) {
    const bool scored = at >= first;
    const std::size_t n = std::min(kSlice, (scored ? last : first) - at);
    model::Slice slice{&kv, chunk.subspan(at, n),
                       scored ? model::WantLogits::kAll : model::WantLogits::kNone};
    logits.clear();
    model.forward().run({&slice, 1}, logits);
    if (model.forward().stopped()) return Error{Code::kCancelled, "interrupted"};
    for (std::size_t i = 0; scored && i < n; ++i) {
      Prediction prediction{.logits = {&logits[i * vocab], vocab}, .next = chunk[at + i + 1]};
      prediction.log_sum = log_sum_exp(prediction.logits);
      AQ_RETURN_IF_ERROR(on_prediction(prediction));
    }
    at += n;
  }
  return {};
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - most));
  return static_cast<double>(most) + std::log(sum);
}

std::vector<text::TokenId> text_tokens(const model::Model& model, std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<text::TokenId> tokens = model.tokenizer().encode(text);
  if (model.special().add_bos && model.special().bos >= 0)
    tokens.insert(tokens.begin(), model.special().bos);
  return tokens;
}

Status predict_chunks(model::Model& model, std::span<const text::TokenId> tokens,
                      std::size_t context, model::KvType kv_type,
                      const PredictionSink& on_prediction, const ChunkSink& on_chunk) {
  AQ_CHECK(context >= 4 && context <= model.config().context_length);
  const std::size_t chunks = tokens.size() / context;
  if (chunks < 2)
    return make_error(Code::kInvalidArgument,
                      "the text has {} tokens; perplexity at a context of {} needs {} at least: "
                      "give a longer text or a smaller --ctx",
                      tokens.size(), context, 2 * context);
  model::KvCache kv = AQ_TRY(model::KvCache::create(model.config(), context, kv_type));
  for (std::size_t c = 0; c < chunks; ++c) {
    const auto of_text = tokens.subspan(c * context, context);
    std::vector<text::TokenId> chunk(of_text.begin(), of_text.end());
    if (model.special().add_bos && model.special().bos >= 0) chunk[0] = model.special().bos;
    kv.truncate(0);
    AQ_RETURN_IF_ERROR(kv.reserve(context));
    AQ_RETURN_IF_ERROR(predict_chunk(model, chunk, kv, on_prediction));
    if (!on_chunk(c + 1, chunks)) return Error{Code::kCancelled, "interrupted"};
  }
  return {};
}

}  // namespace aquilon::eval
