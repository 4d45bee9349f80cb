// Models of every block type: read from a file, packed, and near to what their blocks mean.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/tiny_model_for_test.h"

namespace aquilon::model {
namespace {

using tensor::DTypeInfo;

std::vector<float> logits_of(const std::string& path, Arithmetic arithmetic) {
  auto model = Model::load(path, {.threads = 2, .arithmetic = arithmetic});
  EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().message);
  if (!model.ok()) return {};
  std::vector<float> all;
  // One position each: large random weights would let attention choose by a hair between two.
  for (text::TokenId token = 0; token < 20; ++token) {
    KvCache kv = KvCache::create((*model)->config(), 1).value();
    Slice slice{&kv, {&token, 1}, WantLogits::kAll};
    std::vector<float> logits;
    (*model)->forward().run({&slice, 1}, logits);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

class BlockTypesTest : public testing::TestWithParam<DTypeInfo> {};

TEST_P(BlockTypesTest, RunPackedNearToTheirMeaning) {
  const std::string path =
      testing::TempDir() + "block_types_" + std::string(GetParam().name) + ".gguf";
  write_tiny_model(path, GetParam().type);
  const std::vector<float> want = logits_of(path, Arithmetic::kReference);
  const std::vector<float> got = logits_of(path, Arithmetic::kPacked);
  std::remove(path.c_str());
  ASSERT_EQ(want.size(), 20 * kTinyVocab);
  ASSERT_EQ(got.size(), want.size());
  double error = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(std::isfinite(got[i]));
    error += std::pow(static_cast<double>(got[i]) - want[i], 2);
    size += std::pow(static_cast<double>(want[i]), 2);
  }
  EXPECT_GT(size, 0);
  EXPECT_LT(std::sqrt(error / size), 0.03);  // four products of activations in 8 bits each
}

INSTANTIATE_TEST_SUITE_P(Types, BlockTypesTest, testing::ValuesIn(tensor::kDTypes),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace aquilon::model
