#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <random>

#include "formats/folder_builder_for_test.h"

namespace aquilon::formats {
namespace {

Result<SafetensorsFile> parse(const std::string& file) {
  return SafetensorsFile::parse(std::as_bytes(std::span(file.data(), file.size())),
                                "x.safetensors");
}

TEST(Safetensors, ReadsTensorsOfEveryKind) {
  const std::string file =
      safetensors_of(R"({"__metadata__":{"format":"pt","a":"b"},)"
                     R"("w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                     R"("one":{"shape":[],"data_offsets":[24,26],"dtype":"BF16"},)"
                     R"("none":{"dtype":"I64","shape":[0,4],"data_offsets":[26,26]},)"
                     R"("f8":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[26,29]},)"
                     R"("f4":{"dtype":"F4","shape":[6],"data_offsets":[29,32]}}   )",
                     32);
  const auto read = parse(file);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->tensors().size(), 5u);
  const SafetensorsTensor& w = read->tensors()[0];
  EXPECT_EQ(w.name, "w");
  EXPECT_EQ(w.type->dtype, tensor::DType::kF32);
  EXPECT_EQ(w.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(w.offset + 32, file.size());
  EXPECT_EQ(w.data.size(), 24u);
  EXPECT_EQ(w.data[1], std::byte{37 + 11});
  EXPECT_TRUE(read->tensors()[1].shape.empty());
  EXPECT_TRUE(read->tensors()[2].data.empty());
  EXPECT_EQ(read->tensors()[3].type->dtype, tensor::DType::kF8_E4M3);
  EXPECT_FALSE(read->tensors()[2].type->dtype.has_value());
  EXPECT_EQ(read->tensors()[4].data.size(), 3u);
}

struct Refusal {
  const char* name;
  const char* header;
  std::size_t data_bytes;
  const char* words;
  Code code = Code::kCorrupt;
};

const Refusal kRefusals[] = {
    {"Gap",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}})",
     6, "tensor 'b': data_offsets: begin at 4, but the data before ends at 2: a gap"},
    {"Overlap",
     R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
     6, "tensor 'b': data_offsets: begin at 2, but the data before ends at 4: overlap"},
    {"SameBytes",
     R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
     4, "overlap"},
    {"GapInFront", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})", 4, "a gap"},
    {"BytesBehind", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 3,
     "end of data: 1 bytes follow"},
    {"DuplicateName",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
     4, "tensor 'a': name: is given twice"},
    {"DuplicateEscapedName",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"\u0061":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
     4, "tensor 'a': name: is given twice"},
    {"DuplicateField", R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2,
     "tensor 'a': dtype: is given twice"},
    {"DuplicateMetadata", R"({"__metadata__":{},"__metadata__":{}})", 0,
     "__metadata__ is given twice"},
    {"BeyondTheFile", R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 8,
     "tensor 'a': data_offsets: [0, 9] do not lie in the 8 bytes of data"},
    {"Backwards", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[4,2]}})", 8,
     "[4, 2] do not lie"},
    {"WrongShape", R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
     "tensor 'a': shape: [3] of F32 does not make the 8 bytes"},
    {"ShapeOverflows",
     R"({"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}})", 16,
     "shape: [4611686018427387905, 4] of F32 does not make the 16 bytes"},
    {"ShapeNear2To63",
     R"({"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}})",
     8, "data_offsets: [0, 9223372036854775807] do not lie"},
    {"ShapeNear2To64",
     R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}})",
     8, "do not lie"},
    {"ShapeAbove2To64",
     R"({"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,2]}})", 2,
     "shape: must be a list of whole numbers"},
    {"HalfABits", R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", 1, "does not make"},
    {"NegativeShape", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1,
     "tensor 'a': shape: must be a list of whole numbers"},
    {"FractionalShape", R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", 1,
     "whole numbers"},
    {"NestedShape", R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1,
     "whole numbers"},
    {"NineDimensions", R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
     1, "more than the 8 dimensions", Code::kUnsupported},
    {"OneOffset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, "list of two"},
    {"ThreeOffsets", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}})", 1,
     "list of two"},
    {"UnknownType", R"({"a":{"dtype":"F7","shape":[1],"data_offsets":[0,1]}})", 1,
     "tensor 'a': dtype: 'F7' is no type that we know", Code::kUnsupported},
    {"TypeIsNoText", R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,1]}})", 1,
     "dtype: must be a text"},
    {"NoType", R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1, "dtype: is missing"},
    {"NoShape", R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1, "shape: is missing"},
    {"NoOffsets", R"({"a":{"dtype":"U8","shape":[1]}})", 1, "data_offsets: are missing"},
    {"UnknownField", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1,
     "'x' is no field"},
    {"TensorIsAList", R"({"a":[]})", 0, "tensor 'a': must be an object"},
    {"TensorIsNull", R"({"a":null})", 0, "tensor 'a': must be an object"},
    {"ObjectInAField", R"({"a":{"dtype":{}}})", 0, "dtype: must be a text"},
    {"MetadataOfNumbers", R"({"__metadata__":{"a":1}})", 0,
     "__metadata__ must be an object of texts"},
    {"MetadataOfObjects", R"({"__metadata__":{"a":{}}})", 0,
     "__metadata__ must be an object of texts"},
    {"HeaderIsAList", R"([])", 0, "header: must be an object"},
    {"HeaderIsAText", R"("a")", 0, "header: must be an object"},
    {"HeaderIsEmpty", "", 0, "header: not JSON"},
    {"HeaderIsCut", R"({"a":{"dtype")", 0, "header: not JSON"},
    {"TwoObjects", R"({}{})", 0, "header: not JSON"},
    {"NameWithNewline", R"({"a\nb":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1,
     "name: must be"},
    {"EmptyName", R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, "name: must be"},
    {"NestedDeep", R"({"__metadata__":{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[)", 0, "header"},
};

class SafetensorsRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(SafetensorsRefusal, NamesFileTensorAndWhat) {
  const auto read = parse(safetensors_of(GetParam().header, GetParam().data_bytes));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, GetParam().code) << read.error().message;
  EXPECT_TRUE(read.error().message.starts_with("x.safetensors: ")) << read.error().message;
  EXPECT_NE(read.error().message.find(GetParam().words), std::string::npos) << read.error().message;
}

INSTANTIATE_TEST_SUITE_P(Hostile, SafetensorsRefusal, testing::ValuesIn(kRefusals),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Safetensors, RefusesHeadersThatCannotBe) {
  for (const std::uint64_t length : {std::uint64_t{3}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    std::string file = safetensors_of("{}", 0);
    std::memcpy(file.data(), &length, sizeof length);
    const auto read = parse(file);
    ASSERT_FALSE(read.ok());
    EXPECT_NE(read.error().message.find("header length: "), std::string::npos);
  }
  for (std::size_t size = 0; size < 8; ++size)
    EXPECT_NE(parse(std::string(size, '\0')).error().message.find("header length: "),
              std::string::npos);
  const auto huge = parse(safetensors_of(std::string((32u << 20) + 1, ' '), 0));
  ASSERT_FALSE(huge.ok());
  EXPECT_EQ(huge.error().code, Code::kUnsupported);
  EXPECT_NE(huge.error().message.find("are more than the 33554432"), std::string::npos);
}

// Every tensor of a file that opened lies in it, with the bytes that its shape asks for.
void check_or_refuse(const std::string& file) {
  const auto read = parse(file);
  if (!read.ok()) {
    ASSERT_TRUE(read.error().message.starts_with("x.safetensors: ")) << read.error().message;
    ASSERT_TRUE(read.error().code == Code::kCorrupt || read.error().code == Code::kUnsupported);
    return;
  }
  for (const SafetensorsTensor& tensor : read->tensors()) {
    std::uint64_t bits = tensor.type->bits;
    for (const std::uint64_t dim : tensor.shape) bits *= dim;
    ASSERT_EQ(bits / 8, tensor.data.size());
    ASSERT_LE(tensor.offset + tensor.data.size(), file.size());
  }
}

TEST(Safetensors, EveryCutAndBitFlipIsAnErrorOrHarmless) {
  const std::string whole = tiny_llama_weights().build();
  std::uint64_t header = 0;
  std::memcpy(&header, whole.data(), sizeof header);
  for (std::size_t size = 0; size < whole.size(); size += size < header + 16 ? 1 : 97)
    EXPECT_FALSE(parse(whole.substr(0, size)).ok()) << size;
  for (std::size_t at = 0; at < header + 8; ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      check_or_refuse(damaged);
    }
}

}  // namespace
}  // namespace aquilon::formats
