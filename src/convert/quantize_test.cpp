#include "convert/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/output_file.h"
#include "convert/output_tensor.h"
#include "formats/gguf_builder_for_test.h"
#include "formats/model_folder.h"
#include "model/config.h"
#include "model/model.h"
#include "model/oracle_for_test.h"
#include "quant/decode.h"
#include "tensor/dtype.h"

namespace aquilon::convert {
namespace {

namespace fs = std::filesystem;
using formats::GgufBuilder;
using formats::GgufFile;
using formats::GgufTensor;
using formats::GgufType;
using tensor::DType;

const std::string kOracle = std::string(AQUILON_SOURCE_DIR) + "/tests/data/oracle/";

std::vector<float> values_of(const GgufTensor& t) {
  std::uint64_t n = 1;
  for (const std::uint64_t dim : t.dims) n *= dim;
  std::vector<float> values(n);
  quant::decode(t.dtype, t.data, n, values.data());
  return values;
}

std::vector<std::byte> bytes_of(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<float> waves(std::size_t n, float step = 0.37f) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = std::sin(step * static_cast<float>(i));
  return values;
}

class QuantizeTest : public ::testing::Test {
 protected:
  QuantizeTest() {
    char name[] = "/tmp/aquilon-quantize-XXXXXX";
    folder_ = ::mkdtemp(name);
    out_ = folder_ + "/out.gguf";
  }
  ~QuantizeTest() override { fs::remove_all(folder_); }

  Result<QuantizeReport> run(const GgufFile& file, std::string_view target,
                             const Importance* importance = nullptr) {
    return quantize({&file, *find_target(target), importance}, out_, pool_,
                    [](std::uint64_t, std::uint64_t) { return true; });
  }
  GgufFile written() { return std::move(*GgufFile::open(out_)); }

  std::string folder_, out_;
  ThreadPool pool_{2};
};

TEST_F(QuantizeTest, KeepsKeysNamesAndShapes) {
  const GgufFile file = *GgufFile::open(kOracle + "llama-gqa/model-f32.gguf");
  for (const Target& target : targets()) {
    ASSERT_TRUE(run(file, target.name).ok()) << target.name;
    const GgufFile out = written();
    EXPECT_EQ(*out.get_uint("general.file_type", 99), target.file_type);
    EXPECT_EQ(*out.get_uint("general.quantization_version", 99), 2u);
    for (const GgufFile::Entry& entry : file.metadata()) {
      if (entry.key == "general.file_type" || entry.key == "general.quantization_version") continue;
      ASSERT_NE(out.find(entry.key), nullptr) << entry.key;
      EXPECT_EQ(out.find(entry.key)->index(), entry.value.index()) << entry.key;
    }
    ASSERT_EQ(out.tensors().size(), file.tensors().size());
    for (std::size_t i = 0; i < file.tensors().size(); ++i) {
      EXPECT_EQ(out.tensors()[i].name, file.tensors()[i].name);
      EXPECT_EQ(out.tensors()[i].dims, file.tensors()[i].dims);
    }
  }
}

TEST_F(QuantizeTest, KeysKeepTheirTypes) {
  using enum GgufType;
  const auto image = GgufBuilder()
                         .text("general.architecture", "made-up")
                         .number("a.u8", kU8, std::uint8_t{7})
                         .number("a.i16", kI16, std::int16_t{-7})
                         .number("a.u64", kU64, std::uint64_t{7})
                         .number("a.f64", kF64, 0.5)
                         .boolean("a.bool", true)
                         .number("split.no", kU16, std::uint16_t{0})
                         .number("split.count", kU16, std::uint16_t{1})
                         .alignment(64)
                         .tensor("w.weight", DType::kF32, {32, 2}, bytes_of(waves(64)))
                         .build();
  const GgufFile file = *GgufFile::parse(image.bytes, "image");
  ASSERT_TRUE(run(file, "Q8_0").ok());
  const GgufFile out = written();
  for (const GgufFile::Entry& entry : file.metadata()) {
    if (entry.key.starts_with("split.") || entry.key == "general.alignment") {
      EXPECT_EQ(out.find(entry.key), nullptr);
      continue;
    }
    for (const GgufFile::Entry& other : out.metadata()) {
      if (other.key != entry.key) continue;
      EXPECT_EQ(other.type, entry.type) << entry.key;
    }
    ASSERT_NE(out.find(entry.key), nullptr) << entry.key;
  }
}

// The reported errors are those of what a reader finds.
TEST_F(QuantizeTest, ReportsTheErrorsThatAReaderFinds) {
  const GgufFile file = *GgufFile::open(kOracle + "mixtral/model-f32.gguf");
  const auto report = run(file, "Q4_K_M");
  ASSERT_TRUE(report.ok());
  const GgufFile out = written();
  for (const TensorReport& t : report->tensors) {
    const std::vector<float> before = values_of(*file.find_tensor(t.name));
    const std::vector<float> after = values_of(*out.find_tensor(t.name));
    double error = 0, values = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      error += std::pow(static_cast<double>(after[i]) - before[i], 2);
      values += std::pow(static_cast<double>(before[i]), 2);
    }
    EXPECT_NEAR(t.relative_error(), std::sqrt(error / values), 1e-9) << t.name;
    EXPECT_EQ(out.find_tensor(t.name)->dtype, t.to);
    EXPECT_LT(t.relative_error(), t.to == DType::kF32 ? 1e-30 : 0.05) << t.name;
  }
}

TEST_F(QuantizeTest, AnyNumberOfThreadsGivesTheSameFile) {
  const GgufFile file = *GgufFile::open(kOracle + "qwen2/model-f32.gguf");
  ASSERT_TRUE(run(file, "Q4_K_M").ok());
  const std::string first = read_file(out_).value();
  ThreadPool alone(1);
  ASSERT_TRUE(quantize({&file, *find_target("Q4_K_M"), nullptr}, out_, alone,
                       [](std::uint64_t, std::uint64_t) { return true; })
                  .ok());
  EXPECT_TRUE(first == read_file(out_).value());
}

// Quantising what has the type already changes nothing; F16 of it is what it decodes to.
TEST_F(QuantizeTest, ASecondTimeCopies) {
  const GgufFile file = *GgufFile::open(kOracle + "llama-gqa/model-f32.gguf");
  ASSERT_TRUE(run(file, "Q4_0").ok());
  fs::rename(out_, folder_ + "/first.gguf");
  const GgufFile first = *GgufFile::open(folder_ + "/first.gguf");
  const auto report = run(first, "Q4_0");
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->quantised_before, 0u);
  EXPECT_TRUE(read_file(out_).value() == read_file(folder_ + "/first.gguf").value());
}

TEST_F(QuantizeTest, StoredExpertsBecomeAStack) {
  GgufBuilder builder;
  builder.text("general.architecture", "llama");
  std::vector<float> all;
  for (int e = 0; e < 3; ++e) {
    const std::vector<float> values = waves(64, 0.1f + 0.2f * static_cast<float>(e));
    builder.tensor("blk.0.ffn_up." + std::to_string(e) + ".weight", DType::kF32, {32, 2},
                   bytes_of(values));
    all.insert(all.end(), values.begin(), values.end());
  }
  const auto image = builder.build();
  const GgufFile file = *GgufFile::parse(image.bytes, "image");
  ASSERT_TRUE(run(file, "BF16").ok());
  const GgufFile out = written();
  ASSERT_EQ(out.tensors().size(), 1u);
  EXPECT_EQ(out.tensors()[0].name, "blk.0.ffn_up_exps.weight");
  EXPECT_EQ(out.tensors()[0].dims, (std::vector<std::uint64_t>{32, 2, 3}));
  const std::vector<float> got = values_of(out.tensors()[0]);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_NEAR(got[i], all[i], 0.003);
}

TEST_F(QuantizeTest, AnExpertIsMissing) {
  const auto image = GgufBuilder()
                         .text("general.architecture", "llama")
                         .tensor("blk.0.ffn_up.0.weight", DType::kF32, {32, 2}, bytes_of(waves(64)))
                         .tensor("blk.0.ffn_up.2.weight", DType::kF32, {32, 2}, bytes_of(waves(64)))
                         .tensor("x.weight", DType::kF32, {32, 2}, bytes_of(waves(64)))
                         .build();
  const auto done = run(*GgufFile::parse(image.bytes, "image"), "F16");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kCorrupt);
  EXPECT_NE(done.error().message.find("'blk.0.ffn_up_exps.weight' is missing"), std::string::npos);
}

// Nothing is left of a run that fails.
TEST_F(QuantizeTest, RefusesWhatIsNoNumberAndWhatIsTooLarge) {
  struct {
    float value;
    const char* target;
    Code code;
    const char* words;
  } const cases[] = {
      {NAN, "Q4_K_M", Code::kCorrupt, "image: tensor 'w.weight': row 2 has a value that is no"},
      {INFINITY, "F16", Code::kCorrupt, "row 2 has a value that is no number"},
      {-INFINITY, "Q8_0", Code::kCorrupt, "row 2 has a value that is no number"},
      {7e4f, "F16", Code::kUnsupported, "row 2 has values that are too large for F16; BF16"},
      {3e38f, "Q4_0", Code::kUnsupported, "too large for Q4_0"},
  };
  for (const auto& c : cases) {
    std::vector<float> values = waves(256 * 4);
    values[2 * 256 + 9] = c.value;
    const auto image = GgufBuilder()
                           .text("general.architecture", "llama")
                           .tensor("w.weight", DType::kF32, {256, 4}, bytes_of(values))
                           .build();
    const auto done = run(*GgufFile::parse(image.bytes, "image"), c.target);
    ASSERT_FALSE(done.ok()) << c.words;
    EXPECT_EQ(done.error().code, c.code) << c.words;
    EXPECT_NE(done.error().message.find(c.words), std::string::npos) << done.error().message;
    EXPECT_TRUE(fs::is_empty(folder_)) << c.words;
  }
}

TEST_F(QuantizeTest, StopsWhenItIsTold) {
  const GgufFile file = *GgufFile::open(kOracle + "llama-gqa/model-f32.gguf");
  const auto done = quantize({&file, *find_target("Q4_0"), nullptr}, out_, pool_,
                             [](std::uint64_t, std::uint64_t) { return false; });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kCancelled);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(QuantizeTest, ADiskThatIsFullIsSaidSo) {
  fs::create_symlink("/dev/full", folder_ + "/full");
  out_ = folder_ + "/full";
  const auto done = run(*GgufFile::open(kOracle + "llama-gqa/model-f32.gguf"), "F16");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_NE(done.error().message.find("No space left"), std::string::npos);
}

// Mistral's folder of the same weights gives the same tensors.
TEST_F(QuantizeTest, FoldersGiveTheTensorsOfGgufFiles) {
  const auto folder = formats::open_model(kOracle + "llama-gqa/consolidated");
  ASSERT_TRUE(folder.ok()) << folder.error().message;
  ASSERT_TRUE(run(*folder, "Q5_K_M").ok());
  fs::rename(out_, folder_ + "/folder.gguf");
  ASSERT_TRUE(run(*GgufFile::open(kOracle + "llama-gqa/model-f32.gguf"), "Q5_K_M").ok());
  const GgufFile a = written(), b = *GgufFile::open(folder_ + "/folder.gguf");
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const GgufTensor& t : a.tensors()) {
    const GgufTensor* other = b.find_tensor(t.name);
    ASSERT_NE(other, nullptr) << t.name;
    EXPECT_EQ(t.dtype, other->dtype) << t.name;
    EXPECT_EQ(0, std::memcmp(t.data, other->data, t.bytes)) << t.name;
  }
}

// Where the larger set of oracles is at hand: the GGUF file of the same weights, tokenizer and all.
TEST_F(QuantizeTest, HuggingFaceFoldersBecomeThePublishedGgufFiles) {
  int compared = 0;
  for (const char* name : {"llama-gqa", "qwen2", "qwen3-moe", "mixtral", "gemma3-text"}) {
    const std::string folder = model::oracle_folder_for_test(name);
    if (!fs::exists(folder + "/tokenizer.json")) continue;
    const auto file = formats::open_model(folder);
    ASSERT_TRUE(file.ok()) << file.error().message;
    const auto done = run(*file, "BF16");
    ASSERT_TRUE(done.ok()) << done.error().message;
    fs::rename(out_, folder_ + "/folder.gguf");
    ASSERT_TRUE(run(*GgufFile::open(folder + "/model-f32.gguf"), "BF16").ok());
    const auto a = model::Model::load(folder_ + "/folder.gguf", {.threads = 1}),
               b = model::Model::load(out_, {.threads = 1});
    ASSERT_TRUE(a.ok()) << a.error().message;
    for (const GgufTensor& t : (*b)->file().tensors()) {
      const GgufTensor* other = (*a)->file().find_tensor(t.name);
      ASSERT_NE(other, nullptr) << t.name;
      EXPECT_TRUE(t.dims == other->dims && std::memcmp(t.data, other->data, t.bytes) == 0)
          << t.name;
    }
    const text::Tokenizer &from = (*a)->tokenizer(), &want = (*b)->tokenizer();
    ASSERT_EQ(from.vocab_size(), want.vocab_size());
    for (std::size_t id = 0; id < want.vocab_size(); ++id)
      EXPECT_EQ(from.token_bytes(static_cast<text::TokenId>(id)),
                want.token_bytes(static_cast<text::TokenId>(id)));
    const char* const text = "the heat of the hearth, h\u00e9 \u2603 1999\n\n  there";
    EXPECT_EQ(from.encode(text), want.encode(text));
    EXPECT_EQ((*a)->special().bos, (*b)->special().bos);
    EXPECT_EQ((*a)->special().add_bos, (*b)->special().add_bos);
    EXPECT_TRUE((*a)->special().is_end((*b)->special().eos));
    ++compared;
  }
  if (compared == 0) GTEST_SKIP() << "the larger set of oracles is not at hand";
}

// A model's keys without its weights.
GgufBuilder small_llama() {
  using enum GgufType;
  GgufBuilder b;
  b.text("general.architecture", "llama");
  for (const auto& [key, value] : {std::pair("llama.embedding_length", 32u),
                                   {"llama.block_count", 1u},
                                   {"llama.feed_forward_length", 32u},
                                   {"llama.attention.head_count", 4u},
                                   {"llama.attention.head_count_kv", 2u},
                                   {"llama.context_length", 64u}})
    b.number(key, kU32, value);
  b.number("llama.attention.layer_norm_rms_epsilon", kF32, 1e-5f);
  return b;
}

// llama.cpp ends itself at a type of scaling that it does not know.
TEST_F(QuantizeTest, DynamicScalingIsOursAlone) {
  GgufBuilder b = small_llama();
  b.text("llama.rope.scaling.type", "dynamic")
      .number("llama.rope.scaling.factor", GgufType::kF32, 4.0f);
  b.tensor("blk.0.attn_v.weight", DType::kF32, {32, 32}, bytes_of(std::vector<float>(32 * 32)));
  const auto image = b.build();
  ASSERT_TRUE(run(*GgufFile::parse(image.bytes, "image"), "F16").ok());
  const GgufFile out = written();
  EXPECT_EQ(*out.get_string("llama.rope.scaling.type"), "none");
  EXPECT_EQ(out.find("llama.rope.scaling.factor"), nullptr);
  const auto config = model::read_config(out);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->rope.scaling, model::RopeConfig::Scaling::kDynamic);
  EXPECT_EQ(config->rope.factor, 4);
  EXPECT_EQ(config->rope.original_context, 64u);
}

// Rows of Hugging Face's queries and keys: halves of a head become pairs.
TEST_F(QuantizeTest, RowsOfQueriesAndKeysAreTurned) {
  GgufBuilder b = small_llama();
  b.boolean("aquilon.hf_rows", true);
  std::vector<float> rows(32 * 32), bias(32);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i / 32);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i);
  b.tensor("blk.0.attn_q.weight", DType::kF32, {32, 32}, bytes_of(rows));
  b.tensor("blk.0.attn_q.bias", DType::kF32, {32}, bytes_of(bias));
  b.tensor("blk.0.attn_v.weight", DType::kF32, {32, 32}, bytes_of(rows));
  const auto image = b.build();
  ASSERT_TRUE(run(*GgufFile::parse(image.bytes, "image"), "F16").ok());
  const GgufFile out = written();
  EXPECT_EQ(out.find("aquilon.hf_rows"), nullptr);
  const auto q = values_of(*out.find_tensor("blk.0.attn_q.weight"));
  const auto q_bias = values_of(*out.find_tensor("blk.0.attn_q.bias"));
  const auto v = values_of(*out.find_tensor("blk.0.attn_v.weight"));
  for (std::size_t r = 0; r < 32; ++r) {  // heads of 8 rows
    const std::size_t in_head = r % 8;
    const auto from = static_cast<float>(r - in_head + in_head / 2 + in_head % 2 * 4);
    EXPECT_EQ(q[r * 32], from);
    EXPECT_EQ(q_bias[r], from);
    EXPECT_EQ(v[r * 32], static_cast<float>(r));
  }
}

}  // namespace
}  // namespace aquilon::convert
