// Damaged files: every truncation, every bit flip, random splices, and files made to exhaust
// memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "base/utf8.h"
#include "formats/allocation_count_for_test.h"
#include "formats/gguf_fixtures_for_test.h"
#include "formats/gguf_walk_for_test.h"

namespace aquilon::formats {
namespace {

constexpr std::string_view kName = "hostile.gguf";
constexpr std::uint64_t kMaxAllocated = 64 << 20;

// Parses within the limit of memory, and walks what was opened. Whether it loaded; if
// not, the error has been checked.
bool loads(std::span<const std::byte> bytes) {
  const std::uint64_t allocated = allocated_bytes_for_test();
  const auto file = GgufFile::parse(bytes, std::string(kName));
  EXPECT_LE(allocated_bytes_for_test() - allocated, kMaxAllocated);
  if (file.ok()) return walk(*file), true;
  EXPECT_TRUE(names_offset_and_field(file.error(), kName, bytes.size()));
  return false;
}

// How many bytes a value takes that is read as `type`, by a second, simpler reading of the format
// than the parser's. Nothing when it is no value.
std::optional<std::size_t> value_bytes(std::uint32_t type, std::span<const std::byte> at) {
  static constexpr std::size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  if (type >= std::size(kSizes) || at.size() < kSizes[type]) return {};
  if (type == 7 && std::to_integer<int>(at[0]) > 1) return {};
  if (kSizes[type] != 0) return kSizes[type];
  if (type != 8 || at.size() < 8) return {};  // an array: none of the fixtures' values
  std::uint64_t length = 0;
  std::memcpy(&length, at.data(), sizeof length);
  if (length > at.size() - 8) return {};
  return 8 + length;
}

// Whether the file is still well-formed after `flipped` differs from `image` in one bit of `field`.
class Expectation {
 public:
  Expectation(const GgufImage& image, const std::vector<std::byte>& flipped)
      : image_(image), flipped_(flipped) {
    for (const GgufField& f : image.fields)
      if (f.part == GgufPart::kKey || f.part == GgufPart::kName)
        names_.insert(text(image.bytes, f));
  }

  bool well_formed(std::size_t field) const {
    const GgufField& f = image_.fields[field];
    switch (f.part) {
      case GgufPart::kFree:
        return f.owner != "split.count" || now<std::uint16_t>(f) <= 1;
      case GgufPart::kVersion:
        return now<std::uint32_t>(f) == 2 || now<std::uint32_t>(f) == 3;
      case GgufPart::kBool:
        return now<std::uint8_t>(f) <= 1;
      case GgufPart::kKey:
        return f.owner != "general.alignment" && good_name(f);
      case GgufPart::kName:
        return good_name(f);
      case GgufPart::kValueType:
        return !is_heeded(f.owner) && same_width(f);
      case GgufPart::kArrayType:
        return same_element_width(field);
      default:
        return false;  // lengths, counts, dimensions, tensor types, offsets, the magic
    }
  }

 private:
  template <class T>
  T now(const GgufField& f) const {
    T value;
    std::memcpy(&value, flipped_.data() + f.offset, sizeof value);
    return value;
  }

  static std::string text(const std::vector<std::byte>& bytes, const GgufField& f) {
    return {reinterpret_cast<const char*>(bytes.data() + f.offset), f.bytes};
  }

  // Keys whose value must be an unsigned integer.
  static bool is_heeded(const std::string& key) {
    return key == "general.alignment" || key == "split.count";
  }

  bool good_name(const GgufField& f) const {
    const std::string name = text(flipped_, f);
    for (const char c : name)
      if (static_cast<unsigned char>(c) < 32 || c == 127) return false;
    return is_utf8(name) && !names_.contains(name);
  }

  bool same_width(const GgufField& f) const {
    const auto at = std::span(flipped_).subspan(f.offset + f.bytes);
    const auto before = value_bytes(image_.get<std::uint32_t>(f), at);
    return before && before == value_bytes(now<std::uint32_t>(f), at);
  }

  // Type and count of an array stand before its elements.
  bool same_element_width(std::size_t field) const {
    const GgufField& f = image_.fields[field];
    const auto type = now<std::uint32_t>(f), old = image_.get<std::uint32_t>(f);
    const auto count = image_.get<std::uint64_t>(image_.fields[field + 1]);
    if (type > 12 || type == 9) return false;
    std::size_t at = image_.fields[field + 1].offset + 8, old_at = at;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto bytes = value_bytes(type, std::span(flipped_).subspan(at));
      if (!bytes) return false;
      at += *bytes;
      old_at += *value_bytes(old, std::span(flipped_).subspan(old_at));
    }
    return at == old_at;
  }

  const GgufImage& image_;
  const std::vector<std::byte>& flipped_;
  std::set<std::string> names_;
};

struct Fixture {
  const char* name;
  GgufImage (*make)();
};

class GgufHostileTest : public testing::TestWithParam<Fixture> {};

INSTANTIATE_TEST_SUITE_P(Fixtures, GgufHostileTest,
                         testing::Values(Fixture{"Everything", everything_fixture},
                                         Fixture{"Aligned", aligned_fixture},
                                         Fixture{"Vocabulary", vocabulary_fixture}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(GgufHostileTest, EveryTruncationIsAnError) {
  const GgufImage image = GetParam().make();
  ASSERT_TRUE(loads(image.bytes));
  for (std::size_t size = 0; size < image.bytes.size(); ++size) {
    const std::vector<std::byte> cut(image.bytes.begin(),
                                     image.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(loads(cut)) << "cut to " << size << " bytes";
  }
}

TEST_P(GgufHostileTest, EveryBitFlipIsAnErrorOrHarmless) {
  const GgufImage image = GetParam().make();
  std::vector<std::byte> flipped = image.bytes;
  const Expectation expectation(image, flipped);
  std::size_t bytes = 0, refused = 0;
  for (std::size_t i = 0; i < image.fields.size(); ++i) {
    const GgufField& field = image.fields[i];
    ASSERT_EQ(field.offset, bytes) << "the builder left a hole";
    bytes += field.bytes;
    for (std::size_t bit = 0; bit < 8 * field.bytes; ++bit) {
      std::byte& byte = flipped[field.offset + bit / 8];
      byte ^= std::byte{1} << bit % 8;
      const bool loaded = loads(flipped);
      ASSERT_EQ(loaded, expectation.well_formed(i))
          << "bit " << bit << " of the field at byte " << field.offset << ", part "
          << static_cast<int>(field.part) << " of '" << field.owner << "'";
      refused += !loaded;
      byte ^= std::byte{1} << bit % 8;
      if (HasFailure()) return;
    }
  }
  EXPECT_EQ(bytes, image.bytes.size());
  EXPECT_GT(refused, 1000u);
}

TEST_P(GgufHostileTest, RandomSplicesNeverHarm) {
  const GgufImage image = GetParam().make();
  std::mt19937_64 random(20260101);
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 3000 && !HasFailure(); ++round) {
    std::vector<std::byte> spliced = image.bytes;
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      const std::size_t size = 1 + below(32);
      const std::size_t from = below(image.bytes.size() - size), to = below(spliced.size() - size);
      const auto source = image.bytes.begin() + static_cast<std::ptrdiff_t>(from);
      const auto target = spliced.begin() + static_cast<std::ptrdiff_t>(to);
      if (below(2) == 0)
        std::copy_n(source, size, target);
      else
        spliced.insert(target, source, source + static_cast<std::ptrdiff_t>(size));
    }
    loads(spliced);
  }
}

// 64 KiB that make the reader remember as much as such a file can.
TEST(GgufLimits, SmallFilesNeverTakeMuch) {
  GgufBuilder strings;
  strings.texts("s", std::vector<std::string>(8000));
  EXPECT_TRUE(loads(strings.build().bytes));

  GgufBuilder entries;
  for (int i = 0; i < 3600; ++i) entries.boolean(fmt::format("{:04}", i), true);
  EXPECT_TRUE(loads(entries.build().bytes));

  GgufBuilder arrays;
  for (int i = 0; i < 1900; ++i) arrays.texts(fmt::format("{:04}", i), {""});
  EXPECT_TRUE(loads(arrays.build().bytes));

  GgufBuilder tensors;
  for (int i = 0; i < 680; ++i)
    add_fixture_tensor(tensors, fmt::format("{:03}", i), tensor::DType::kF32, {8});
  EXPECT_TRUE(loads(tensors.build().bytes));

  // Counts that lie, with as much behind them as a small file holds.
  for (const std::uint64_t lie : {~0ull, 1ull << 63, 1ull << 61, 1ull << 32, 60000ull}) {
    GgufImage image = strings.build();
    image.bytes.resize(65536);
    for (const GgufPart part : {GgufPart::kTensorCount, GgufPart::kEntryCount}) {
      GgufImage lying = image;
      lying.set(lying.field(part), lie);
      EXPECT_FALSE(loads(lying.bytes));
    }
    image.set(image.field(GgufPart::kArrayCount, "s"), lie);
    EXPECT_FALSE(loads(image.bytes));
  }
}

}  // namespace
}  // namespace aquilon::formats
