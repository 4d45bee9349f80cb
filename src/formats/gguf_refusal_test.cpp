// What is refused, and in which words: one case each.
#include <gtest/gtest.h>

#include <functional>

#include "formats/gguf_fixtures_for_test.h"
#include "formats/gguf_types_internal.h"

namespace aquilon::formats {
namespace {

using Part = GgufPart;

struct Refusal {
  const char* name;
  std::function<void(GgufImage&)> damage;  // of everything_fixture()
  Code code;
  const char* message;  // what the message must hold; {} stands for the damaged field's offset
  Part part;
  const char* owner = "";
};

template <class T>
std::function<void(GgufImage&)> put(Part part, const char* owner, T value) {
  return [=](GgufImage& image) { image.set(image.field(part, owner), value); };
}

// A case that overwrites one field.
template <class T>
Refusal wrong(const char* name, Part part, const char* owner, T value, Code code,
              const char* message) {
  return {name, put(part, owner, value), code, message, part, owner};
}

// The bytes of a name or key replaced by others of the same length.
Refusal renamed(const char* name, Part part, const char* owner, std::string text,
                const char* message) {
  const auto damage = [=](GgufImage& image) {
    const GgufField& field = image.field(part, owner);
    ASSERT_EQ(field.bytes, text.size());
    std::memcpy(image.bytes.data() + field.offset, text.data(), text.size());
  };
  return {name, damage, Code::kCorrupt, message, part, owner};
}

constexpr std::uint64_t kHuge = ~std::uint64_t{0};

std::vector<Refusal> refusals() {
  const Code corrupt = Code::kCorrupt, unsupported = Code::kUnsupported;
  using u16 = std::uint16_t;
  using u32 = std::uint32_t;
  using u64 = std::uint64_t;
  return {
      wrong("Magic", Part::kMagic, "", u32{0x04034b50}, corrupt,
            "at byte {}: magic: not a GGUF file"),
      wrong("Version1", Part::kVersion, "", u32{1}, unsupported,
            "at byte {}: version: GGUF version 1 is not read"),
      wrong("Version4", Part::kVersion, "", u32{4}, unsupported, "version: GGUF version 4"),
      wrong("BigEndian", Part::kVersion, "", u32{0x03000000}, unsupported,
            "at byte {}: version: a big-endian GGUF file"),
      wrong("TensorCount", Part::kTensorCount, "", kHuge, corrupt,
            "at byte {}: tensor count: 18446744073709551615 cannot fit"),
      wrong("EntryCount", Part::kEntryCount, "", u64{1} << 62, corrupt,
            "at byte {}: metadata count: 4611686018427387904 cannot fit"),
      wrong("KeyLength", Part::kKeyLength, "test.u8", kHuge, corrupt,
            "at byte {}: metadata entry 2: key: a length of 18446744073709551615 bytes"),
      wrong("KeyEmpty", Part::kKeyLength, "test.u8", u64{0}, corrupt,
            "at byte {}: metadata entry 2: key: 0 bytes long"),
      wrong("ValueType", Part::kValueType, "test.u8", u32{13}, unsupported,
            "at byte {}: metadata entry 2 'test.u8': value type: 13 is not a type"),
      wrong("Bool", Part::kBool, "test.yes", std::uint8_t{2}, corrupt,
            "at byte {}: metadata entry 12 'test.yes': value: a bool is 0 or 1, not 2"),
      wrong("ArrayBool", Part::kBool, "array.bool", std::uint8_t{255}, corrupt,
            "at byte {}: metadata entry 25 'array.bool': array element 0: value: a bool"),
      wrong("NestedArray", Part::kArrayType, "array.f32", u32{9}, unsupported,
            "at byte {}: metadata entry 23 'array.f32': array type: nested arrays are not read"),
      wrong("ArrayType", Part::kArrayType, "array.f32", u32{77}, unsupported,
            "'array.f32': array type: 77 is not a type"),
      wrong("ArrayCount", Part::kArrayCount, "array.f64", u64{1} << 61, corrupt,
            "at byte {}: metadata entry 24 'array.f64': array count: 2305843009213693952 cannot"),
      wrong("StringCount", Part::kArrayCount, "tokenizer.ggml.tokens", u64{1} << 61, corrupt,
            "'tokenizer.ggml.tokens': array count: 2305843009213693952 cannot fit"),
      wrong("StringLength", Part::kTextLength, "tokenizer.ggml.tokens", u64{1} << 40, corrupt,
            "'tokenizer.ggml.tokens': array element 0: value: a length of 1099511627776 bytes"),
      wrong("SplitFile", Part::kFree, "split.count", u16{3}, unsupported,
            "at byte {}: metadata entry 28 'split.count': value: one part of a model split over 3"),
      wrong("NameLength", Part::kNameLength, "f16", u64{65}, corrupt,
            "at byte {}: tensor 1: name: 65 bytes long, 1 to 64 are allowed"),
      wrong("NoDims", Part::kDimCount, "f16", u32{0}, corrupt,
            "at byte {}: tensor 1 'f16': dimension count: 0, 1 to 4 are allowed"),
      wrong("FiveDims", Part::kDimCount, "f16", u32{5}, corrupt, "dimension count: 5, 1 to 4"),
      wrong("ZeroDim", Part::kDim, "f16", u64{0}, corrupt,
            "at byte {}: tensor 1 'f16': dimension 0: is zero"),
      wrong("HugeDim", Part::kDim, "f16", u64{1} << 63, corrupt,
            "tensor 1 'f16': dimensions: [9223372036854775808] of F16 are more than the file's"),
      wrong("DimsOverflow", Part::kDim, "four", u64{1} << 62, corrupt,
            "tensor 10 'four': dimensions: ["),
      wrong("PartialBlock", Part::kDim, "q4_0", u64{33}, corrupt,
            "tensor 2 'q4_0': dimension 0: 33 is not a multiple of Q4_0's block of 32"),
      wrong("UnreadType", Part::kTensorType, "q6_k", u32{15}, unsupported,
            "at byte {}: tensor 9 'q6_k': tensor type: Q8_K is not read; F32, F16, BF16, Q4_0"),
      wrong("UnknownType", Part::kTensorType, "q6_k", u32{4711}, unsupported,
            "at byte {}: tensor 9 'q6_k': tensor type: number 4711 is not read; F32"),
      wrong("Misaligned", Part::kOffset, "q4_0", u64{33}, corrupt,
            "at byte {}: tensor 2 'q4_0': offset: 33 is not a multiple of the alignment 32"),
      wrong("Overlap", Part::kOffset, "f16", u64{480}, corrupt,
            "at byte {}: tensor 1 'f16': offset: 480, but the data before it ends at 512: overlap"),
      wrong("Gap", Part::kOffset, "bf16", u64{1} << 40, corrupt,
            "at byte {}: tensor 11 'bf16': offset: 1099511627776, but the data before it ends at"),
      wrong("LargestOffset", Part::kOffset, "bf16", kHuge << 5, corrupt, ": a gap"),
      wrong("BeyondTheFile", Part::kDim, "bf16", u64{32}, corrupt,
            "tensor 11 'bf16': data: 64 bytes from byte"),
      renamed("TwinKey", Part::kKey, "test.i8", "test.u8",
              "metadata entry 3 'test.u8': key: already used by entry 2"),
      renamed("TwinTensor", Part::kName, "q4_1", "q4_0",
              "tensor 3 'q4_0': name: already used by tensor 2"),
      renamed("KeyUtf8", Part::kKey, "test.i8",
              "test.\xC3"
              "8",
              "metadata entry 3: key: not valid UTF-8"),
      renamed("NameUtf8", Part::kName, "f16", "\xED\xA0\x80", "tensor 1: name: not valid UTF-8"),
      renamed("NameControl", Part::kName, "f16", "f\n6",
              "tensor 1: name: holds a control character"),
  };
}

class GgufRefusalTest : public testing::TestWithParam<Refusal> {};

INSTANTIATE_TEST_SUITE_P(Cases, GgufRefusalTest, testing::ValuesIn(refusals()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(GgufRefusalTest, IsRefusedInTheseWords) {
  const Refusal& refusal = GetParam();
  GgufImage image = everything_fixture();
  refusal.damage(image);
  const auto file = GgufFile::parse(image.bytes, "tiny.gguf");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, refusal.code) << file.error().message;
  std::string want = refusal.message;
  if (const auto hole = want.find("{}"); hole != std::string::npos)
    want.replace(hole, 2, std::to_string(image.field(refusal.part, refusal.owner).offset));
  EXPECT_NE(file.error().message.find(want), std::string::npos)
      << "got:  " << file.error().message << "\nwant: " << want;
}

TEST(GgufRefusal, Alignments) {
  for (const std::uint32_t alignment : {0u, 1u, 4u, 12u, 63u, 1u << 17, ~0u}) {
    GgufBuilder builder;
    const GgufImage image = builder.number("general.alignment", GgufType::kU32, alignment).build();
    const auto file = GgufFile::parse(image.bytes, "f");
    ASSERT_FALSE(file.ok()) << alignment;
    EXPECT_NE(file.error().message.find("'general.alignment': value: an alignment of"),
              std::string::npos);
  }
  const GgufImage text = GgufBuilder().text("general.alignment", "32").build();
  EXPECT_FALSE(GgufFile::parse(text.bytes, "f").ok());
}

// Files that are large enough for their counts, which are more than we are ready to remember.
TEST(GgufRefusal, CountsAboveOurLimits) {
  const auto message = [](GgufPart part, const char* owner, std::uint64_t count,
                          std::uint64_t element_bytes) {
    GgufImage image = GgufBuilder().texts("a", {}).build();
    image.set(image.field(part, owner), count);
    image.bytes.resize(image.bytes.size() + count * element_bytes);
    const auto file = GgufFile::parse(image.bytes, "f");
    if (file.ok()) return std::string("loaded");
    EXPECT_EQ(file.error().code, Code::kUnsupported);
    return file.error().message;
  };
  EXPECT_EQ(message(GgufPart::kTensorCount, "", kGgufMaxTensors + 1, kGgufMinTensorBytes),
            "f: at byte 8: tensor count: 262145 is more than the 262144 that are read");
  EXPECT_EQ(message(GgufPart::kEntryCount, "", kGgufMaxEntries + 1, kGgufMinEntryBytes),
            "f: at byte 16: metadata count: 65537 is more than the 65536 that are read");
  EXPECT_EQ(message(GgufPart::kArrayCount, "a", kGgufMaxArrayStrings + 1, 8),
            "f: at byte 41: metadata entry 0 'a': array count: 8388609 is more than the 8388608 "
            "that are read");
}

TEST(GgufRefusal, LongKeysAreCutInMessages) {
  std::string key(60000, 'k');
  key[79] = '\xC3';
  key[80] = '\xA9';
  const GgufImage image = GgufBuilder().number(key, GgufType::kBool, std::uint8_t{7}).build();
  const auto file = GgufFile::parse(image.bytes, "f");
  ASSERT_FALSE(file.ok());
  EXPECT_LT(file.error().message.size(), 200u);
  EXPECT_NE(file.error().message.find(std::string(79, 'k') + "'"), std::string::npos);

  const GgufImage longer = GgufBuilder().boolean(std::string(65536, 'k'), true).build();
  EXPECT_NE(GgufFile::parse(longer.bytes, "f").error().message.find("1 to 65535 are allowed"),
            std::string::npos);
}

}  // namespace
}  // namespace aquilon::formats
