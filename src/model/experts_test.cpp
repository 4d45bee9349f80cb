// Mixtures of experts in the forms that files have them, with packed weights.
#include "model/experts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "formats/gguf_builder_for_test.h"
#include "model/bare_model_for_test.h"
#include "model/oracle_for_test.h"

namespace aquilon::model {
namespace {

using formats::GgufBuilder;
using formats::GgufFile;
using formats::GgufType;
using text::TokenId;

std::string oracle_path(const char* name) {
  return oracle_folder_for_test(name) + "/model-f32.gguf";
}

std::vector<TokenId> some_tokens(std::size_t n) {
  std::vector<TokenId> tokens(n);
  for (std::size_t i = 0; i < n; ++i) tokens[i] = static_cast<TokenId>(i * i * 7 % 384);
  return tokens;
}

void copy_metadata(const GgufFile& file, GgufBuilder& out) {
  for (const GgufFile::Entry& e : file.metadata()) {
    if (e.key.starts_with("tokenizer.")) continue;
    if (const auto* v = std::get_if<std::uint64_t>(&e.value))
      out.number(e.key, GgufType::kU32, static_cast<std::uint32_t>(*v));
    if (const auto* v = std::get_if<double>(&e.value)) out.number(e.key, GgufType::kF64, *v);
    if (const auto* v = std::get_if<std::string_view>(&e.value)) out.text(e.key, *v);
  }
}

// The same model with a tensor for each expert, as older files have it; without the last `missing`.
formats::GgufImage one_by_one(const GgufFile& file, std::size_t missing = 0) {
  GgufBuilder out;
  copy_metadata(file, out);
  for (const formats::GgufTensor& t : file.tensors()) {
    formats::GgufTensor flat = t;
    const std::size_t n = t.dims.size() == 3 ? t.dims[2] : 1;
    if (n > 1) flat.dims = {t.dims[0], t.dims[1] * n};
    const std::byte* data = file.matrix(flat).data;
    const std::size_t bytes = t.bytes / n;
    for (std::size_t e = 0; e + (n > 1 ? missing : 0) < n; ++e) {
      std::string name(t.name);
      if (n > 1) name.replace(name.find("_exps"), 5, "." + std::to_string(e));
      out.tensor(name, t.dtype, {t.dims.begin(), t.dims.begin() + (t.dims.size() > 1 ? 2 : 1)},
                 {data + e * bytes, data + (e + 1) * bytes});
    }
  }
  return out.build();
}

TEST(Experts, AMixtureWithoutAnyIsRefused) {
  const GgufFile file = GgufFile::open(oracle_path("llama-gqa")).value();
  GgufBuilder out;
  copy_metadata(file, out);
  out.number("llama.expert_count", GgufType::kU32, 4u);
  out.number("llama.expert_used_count", GgufType::kU32, 2u);
  for (const formats::GgufTensor& t : file.tensors())
    out.tensor(std::string(t.name), t.dtype, t.dims, {t.data, t.data + t.bytes});
  const auto image = out.build();
  const auto model = BareModel::load(GgufFile::parse(image.bytes, "dense").value());
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, Code::kCorrupt);
  EXPECT_EQ(model.error().message,
            "dense: metadata 'llama.expert_count' is 4, but no layer has experts");
}

TEST(Experts, OneByOneEqualStacked) {
  for (const char* name : {"mixtral", "qwen3-moe"}) {
    const GgufFile file = GgufFile::open(oracle_path(name)).value();
    const formats::GgufImage image = one_by_one(file);
    const auto stacked = BareModel::load(oracle_path(name)).value();
    const auto single = BareModel::load(GgufFile::parse(image.bytes, name).value()).value();
    EXPECT_EQ(stacked->run(some_tokens(20), {20}), single->run(some_tokens(20), {20})) << name;
    const formats::GgufImage fewer = one_by_one(file, 1);
    const auto model = BareModel::load(GgufFile::parse(fewer.bytes, name).value());
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.error().code, Code::kCorrupt);
    EXPECT_NE(model.error().message.find("blk.0.ffn_gate."), std::string::npos)
        << model.error().message;
  }
}

// Packed experts differ from the f32 product of the same rounded weights by the activations' 8 bits
// alone, and not at all with the batch.
TEST(Experts, PackedWeightsAreCloseAndKeepTheirBits) {
  for (const char* name : {"mixtral", "qwen3-moe"}) {
    const auto exact = BareModel::load(oracle_path(name), 1, WeightsForTest::kQ8_0).value();
    const auto packed = BareModel::load(oracle_path(name), 3, WeightsForTest::kPackedQ8_0).value();
    ASSERT_FALSE(packed->weights().layers[0].experts[0].w2.packed.empty());
    const auto tokens = some_tokens(60);
    const auto want = exact->run(tokens, {60});
    const auto got = packed->run(tokens, {60});
    double square = 0;
    for (std::size_t i = 0; i < got.size(); ++i) square += std::pow(got[i] - want[i], 2);
    EXPECT_LT(std::sqrt(square / static_cast<double>(got.size())), 0.1) << name;
    for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{1}, {13, 1, 30, 2}})
      EXPECT_EQ(got, packed->run(tokens, sizes)) << name;
  }
}

}  // namespace
}  // namespace aquilon::model
