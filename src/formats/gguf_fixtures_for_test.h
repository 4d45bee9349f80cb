// The small files that the GGUF tests read and damage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "formats/gguf_builder_for_test.h"

namespace aquilon::formats {

// Weights that differ from byte to byte. The fixtures' shapes are such that no tensor with one bit
// of its dimensions or type changed fills the same padded space.
inline std::vector<std::byte> fixture_data(tensor::DType type,
                                           const std::vector<std::uint64_t>& dims) {
  std::size_t size = tensor::row_bytes(type, dims[0]);
  for (std::size_t d = 1; d < dims.size(); ++d) size *= dims[d];
  std::vector<std::byte> data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i * 37 + 11);
  return data;
}

inline void add_fixture_tensor(GgufBuilder& file, std::string_view name, tensor::DType type,
                               const std::vector<std::uint64_t>& dims) {
  file.tensor(name, type, dims, fixture_data(type, dims));
}

// Metadata of every value type, tensors of every element type and of one to four dimensions.
inline GgufImage everything_fixture() {
  using enum GgufType;
  using tensor::DType;
  GgufBuilder file;
  file.text("general.architecture", "llama").text("general.name", "Tiny \xE2\x98\x83");
  file.number("test.u8", kU8, std::uint8_t{200}).number("test.i8", kI8, std::int8_t{-100});
  file.number("test.u16", kU16, std::uint16_t{60000})
      .number("test.i16", kI16, std::int16_t{-30000});
  file.number("test.u32", kU32, std::uint32_t{4000000000}).number("test.i32", kI32, -2000000000);
  file.number("test.u64", kU64, ~std::uint64_t{0}).number("test.i64", kI64, INT64_MIN);
  file.number("test.f32", kF32, 1.5f).number("test.f64", kF64, -2.25);
  file.boolean("test.yes", true).boolean("test.no", false).text("test.empty", "");
  file.array<std::uint8_t>("array.u8", kU8, {1, 255}).array<std::int8_t>("array.i8", kI8, {-1});
  file.array<std::uint16_t>("array.u16", kU16, {1, 2}).array<std::int16_t>("array.i16", kI16, {-2});
  file.array<std::uint32_t>("array.u32", kU32, {7, 8}).array<std::int32_t>("array.i32", kI32, {-3});
  file.array<std::uint64_t>("array.u64", kU64, {9}).array<std::int64_t>("array.i64", kI64, {-4});
  file.array<float>("array.f32", kF32, {0.5f, 2}).array<double>("array.f64", kF64, {0.25});
  file.array<std::uint8_t>("array.bool", kBool, {1, 0, 1}).array<float>("array.none", kF32, {});
  file.texts("tokenizer.ggml.tokens", {"a", "", "\xFF\xFE", "hello"});
  file.number("split.count", kU16, std::uint16_t{1}).text("cl\xC3\xA9", "any UTF-8 key");

  add_fixture_tensor(file, "token_embd.weight", DType::kF32, {32, 4});
  add_fixture_tensor(file, "f16", DType::kF16, {16});
  add_fixture_tensor(file, "q4_0", DType::kQ4_0, {32, 16});
  add_fixture_tensor(file, "q4_1", DType::kQ4_1, {32, 16});
  add_fixture_tensor(file, "q5_0", DType::kQ5_0, {64, 8});
  add_fixture_tensor(file, "q5_1", DType::kQ5_1, {32, 16});
  add_fixture_tensor(file, "q8_0", DType::kQ8_0, {32, 16});
  add_fixture_tensor(file, "q4_k", DType::kQ4_K, {256, 2});
  add_fixture_tensor(file, "q5_k", DType::kQ5_K, {512});
  add_fixture_tensor(file, "q6_k", DType::kQ6_K, {256, 4, 4});
  add_fixture_tensor(file, "four", DType::kF32, {2, 2, 2, 4});
  add_fixture_tensor(file, "bf16", DType::kBF16, {16});
  return file.build();
}

// Version 2, an alignment of its own, padding before the first tensor and between the last two:
// without that alignment, the tensors would not tile the data.
inline GgufImage aligned_fixture() {
  GgufBuilder file(2);
  file.text("general.architecture", "qwen2").alignment(64).boolean("test.yes", true);
  add_fixture_tensor(file, "a", tensor::DType::kF32, {32});
  add_fixture_tensor(file, "b", tensor::DType::kQ8_0, {32, 16});
  add_fixture_tensor(file, "c", tensor::DType::kF32, {8, 8});
  return file.build();
}

// A vocabulary alone.
inline GgufImage vocabulary_fixture() {
  GgufBuilder file;
  std::vector<std::string> tokens;
  std::vector<float> scores;
  for (int i = 0; i < 40; ++i) {
    tokens.push_back(std::string(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26)));
    scores.push_back(static_cast<float>(i));
  }
  file.texts("tokenizer.ggml.tokens", tokens);
  file.array("tokenizer.ggml.scores", GgufType::kF32, scores);
  return file.build();
}

}  // namespace aquilon::formats
