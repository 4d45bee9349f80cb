#include "convert/importance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "formats/gguf_builder_for_test.h"

namespace aquilon::convert {
namespace {

namespace fs = std::filesystem;
using formats::GgufBuilder;
using tensor::DType;

class ImportanceTest : public ::testing::Test {
 protected:
  ImportanceTest() {
    char name[] = "/tmp/aquilon-importance-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/a.gguf";
  }
  ~ImportanceTest() override { fs::remove_all(folder_); }

  static std::vector<std::byte> bytes_of(const std::vector<float>& values) {
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    return {first, first + values.size() * sizeof(float)};
  }
  void write(const GgufBuilder& builder) {
    const auto image = builder.build();
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
  }

  std::string folder_, path_;
};

TEST_F(ImportanceTest, ReadsBackWhatItWrites) {
  Importance all;
  all.datasets = {"text.txt"};
  all.chunks = 7;
  all.chunk_tokens = 512;
  all.tensors["blk.0.attn_q.weight"] = {4, {1, 2, 3, 6}, {10}};
  all.tensors["blk.0.ffn_up_exps.weight"] = {2, {1, 3, 0, 0}, {5, 0}};
  ASSERT_TRUE(all.write(path_).ok());
  const auto got = Importance::read(path_);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->datasets, all.datasets);
  EXPECT_EQ(got->chunks, 7u);
  EXPECT_EQ(got->chunk_tokens, 512u);
  ASSERT_EQ(got->tensors.size(), 2u);
  EXPECT_EQ(got->tensors.at("blk.0.attn_q.weight").squares, (std::vector<float>{1, 2, 3, 6}));
  EXPECT_EQ(got->tensors.at("blk.0.ffn_up_exps.weight").counts, (std::vector<float>{5, 0}));
}

TEST_F(ImportanceTest, WeightsAreOneOnAverage) {
  Importance all;
  all.tensors["a"] = {4, {1, 2, 0, 5}, {10}};
  all.tensors["b"] = {2, {1, 3, 0, 0, 8, 8}, {5, 0, 2}};
  EXPECT_EQ(*all.weights("a", 1, 4), (std::vector<float>{0.5f, 1, 1e-3f, 2.5f}));
  EXPECT_EQ(*all.weights("b", 3, 2), (std::vector<float>{0.5f, 1.5f, 1, 1, 1, 1}));
  EXPECT_TRUE(all.weights("c", 1, 4)->empty());
  const auto other = all.weights("a", 1, 5);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::kInvalidArgument);
  EXPECT_NE(other.error().message.find("another model"), std::string::npos);
}

TEST_F(ImportanceTest, SaysWhatIsWrongWithAFile) {
  const auto problem = [&](const GgufBuilder& builder) {
    write(builder);
    const auto got = Importance::read(path_);
    EXPECT_FALSE(got.ok());
    if (got.ok()) return std::string();
    EXPECT_EQ(got.error().code, Code::kCorrupt);
    return got.error().message;
  };
  const auto base = [] { return std::move(GgufBuilder().text("general.type", "imatrix")); };
  EXPECT_NE(problem(GgufBuilder().text("general.type", "model")).find("no importance matrix"),
            std::string::npos);
  EXPECT_NE(problem(base()).find("holds no sums"), std::string::npos);
  EXPECT_NE(problem(base().tensor("a.in_sum2", DType::kF32, {2, 1}, bytes_of({1, 2})))
                .find("'a' has sums and no counts"),
            std::string::npos);
  EXPECT_NE(problem(base()
                        .tensor("a.in_sum2", DType::kF32, {2, 1}, bytes_of({1, NAN}))
                        .tensor("a.counts", DType::kF32, {1, 1}, bytes_of({1})))
                .find("holds what is no sum"),
            std::string::npos);
  EXPECT_NE(problem(base()
                        .tensor("a.in_sum2", DType::kF32, {2, 2}, bytes_of({1, 1, 2, 2}))
                        .tensor("a.counts", DType::kF32, {1, 1}, bytes_of({1})))
                .find("1 counts for 2 rows"),
            std::string::npos);
  EXPECT_EQ(Importance::read(folder_ + "/none").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace aquilon::convert
