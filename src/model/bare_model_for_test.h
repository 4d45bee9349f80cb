// A model without its tokenizer: what the forward pass needs, from a file or from bytes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "formats/gguf.h"
#include "kernels/attention/kv_element.h"  // to_f16
#include "model/config.h"
#include "model/forward.h"
#include "model/kv_cache.h"
#include "model/weights.h"

namespace aquilon::model {

enum class WeightsForTest {
  kStored,      // as the file has them
  kQ8_0,        // rounded to Q8_0, multiplied in f32
  kPackedQ8_0,  // the same, packed
  kPackedFile,  // as the file has them, packed where there is a packing
};

class BareModel {
 public:
  static Result<std::unique_ptr<BareModel>> load(formats::GgufFile file, int threads = 2,
                                                 WeightsForTest form = WeightsForTest::kStored,
                                                 std::span<const Family> known = families()) {
    std::unique_ptr<BareModel> model(new BareModel(std::move(file), threads));
    model->config_ = AQ_TRY(read_config(model->file_, known));
    model->weights_ = AQ_TRY(read_weights(model->file_, model->config_));
    if (form == WeightsForTest::kQ8_0 || form == WeightsForTest::kPackedQ8_0)
      for_each_matrix(model->weights_, [&](WeightMatrix& m) { model->round_to_q8_0(m); });
    if (form == WeightsForTest::kPackedQ8_0 || form == WeightsForTest::kPackedFile)
      AQ_RETURN_IF_ERROR(pack_weights(model->file_, model->pool_, model->weights_));
    model->forward_ = std::make_unique<Forward>(model->config_, model->weights_, model->pool_);
    return model;
  }
  static Result<std::unique_ptr<BareModel>> load(const std::string& path, int threads = 2,
                                                 WeightsForTest form = WeightsForTest::kStored) {
    return load(AQ_TRY(formats::GgufFile::open(path)), threads, form);
  }

  const ModelConfig& config() const { return config_; }
  const Weights& weights() const { return weights_; }
  Forward& forward() { return *forward_; }

  // Logits of all tokens, fed in slices of the given sizes (the last one repeats).
  std::vector<float> run(std::span<const text::TokenId> tokens, std::vector<std::size_t> sizes,
                         std::size_t text_length = 0, KvType type = KvType::kF32,
                         const AdapterUse& adapter = {}) {
    KvCache kv = KvCache::create(config_, tokens.size(), type).value();
    std::vector<float> logits;
    for (std::size_t at = 0, i = 0; at < tokens.size(); ++i) {
      const std::size_t n = std::min(sizes[std::min(i, sizes.size() - 1)], tokens.size() - at);
      Slice slice{&kv, tokens.subspan(at, n), WantLogits::kAll, text_length, adapter};
      forward_->run({&slice, 1}, logits);
      at += n;
    }
    return logits;
  }

 private:
  BareModel(formats::GgufFile file, int threads) : file_(std::move(file)), pool_(threads) {}

  void round_to_q8_0(WeightMatrix& m) {
    if (m.stored.dtype != tensor::DType::kF32 || m.stored.columns % 32 != 0) return;
    std::vector<std::byte>& out = rounded_.emplace_back(m.stored.rows * m.stored.columns / 32 * 34);
    std::byte* to = out.data();
    for (const std::byte* from = m.stored.data; to < out.data() + out.size(); to += 34) {
      float x[32];
      std::memcpy(x, from, sizeof x);
      from += sizeof x;
      float largest = 0;
      for (const float v : x) largest = std::max(largest, std::abs(v));
      const float d = largest / 127;
      const std::uint16_t half = kernels::to_f16(d);
      std::memcpy(to, &half, sizeof half);
      for (int i = 0; i < 32; ++i)
        to[2 + i] = static_cast<std::byte>(d > 0 ? std::lround(x[i] / d) : 0);
    }
    m.stored.data = out.data();
    m.stored.dtype = tensor::DType::kQ8_0;
  }

  formats::GgufFile file_;
  ThreadPool pool_;
  ModelConfig config_;
  Weights weights_;
  std::deque<std::vector<std::byte>> rounded_;
  std::unique_ptr<Forward> forward_;
};

}  // namespace aquilon::model
