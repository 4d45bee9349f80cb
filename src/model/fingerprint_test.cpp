#include "model/fingerprint.h"

#include <gtest/gtest.h>

#include <set>

#include "model/bare_model_for_test.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

std::uint64_t fingerprint_of(const std::string& path, WeightsForTest form) {
  const auto model = BareModel::load(path, 1, form);
  EXPECT_TRUE(model.ok()) << path;
  return model.ok() ? fingerprint((*model)->config(), (*model)->weights()) : 0;
}

TEST(Fingerprint, TellsModelsApartAndNotTheirTypes) {
  std::set<std::uint64_t> seen;
  const char* const models[] = {"llama-gqa", "llama-yarn", "gemma3-text", "ministral3"};
  for (const char* name : models) {
    const std::string path = oracle_folder_for_test(name) + "/model-f32.gguf";
    const std::uint64_t print = fingerprint_of(path, WeightsForTest::kStored);
    EXPECT_EQ(fingerprint_of(path, WeightsForTest::kQ8_0), print) << name;
    seen.insert(print);
  }
  EXPECT_EQ(seen.size(), std::size(models));
}

// The same shape, one norm moved by what bf16 can tell.
TEST(Fingerprint, ChangesWithANorm) {
  const std::string path = oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  const auto model = BareModel::load(path, 1);
  ASSERT_TRUE(model.ok());
  Weights changed;
  changed.norm = (*model)->weights().norm;
  const std::uint64_t before = fingerprint((*model)->config(), changed);
  changed.norm[3] *= 1.01f;
  EXPECT_NE(fingerprint((*model)->config(), changed), before);
  changed.norm[3] = (*model)->weights().norm[3];
  changed.norm[3] *= 1.00001f;  // less than bf16 holds
  EXPECT_EQ(fingerprint((*model)->config(), changed), before);
}

}  // namespace
}  // namespace aquilon::model
