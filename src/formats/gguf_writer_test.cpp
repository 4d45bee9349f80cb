#include "formats/gguf_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "formats/gguf_fixtures_for_test.h"

namespace aquilon::formats {
namespace {

namespace fs = std::filesystem;

std::string scratch_path(std::string_view name) {
  return fs::temp_directory_path() / fmt::format("aquilon-writer-{}-{}", ::getpid(), name);
}

bool same(const GgufValue& a, const GgufValue& b) {
  if (a.index() != b.index()) return false;
  const auto* array = std::get_if<GgufArray>(&a);
  if (array == nullptr) {
    const auto* number = std::get_if<double>(&a);
    if (number != nullptr && std::isnan(*number)) return std::isnan(std::get<double>(b));
    return std::visit(
        [&b](const auto& v) {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, GgufArray>)
            return false;
          else
            return v == std::get<T>(b);
        },
        a);
  }
  const auto& other = std::get<GgufArray>(b);
  return array->type == other.type && array->count == other.count &&
         array->strings == other.strings &&
         std::equal(array->raw.begin(), array->raw.end(), other.raw.begin(), other.raw.end());
}

// Writes all of a model in pieces of odd sizes.
Status copy(const GgufFile& file, const std::string& path, std::size_t piece = 7) {
  GgufWriter writer;
  for (const GgufFile::Entry& entry : file.metadata())
    if (entry.key != "general.alignment") AQ_RETURN_IF_ERROR(writer.put(entry.key, entry.value));
  for (const GgufTensor& tensor : file.tensors())
    AQ_RETURN_IF_ERROR(writer.declare(tensor.name, tensor.dtype, tensor.dims));
  AQ_RETURN_IF_ERROR(writer.begin(path));
  for (const GgufTensor& tensor : file.tensors()) {
    std::span<const std::byte> data(tensor.data, tensor.bytes);
    for (; !data.empty(); data = data.subspan(std::min(piece, data.size())))
      AQ_RETURN_IF_ERROR(writer.write(data.first(std::min(piece, data.size()))));
  }
  return writer.finish();
}

void expect_same(const GgufFile& a, const GgufFile& b) {
  std::size_t left_out = a.find("general.alignment") != nullptr;
  ASSERT_EQ(a.metadata().size(), b.metadata().size() + left_out);
  for (const GgufFile::Entry& entry : a.metadata()) {
    if (entry.key == "general.alignment") continue;
    const GgufValue* value = b.find(entry.key);
    ASSERT_NE(value, nullptr) << entry.key;
    EXPECT_TRUE(same(entry.value, *value)) << entry.key;
  }
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (std::size_t i = 0; i < a.tensors().size(); ++i) {
    const GgufTensor& x = a.tensors()[i];
    const GgufTensor& y = b.tensors()[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.dtype, y.dtype);
    EXPECT_EQ(x.dims, y.dims);
    ASSERT_EQ(x.bytes, y.bytes);
    EXPECT_EQ(std::memcmp(x.data, y.data, x.bytes), 0) << x.name;
  }
}

TEST(GgufWriter, WhatIsWrittenReadsBackEqual) {
  const std::string path = scratch_path("copy.gguf");
  for (const GgufImage& image : {everything_fixture(), aligned_fixture(), vocabulary_fixture()}) {
    const GgufFile file = GgufFile::parse(image.bytes, "fixture").value();
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
      const Status copied = copy(file, path, piece);
      ASSERT_TRUE(copied.ok()) << copied.error().message;
      const auto again = GgufFile::open(path);
      ASSERT_TRUE(again.ok()) << again.error().message;
      EXPECT_EQ(again->version(), 3u);
      expect_same(file, *again);
    }
  }
  fs::remove(path);
}

TEST(GgufWriter, ModelsOfTheRepositoryCopyExactly) {
  const std::string path = scratch_path("model.gguf");
  for (const auto& entry :
       fs::recursive_directory_iterator(AQUILON_SOURCE_DIR "/tests/data/oracle")) {
    if (entry.path().extension() != ".gguf") continue;
    const GgufFile file = GgufFile::open(entry.path()).value();
    ASSERT_TRUE(copy(file, path, 4096).ok());
    expect_same(file, GgufFile::open(path).value());
    // The same tool wrote keys of the same types: the files are equal byte for byte.
    EXPECT_EQ(read_file(path).value(), read_file(entry.path()).value()) << entry.path();
  }
  fs::remove(path);
}

void expect_refused(const Status& status, std::string_view words) {
  ASSERT_FALSE(status.ok()) << words;
  EXPECT_EQ(status.error().code, Code::kInvalidArgument);
  EXPECT_NE(status.error().message.find(words), std::string::npos) << status.error().message;
}

TEST(GgufWriter, RefusesWhatNoFileMayHold) {
  GgufWriter writer;
  using tensor::DType;
  expect_refused(writer.put_uint("a", GgufType::kU8, 256), "'a': 256 is no u8");
  expect_refused(writer.put_uint("a", GgufType::kF32, 1), "1 is no f32");
  expect_refused(writer.put_int("a", GgufType::kI16, -32769), "-32769 is no i16");
  expect_refused(writer.put_float("a", GgufType::kF32, 0.1), "0.1 is no f32");
  expect_refused(writer.put_array("a", GgufType::kU32, std::vector<std::byte>(3)), "no numbers");
  expect_refused(writer.put_text("", "x"), "1 to 65535 bytes");
  expect_refused(writer.put_text("a\nb", "x"), "control characters");
  expect_refused(writer.put_text("general.alignment", "x"), "aligned to 32 bytes");
  ASSERT_TRUE(writer.put_text("a", "x").ok());
  expect_refused(writer.put_bool("a", true), "it is there already");
  expect_refused(writer.declare("w", DType::kQ4_0, {33, 2}), "[33, 2] are no dimensions of Q4_0");
  expect_refused(writer.declare("w", DType::kF32, {0}), "no dimensions");
  expect_refused(writer.declare("w", DType::kF32, {}), "no dimensions");
  expect_refused(writer.declare("w", DType::kF32, {1ull << 62, 1ull << 62}), "too large");
  expect_refused(writer.declare("w", DType::kF8_E4M3_B128, {128}), "GGUF has no F8_E4M3_B128");
  expect_refused(writer.declare(std::string(65, 'w'), DType::kF32, {1}), "1 to 64 bytes");
  ASSERT_TRUE(writer.declare("w", DType::kF32, {1}).ok());
  expect_refused(writer.declare("w", DType::kF32, {1}), "it is there already");
}

TEST(GgufWriter, NothingAppearsUnlessAllIsWritten) {
  const std::string path = scratch_path("part.gguf");
  const std::vector<std::byte> data(12);
  {
    GgufWriter writer;
    ASSERT_TRUE(writer.declare("w", tensor::DType::kF32, {2}).ok());
    ASSERT_TRUE(writer.begin(path).ok());
    ASSERT_TRUE(writer.write(std::span(data).first(5)).ok());
    expect_refused(writer.finish(), "tensor 'w': its data is not complete");
    expect_refused(writer.write(data), "9 bytes too many");
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(fs::exists(path + ".part"));
  const Status nowhere = GgufWriter().begin("/nonexistent/x.gguf");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace aquilon::formats
