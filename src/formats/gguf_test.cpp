#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/file.h"
#include "formats/gguf_fixtures_for_test.h"

namespace aquilon::formats {
namespace {

GgufFile parsed(const GgufImage& image) {
  auto file = GgufFile::parse(image.bytes, "tiny.gguf");
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message);
  return std::move(file).value();
}

template <class T>
void expect_value(const GgufFile& file, std::string_view key, T want) {
  const GgufValue* value = file.find(key);
  ASSERT_NE(value, nullptr) << key;
  ASSERT_TRUE(std::holds_alternative<T>(*value)) << key;
  EXPECT_EQ(std::get<T>(*value), want) << key;
}

template <class T>
std::vector<T> array_of(const GgufFile& file, std::string_view key, GgufType type) {
  auto array = file.get_array(key, type);
  if (!array.ok()) ADD_FAILURE() << array.error().message;
  if (!array.ok()) return {};
  std::vector<T> values((*array)->count);
  EXPECT_EQ((*array)->raw.size(), values.size() * sizeof(T)) << key;
  if (!values.empty()) std::memcpy(values.data(), (*array)->raw.data(), (*array)->raw.size());
  return values;
}

TEST(Gguf, ReadsEveryScalarType) {
  const GgufImage image = everything_fixture();
  ASSERT_LE(image.bytes.size(), 65536u);
  const GgufFile file = parsed(image);
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.file_bytes(), image.bytes.size());
  EXPECT_EQ(file.metadata().front().key, "general.architecture");
  expect_value<std::uint64_t>(file, "test.u8", 200);
  expect_value<std::int64_t>(file, "test.i8", -100);
  expect_value<std::uint64_t>(file, "test.u16", 60000);
  expect_value<std::int64_t>(file, "test.i16", -30000);
  expect_value<std::uint64_t>(file, "test.u32", 4000000000);
  expect_value<std::int64_t>(file, "test.i32", -2000000000);
  expect_value<std::uint64_t>(file, "test.u64", ~std::uint64_t{0});
  expect_value<std::int64_t>(file, "test.i64", INT64_MIN);
  expect_value<double>(file, "test.f32", 1.5);
  expect_value<double>(file, "test.f64", -2.25);
  expect_value<bool>(file, "test.yes", true);
  expect_value<bool>(file, "test.no", false);
  expect_value<std::string_view>(file, "test.empty", "");
  expect_value<std::string_view>(file, "general.name", "Tiny \xE2\x98\x83");
  expect_value<std::string_view>(file, "cl\xC3\xA9", "any UTF-8 key");
  EXPECT_EQ(file.find("test.u"), nullptr);
  EXPECT_EQ(file.find("zzz"), nullptr);
}

TEST(Gguf, ReadsEveryArrayType) {
  const GgufImage image = everything_fixture();
  const GgufFile file = parsed(image);
  using enum GgufType;
  EXPECT_EQ(array_of<std::uint8_t>(file, "array.u8", kU8), (std::vector<std::uint8_t>{1, 255}));
  EXPECT_EQ(array_of<std::int8_t>(file, "array.i8", kI8), (std::vector<std::int8_t>{-1}));
  EXPECT_EQ(array_of<std::uint16_t>(file, "array.u16", kU16), (std::vector<std::uint16_t>{1, 2}));
  EXPECT_EQ(array_of<std::int16_t>(file, "array.i16", kI16), (std::vector<std::int16_t>{-2}));
  EXPECT_EQ(array_of<std::uint32_t>(file, "array.u32", kU32), (std::vector<std::uint32_t>{7, 8}));
  EXPECT_EQ(array_of<std::int32_t>(file, "array.i32", kI32), (std::vector<std::int32_t>{-3}));
  EXPECT_EQ(array_of<std::uint64_t>(file, "array.u64", kU64), (std::vector<std::uint64_t>{9}));
  EXPECT_EQ(array_of<std::int64_t>(file, "array.i64", kI64), (std::vector<std::int64_t>{-4}));
  EXPECT_EQ(array_of<float>(file, "array.f32", kF32), (std::vector<float>{0.5f, 2}));
  EXPECT_EQ(array_of<double>(file, "array.f64", kF64), (std::vector<double>{0.25}));
  EXPECT_EQ(array_of<std::uint8_t>(file, "array.bool", kBool),
            (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(array_of<float>(file, "array.none", kF32), std::vector<float>{});

  const auto tokens = file.get_array("tokenizer.ggml.tokens", kString);
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ((*tokens)->strings, (std::vector<std::string_view>{"a", "", "\xFF\xFE", "hello"}));
  EXPECT_TRUE((*tokens)->raw.empty());
}

TEST(Gguf, ReadsEveryTensor) {
  const GgufImage image = everything_fixture();
  const GgufFile file = parsed(image);
  ASSERT_EQ(file.tensors().size(), 12u);
  for (const GgufTensor& t : file.tensors()) {
    EXPECT_EQ(file.find_tensor(t.name), &t);
    EXPECT_EQ(t.file_offset % 32, 0u);
    const std::vector<std::byte> want = fixture_data(t.dtype, t.dims);
    ASSERT_EQ(t.bytes, want.size()) << t.name;
    EXPECT_EQ(std::memcmp(image.bytes.data() + t.file_offset, want.data(), want.size()), 0);
  }
  const GgufTensor* q5_0 = file.find_tensor("q5_0");
  ASSERT_NE(q5_0, nullptr);
  const tensor::MatrixView view = file.matrix(*q5_0);
  EXPECT_EQ(view.data, image.bytes.data() + q5_0->file_offset);
  EXPECT_EQ(view.dtype, tensor::DType::kQ5_0);
  EXPECT_EQ(view.columns, 64u);
  EXPECT_EQ(view.rows, 8u);
  EXPECT_EQ(file.matrix(*file.find_tensor("q5_k")).rows, 1u);
  EXPECT_EQ(file.find_tensor("q5"), nullptr);
}

TEST(Gguf, ReadsEveryElementType) {
  GgufBuilder builder;
  for (const tensor::DTypeInfo& info : tensor::kDTypes)
    add_fixture_tensor(builder, info.name, info.type, {512, 3});
  const GgufImage image = builder.build();
  const GgufFile file = parsed(image);
  for (const tensor::DTypeInfo& info : tensor::kDTypes) {
    const GgufTensor* t = file.find_tensor(info.name);
    ASSERT_NE(t, nullptr) << info.name;
    EXPECT_EQ(t->dtype, info.type);
    EXPECT_EQ(t->bytes, 512 / info.block_size * 3 * info.block_bytes) << info.name;
  }
}

TEST(Gguf, RefusesTypesOfOtherFiles) {
  for (const tensor::DTypeInfo& info : tensor::kOtherDTypes) {
    GgufBuilder builder;
    add_fixture_tensor(builder, "a", info.type, {512});
    const GgufImage image = builder.build();
    const auto file = GgufFile::parse(image.bytes, "test.gguf");
    ASSERT_FALSE(file.ok()) << info.name;
    EXPECT_EQ(file.error().code, Code::kUnsupported);
  }
}

TEST(Gguf, ReadsVersion2AndItsAlignment) {
  const GgufImage image = aligned_fixture();
  const GgufFile file = parsed(image);
  EXPECT_EQ(file.version(), 2u);
  for (const GgufTensor& t : file.tensors()) EXPECT_EQ(t.file_offset % 64, 0u);
  EXPECT_TRUE(parsed(vocabulary_fixture()).tensors().empty());
}

TEST(Gguf, AcceptsTensorsInAnyOrderAndPaddingAtTheEnd) {
  GgufBuilder two;
  add_fixture_tensor(two, "a", tensor::DType::kF32, {8});
  add_fixture_tensor(two, "b", tensor::DType::kF32, {8});
  GgufImage image = two.build();
  image.set(image.field(GgufPart::kOffset, "a"), std::uint64_t{32});
  image.set(image.field(GgufPart::kOffset, "b"), std::uint64_t{0});
  const GgufFile file = parsed(image);
  EXPECT_EQ(file.find_tensor("a")->file_offset, file.find_tensor("b")->file_offset + 32);

  GgufBuilder odd;
  add_fixture_tensor(odd, "a", tensor::DType::kF32, {1});
  image = odd.build();
  image.bytes.resize(image.bytes.size() + 28);
  EXPECT_TRUE(GgufFile::parse(image.bytes, "padded").ok());
  image.bytes.resize(image.bytes.size() + 1);
  EXPECT_FALSE(GgufFile::parse(image.bytes, "too long").ok());
}

// What a typed look-up answers: its value as text, or its message.
template <class T>
std::string answer(const Result<T>& result) {
  return result.ok() ? fmt::format("{}", *result) : result.error().message;
}

TEST(Gguf, TypedLookUps) {
  GgufBuilder builder;
  builder.number("nan", GgufType::kF32, NAN).text("bytes", "\xFF").text("text", "words");
  builder.number("i", GgufType::kI32, 7).number("minus", GgufType::kI8, std::int8_t{-1});
  builder.number("u", GgufType::kU16, std::uint16_t{9}).number("f", GgufType::kF32, 0.5f);
  builder.boolean("b", true).array<float>("a", GgufType::kF32, {1, 2, 3});
  const GgufImage image = builder.build();
  const GgufFile file = parsed(image);

  EXPECT_EQ(answer(file.get_uint("u", 9)), "9");
  EXPECT_EQ(answer(file.get_uint("i", 9)), "7");
  EXPECT_EQ(answer(file.get_float("f")), "0.5");
  EXPECT_EQ(answer(file.get_bool("b")), "true");
  EXPECT_EQ(answer(file.get_string("text")), "words");
  const std::string m = "tiny.gguf: metadata ";
  EXPECT_EQ(answer(file.get_uint("u", 8)),
            m + "'u' is the integer 9, an integer from 0 to 8 is needed");
  EXPECT_EQ(answer(file.get_uint("minus", 8)),
            m + "'minus' is the integer -1, an integer from 0 to 8 is needed");
  EXPECT_EQ(answer(file.get_uint("f", 8)),
            m + "'f' is the number 0.5, an integer from 0 to 8 is needed");
  EXPECT_EQ(answer(file.get_float("nan")),
            m + "'nan' is the number nan, a finite floating-point number is needed");
  EXPECT_EQ(answer(file.get_float("text")),
            m + "'text' is a string, a finite floating-point number is needed");
  EXPECT_EQ(answer(file.get_bool("a")), m + "'a' is an array of 3 f32, a bool is needed");
  EXPECT_EQ(answer(file.get_string("b")), m + "'b' is true, a string is needed");
  EXPECT_EQ(answer(file.get_string("bytes")), m + "'bytes' is a string, valid UTF-8 is needed");
  EXPECT_EQ(file.get_array("a", GgufType::kI32).error().message,
            m + "'a' is an array of 3 f32, an array of i32 is needed");
  EXPECT_EQ(file.get_array("u", GgufType::kI32).error().code, Code::kCorrupt);
  EXPECT_EQ(file.get_uint("none", 1).error().code, Code::kNotFound);
  EXPECT_EQ(answer(file.get_uint("none", 1)), m + "'none' is missing");
}

TEST(Gguf, OpensAFileAndSurvivesAMove) {
  const std::string path = testing::TempDir() + "/aquilon_gguf_test.gguf";
  const GgufImage image = everything_fixture();
  const std::string_view bytes(reinterpret_cast<const char*>(image.bytes.data()),
                               image.bytes.size());
  ASSERT_TRUE(write_file_atomically(path, bytes).ok());
  auto opened = GgufFile::open(path);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const GgufFile file = std::move(opened).value();
  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(answer(file.get_string("general.architecture")), "llama");
  EXPECT_EQ(std::memcmp(file.matrix(*file.find_tensor("f16")).data,
                        fixture_data(tensor::DType::kF16, {16}).data(), 32),
            0);

  EXPECT_EQ(GgufFile::open(path + ".none").error().code, Code::kNotFound);
  EXPECT_EQ(GgufFile::open(testing::TempDir()).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace aquilon::formats
