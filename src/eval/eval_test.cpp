#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "eval/base_file.h"
#include "eval/divergence.h"
#include "eval/perplexity.h"
#include "eval/running_mean.h"

namespace aquilon::eval {
namespace {

using text::TokenId;

std::string temporary(const std::string& name) {
  return testing::TempDir() + "eval_" + std::to_string(::getpid()) + "_" + name;
}

Prediction predict(const std::vector<float>& logits, TokenId next) {
  return {.logits = logits, .log_sum = log_sum_exp(logits), .next = next};
}

TEST(RunningMean, MeanAndErrorAreThoseOfTheWholeSet) {
  RunningMean mean;
  EXPECT_EQ(mean.standard_error(), 0);
  for (const double x : {1e5 + 1, 1e5 + 2, 1e5 + 4, 1e5 + 5}) mean.add(x);
  EXPECT_DOUBLE_EQ(mean.mean(), 1e5 + 3);
  EXPECT_NEAR(mean.standard_error(), std::sqrt(2.5 / 3), 1e-9);  // variance 2.5, n - 1 = 3
  EXPECT_EQ(mean.max(), 1e5 + 5);
}

TEST(LogSumExp, LargeLogitsDoNotOverflow) {
  const std::vector<float> logits = {1000, 1000, -1000};
  EXPECT_NEAR(log_sum_exp(logits), 1000 + std::log(2.0), 1e-12);
}

// Writes two chunks of four tokens (one scored position each) over a vocabulary of four.
class BaseFileTest : public testing::Test {
 protected:
  BaseFileTest() {
    auto writer = BaseWriter::create(path_, tokens_, 4, 4, kModel);
    EXPECT_TRUE(writer.ok());
    EXPECT_TRUE(writer->add(predict(first_, 2)).ok());
    EXPECT_TRUE(writer->add(predict(second_, 0)).ok());
    EXPECT_TRUE(writer->finish().ok());
  }
  ~BaseFileTest() override { std::filesystem::remove(path_); }

  static constexpr std::uint64_t kModel = 0x123456789abcdef0;
  const std::string path_ = temporary("base");
  const std::vector<TokenId> tokens_ = {0, 1, 2, 3, 3, 2, 1, 0};
  const std::vector<float> first_ = {0, 1, 3, 1};
  const std::vector<float> second_ = {2, 0, 0, 0};
};

TEST_F(BaseFileTest, GivesBackWhatWasPredicted) {
  const auto file = BaseFile::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  ASSERT_EQ(file->records(), 2u);
  EXPECT_TRUE(file->check_same_run(tokens_, 4, 4, kModel).ok());
  const BaseRecord record = file->record(0);
  EXPECT_EQ(std::vector<TokenId>(record.ids.begin(), record.ids.end()),
            (std::vector<TokenId>{2, 1, 3, 0}));
  EXPECT_FLOAT_EQ(record.next_logprob, record.logprobs[0]);
  EXPECT_NEAR(record.logprobs[1] - record.logprobs[0], -2, 1e-6);
}

TEST_F(BaseFileTest, AnotherRunIsRefused) {
  const auto file = BaseFile::open(path_);
  ASSERT_TRUE(file.ok());
  std::vector<TokenId> other = tokens_;
  other[5] = 1;
  EXPECT_NE(file->check_same_run(other, 4, 4, kModel).error().message.find("another text"),
            std::string::npos);
  EXPECT_NE(file->check_same_run(tokens_, 8, 4, kModel).error().message.find("--ctx 4"),
            std::string::npos);
  EXPECT_NE(file->check_same_run(tokens_, 4, 5, kModel).error().message.find("vocabulary"),
            std::string::npos);
}

TEST_F(BaseFileTest, AnotherModelIsTold) {
  const auto file = BaseFile::open(path_);
  ASSERT_TRUE(file.ok());
  const auto other = file->check_same_run(tokens_, 4, 4, kModel + 1);
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().message.find("was made with another model"), std::string::npos);
}

TEST_F(BaseFileTest, FilesOfVersionOneAreRead) {
  std::ifstream in(path_, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  bytes[6] = '1';
  bytes.erase(24, 8);
  std::ofstream(path_, std::ios::binary) << bytes;
  const auto file = BaseFile::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(file->check_same_run(tokens_, 4, 4, 0).ok());
  Divergence d;
  d.add(file->record(0), predict(first_, 2));
  EXPECT_LT(d.kl().max(), 1e-6);
}

TEST_F(BaseFileTest, DamageIsAnErrorEverywhere) {
  std::ifstream in(path_, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const auto open_bytes = [&](const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
    return BaseFile::open(path_);
  };
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(open_bytes(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(open_bytes(bytes + "x").ok());
  for (std::size_t at = 0; at < 32; ++at) {  // magic and every number of the header
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0xff);
    const auto file = open_bytes(flipped);
    EXPECT_FALSE(file.ok() && file->check_same_run(tokens_, 4, 4, kModel).ok()) << at;
  }
  std::string outside = bytes;
  outside[32 + 32 + 4 + 1] = 1;  // the first id of the first record: 258 of 4
  EXPECT_FALSE(open_bytes(outside).ok());
  EXPECT_TRUE(open_bytes(bytes).ok());
}

TEST_F(BaseFileTest, DivergenceOfTheSamePredictionsIsNone) {
  const auto file = BaseFile::open(path_);
  ASSERT_TRUE(file.ok());
  Divergence d;
  d.add(file->record(0), predict(first_, 2));
  d.add(file->record(1), predict(second_, 0));
  EXPECT_LT(d.kl().max(), 1e-6);
  EXPECT_LT(d.logprob_distance().max(), 1e-6);
  EXPECT_EQ(d.same_best().mean(), 1);
  EXPECT_LT(d.outside().max(), 1e-6);
}

TEST_F(BaseFileTest, DivergenceIsTheFormulas) {
  const auto file = BaseFile::open(path_);
  ASSERT_TRUE(file.ok());
  const std::vector<float> flat = {0, 0, 0, 0};
  Divergence d;
  d.add(file->record(1), predict(flat, 0));
  const double p = std::exp(2.0) / (std::exp(2.0) + 3);  // of the best; the others share the rest
  const double q = (1 - p) / 3;
  EXPECT_NEAR(d.kl().mean(), p * std::log(4 * p) + 3 * q * std::log(4 * q), 1e-6);
  EXPECT_NEAR(d.logprob_distance().mean(), std::log(4 * p), 1e-6);
  EXPECT_NEAR(d.log_ratio().mean(), std::log(4 * p), 1e-6);
}

TEST(Divergence, IdsThatAreNotKeptAreOneClass) {
  const std::int32_t ids[] = {1};
  const float logprobs[] = {std::log(0.75f)};
  Divergence d;
  d.add({logprobs[0], ids, logprobs}, predict({0, 0, 0, 0}, 1));
  EXPECT_NEAR(d.outside().mean(), 0.25, 1e-6);
  EXPECT_NEAR(d.kl().mean(), 0.75 * std::log(3.0) + 0.25 * std::log(0.25 / 0.75), 1e-6);
}

class OnTinyModel : public testing::Test {
 protected:
  OnTinyModel() {
    auto loaded = model::Model::load(
        std::string(AQUILON_SOURCE_DIR) + "/tests/data/oracle/llama-gqa/model-f32.gguf", {});
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    model_ = std::move(*loaded);
  }
  std::unique_ptr<model::Model> model_;
};

// Against logits of each chunk as a whole.
TEST_F(OnTinyModel, ScoresTheSecondHalfOfEachChunkOnItsOwn) {
  std::vector<TokenId> tokens;
  for (int i = 0; i < 70; ++i) tokens.push_back((i * 37 + 5) % 384);
  std::vector<double> got;
  std::vector<std::size_t> chunks;
  const Status status = predict_chunks(
      *model_, tokens, 32, model::KvType::kF32,
      [&](const Prediction& p) -> Status {
        got.push_back(p.logprob(p.next));
        return {};
      },
      [&](std::size_t done, std::size_t total) {
        chunks.push_back(done);
        return total == 2;
      });
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(chunks, (std::vector<std::size_t>{1, 2}));
  ASSERT_EQ(got.size(), 2 * scored_positions(32));

  std::size_t at = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    std::vector<TokenId> chunk(tokens.begin() + static_cast<std::ptrdiff_t>(32 * c),
                               tokens.begin() + static_cast<std::ptrdiff_t>(32 * c + 32));
    if (model_->special().add_bos) chunk[0] = model_->special().bos;
    auto kv = model::KvCache::create(model_->config(), 32);
    ASSERT_TRUE(kv.ok());
    model::Slice slice{&*kv, chunk, model::WantLogits::kAll};
    std::vector<float> logits;
    model_->forward().run({&slice, 1}, logits);
    for (std::size_t i = 16; i < 31; ++i, ++at) {
      const std::span<const float> row(&logits[i * 384], 384);
      EXPECT_EQ(got[at], static_cast<double>(row[static_cast<std::size_t>(chunk[i + 1])]) -
                             log_sum_exp(row));
    }
  }
}

TEST_F(OnTinyModel, EndsWithinAChunkWhenStopped) {
  const std::vector<TokenId> tokens(64, 7);
  std::atomic<bool> stop = false;
  model_->forward().stop_when(&stop);
  std::size_t chunks = 0;
  const auto run = [&](auto on_prediction) {
    return predict_chunks(*model_, tokens, 32, model::KvType::kF32, on_prediction,
                          [&](auto, auto) { return ++chunks > 0; });
  };
  const Status stopped = run([&](const Prediction&) -> Status {
    stop = true;
    return {};
  });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
  EXPECT_LE(chunks, 1u);
  stop = false;
  EXPECT_TRUE(run([](const Prediction&) { return Status(); }).ok());
}

TEST_F(OnTinyModel, RefusesAShortTextAndStopsWhenTold) {
  const std::vector<TokenId> tokens(63, 7);
  const auto ignore = [](const Prediction&) { return Status(); };
  const Status status = predict_chunks(*model_, tokens, 32, model::KvType::kF32, ignore,
                                       [](auto, auto) { return true; });
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("63 tokens"), std::string::npos);
  const std::vector<TokenId> enough(64, 7);
  const Status stopped = predict_chunks(*model_, enough, 32, model::KvType::kBf16, ignore,
                                        [](auto, auto) { return false; });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

}  // namespace
}  // namespace aquilon::eval
