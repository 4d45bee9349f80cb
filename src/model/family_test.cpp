// Adding a family, as docs/adding-a-family.md says: a row, and nothing else.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "model/bare_model_for_test.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

using kernels::RopeLayout;

// The bytes of a reference model that calls itself by another name of the same length.
std::vector<std::byte> renamed_model(const std::string& folder, std::string_view from,
                                     std::string_view to) {
  std::string text = read_file(folder + "/model-f32.gguf").value();
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at))
    text.replace(at, from.size(), to);
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

void expect_published_logits(BareModel& model, const std::string& folder) {
  const boost::json::value manifest = read_manifest_for_test(folder);
  const boost::json::value& sequence = manifest.at("sequences").at(3);
  const auto positions = boost::json::value_to<std::vector<std::size_t>>(sequence.at("positions"));
  const auto want = read_numbers_for_test<float>(folder + "/len100.logits.f32");
  const auto got = model.run(sequence_tokens_for_test(sequence, folder), {33});
  const std::size_t vocab = model.config().vocab_size;
  for (std::size_t row = 0; row < positions.size(); ++row)
    for (std::size_t i = 0; i < vocab; ++i)
      ASSERT_NEAR(got[positions[row] * vocab + i], want[row * vocab + i], 2e-4f);
}

TEST(AddingAFamily, IsOneRow) {
  const Family rows[] = {
      {.architecture = "zebra"},
      {.architecture = "zebra3ma", .rope_layout = RopeLayout::kHalves, .qk_norms = true},
      {.architecture = "zebra7",
       .rope_layout = RopeLayout::kHalves,
       .qk_norms = true,
       .sandwich_norms = true,
       .scaled_embeddings = true,
       .activation = Activation::kGeluTanh,
       .local_theta = 10000},
  };
  struct {
    const char* model;
    const char* from;
    const char* to;
  } const cases[] = {{"llama-gqa", "llama", "zebra"},
                     {"qwen3-moe", "qwen3moe", "zebra3ma"},
                     {"gemma3-text", "gemma3", "zebra7"}};
  for (const auto& c : cases) {
    const std::string folder = oracle_folder_for_test(c.model);
    const auto bytes = renamed_model(folder, c.from, c.to);
    const auto file = [&] { return formats::GgufFile::parse(bytes, c.model).value(); };
    const auto unknown = BareModel::load(file());
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().code, Code::kUnsupported);
    EXPECT_NE(unknown.error().message.find(std::string("'") + c.to + "'"), std::string::npos);
    const auto model = BareModel::load(file(), 1, WeightsForTest::kStored, rows);
    ASSERT_TRUE(model.ok()) << model.error().message;
    expect_published_logits(**model, folder);
  }
}

// A row that leaves out a part which the file has is told so, by the tensor's name.
TEST(AddingAFamily, MissingPartsAreNamed) {
  const Family rows[] = {{.architecture = "zebra3ma", .rope_layout = RopeLayout::kHalves}};
  const auto bytes = renamed_model(oracle_folder_for_test("qwen3-moe"), "qwen3moe", "zebra3ma");
  const auto model = BareModel::load(formats::GgufFile::parse(bytes, "zebra").value(), 1,
                                     WeightsForTest::kStored, rows);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, Code::kUnsupported);
  EXPECT_NE(model.error().message.find("blk.0.attn_"), std::string::npos) << model.error().message;
}

}  // namespace
}  // namespace aquilon::model
