// Loading: matrices packed in batches by several threads, the tokenizer made meanwhile.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "formats/gguf_builder_for_test.h"
#include "model/model.h"
#include "model/tiny_model_for_test.h"
#include "quant/random_blocks.h"

namespace aquilon::model {
namespace {

using tensor::DType;

// Weights of random blocks in memory: some megabytes, so that matrices begin and end within huge
// pages and span several.
class PackWeightsTest : public testing::Test {
 protected:
  PackWeightsTest() : file_(formats::GgufFile::parse(image_.bytes, "empty").value()) {
    weights_.layers.resize(2);
    for (LayerWeights& layer : weights_.layers) {
      layer.wq.stored = matrix(DType::kQ4_K, 1000, 1536);
      layer.wk.stored = matrix(DType::kF32, 40, 64);
      layer.wv.stored = matrix(DType::kQ8_0, 41, 96);
      layer.wo.stored = matrix(DType::kQ5_0, 3, 32);
      layer.dense.w1.stored = matrix(DType::kQ6_K, 2065, 1024);
      layer.dense.w2.stored = matrix(DType::kQ5_0, 700, 2080);
      layer.dense.w3.stored =
          matrix(&layer == &weights_.layers[0] ? DType::kQ4_1 : DType::kBF16, 33, 64);
    }
    weights_.output.stored = matrix(DType::kQ4_0, 3001, 512);
  }

  tensor::MatrixView matrix(DType type, std::size_t rows, std::size_t columns) {
    const std::size_t values = rows * columns;
    blocks_.push_back(type == DType::kF32 ? std::vector<std::byte>(4 * values)
                                          : quant::random_blocks(type, values, rows + columns));
    return {blocks_.back().data(), type, rows, columns};
  }

  formats::GgufImage image_ = formats::GgufBuilder().build();
  formats::GgufFile file_;
  std::deque<std::vector<std::byte>> blocks_;
  Weights weights_;
};

TEST_F(PackWeightsTest, BatchesAndThreadsMakeNoDifference) {
  for (const int threads : {1, 2, 5})
    for (const std::size_t batch : {std::size_t{1}, std::size_t{1} << 20, std::size_t{1} << 30}) {
      ThreadPool pool(threads);
      ASSERT_TRUE(pack_weights(file_, pool, weights_, {}, batch).ok());
      std::size_t packed = 0;
      for_each_matrix(weights_, [&](const WeightMatrix& m) {
        if (m.stored.dtype == DType::kF32) {
          EXPECT_TRUE(m.packed.empty());
          return;
        }
        if (m.stored.dtype == DType::kBF16) {
          std::vector<std::byte> want(m.floats.groups() * quant::float_group_bytes(64));
          quant::pack_float_groups(m.stored, 0, m.floats.groups(), want.data());
          ASSERT_EQ(m.floats.rows, m.stored.rows);
          EXPECT_EQ(std::memcmp(m.floats.data, want.data(), want.size()), 0) << threads;
          packed += want.size();
          return;
        }
        std::vector<std::byte> want(quant::packed_bytes(m.stored));
        quant::pack_groups(m.stored, 0, m.packed.groups(), want.data());
        ASSERT_EQ(m.packed.rows, m.stored.rows);
        EXPECT_EQ(std::memcmp(m.packed.data, want.data(), want.size()), 0)
            << m.stored.rows << " rows, " << threads << " threads, batches of " << batch;
        packed += want.size();
      });
      EXPECT_EQ(packed, weights_.packed.size());
    }
}

TEST_F(PackWeightsTest, TellsProgressUpToTheEnd) {
  ThreadPool pool(2);
  std::vector<std::size_t> told;
  const auto progress = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(total, packed_weights_bytes(weights_));
    told.push_back(done);
    return Status();
  };
  ASSERT_TRUE(pack_weights(file_, pool, weights_, progress, 1 << 20).ok());
  EXPECT_GT(told.size(), 2u);
  for (std::size_t i = 1; i < told.size(); ++i) EXPECT_LT(told[i - 1], told[i]);
  EXPECT_EQ(told.back(), packed_weights_bytes(weights_));
}

TEST_F(PackWeightsTest, EndsWithTheErrorOfItsProgress) {
  ThreadPool pool(2);
  int calls = 0;
  const auto progress = [&](std::size_t, std::size_t) -> Status {
    if (++calls == 2) return Error{Code::kCancelled, "enough"};
    return {};
  };
  const Status status = pack_weights(file_, pool, weights_, progress, 1);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "enough");
  EXPECT_EQ(calls, 2);
}

class LoadingTest : public testing::Test {
 protected:
  ~LoadingTest() override { std::remove(path_.c_str()); }
  const std::string path_ = testing::TempDir() + "loading_test.gguf";
};

// The tokenizer is made beside the weights; what is wrong with it comes out of prepare().
TEST_F(LoadingTest, NamesWhatIsWrongWithTheTokenizer) {
  write_tiny_model(path_, DType::kQ8_0, "no-such-scheme");
  auto model = Model::open(path_);
  ASSERT_TRUE(model.ok()) << model.error().message;
  for (const Arithmetic arithmetic : {Arithmetic::kPacked, Arithmetic::kReference}) {
    const auto loaded = Model::load(path_, {.threads = 2, .arithmetic = arithmetic});
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, Code::kUnsupported);
    EXPECT_NE(loaded.error().message.find("no-such-scheme"), std::string::npos)
        << loaded.error().message;
  }
}

TEST_F(LoadingTest, TellsProgressAndMakesAllOfTheModel) {
  write_tiny_model(path_, DType::kQ4_K);
  std::size_t done = 0, total = 0;
  auto model = Model::load(path_, {.threads = 2, .progress = [&](std::size_t d, std::size_t t) {
                                     done = d;
                                     total = t;
                                   }});
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_GT(total, 0u);
  EXPECT_EQ(done, total);
  EXPECT_EQ((*model)->tokenizer().vocab_size(), kTinyVocab);
  EXPECT_EQ((*model)->special().eos, static_cast<text::TokenId>(kTinyVocab - 1));
}

// Its tokenizer may still be under way.
TEST_F(LoadingTest, AnOpenedModelCanBeLeft) {
  write_tiny_model(path_, DType::kQ4_K);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Model::open(path_).ok());
}

}  // namespace
}  // namespace aquilon::model
