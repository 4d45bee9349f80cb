// A GGUF file of a model of one layer, random weights and a vocabulary of ASCII.
#pragma once

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "formats/gguf_builder_for_test.h"
#include "quant/random_blocks.h"

namespace aquilon::model {

inline constexpr std::uint64_t kTinyDim = 256, kTinyHidden = 512, kTinyVocab = 96;

// One layer whose every matrix has the type, with the pre-tokenizer `pre`.
inline std::vector<std::byte> tiny_model(tensor::DType type, const std::string& pre) {
  using formats::GgufType;
  formats::GgufBuilder file;
  file.text("general.architecture", "llama");
  const auto count = [&](const std::string& key, std::uint32_t value) {
    file.number("llama." + key, GgufType::kU32, value);
  };
  count("block_count", 1);
  count("context_length", 64);
  count("embedding_length", kTinyDim);
  count("feed_forward_length", kTinyHidden);
  count("attention.head_count", 4);
  count("attention.head_count_kv", 2);
  count("rope.dimension_count", kTinyDim / 4);
  count("vocab_size", kTinyVocab);
  file.number("llama.attention.layer_norm_rms_epsilon", GgufType::kF32, 1e-5f);
  std::vector<std::string> tokens;
  for (std::uint64_t i = 0; i + 1 < kTinyVocab; ++i)
    tokens.emplace_back(1, static_cast<char>(32 + i));
  tokens.emplace_back("<|end|>");
  std::vector<std::int32_t> kinds(kTinyVocab, 1);
  kinds.back() = 3;
  file.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", pre);
  file.texts("tokenizer.ggml.tokens", tokens).texts("tokenizer.ggml.merges", {});
  file.array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kI32, kinds);
  file.number("tokenizer.ggml.eos_token_id", GgufType::kU32, std::uint32_t{kTinyVocab - 1});

  std::uint64_t seed = 1;
  const auto matrix = [&](const std::string& name, std::uint64_t columns, std::uint64_t rows) {
    file.tensor(name, type, {columns, rows}, quant::random_blocks(type, columns * rows, seed++));
  };
  const auto ones = [&](const std::string& name) {
    const std::vector<float> values(kTinyDim, 1.0f);
    std::vector<std::byte> bytes(4 * kTinyDim);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    file.tensor(name, tensor::DType::kF32, {kTinyDim}, bytes);
  };
  matrix("token_embd.weight", kTinyDim, kTinyVocab);
  ones("blk.0.attn_norm.weight");
  matrix("blk.0.attn_q.weight", kTinyDim, kTinyDim);
  matrix("blk.0.attn_k.weight", kTinyDim, kTinyDim / 2);
  matrix("blk.0.attn_v.weight", kTinyDim, kTinyDim / 2);
  matrix("blk.0.attn_output.weight", kTinyDim, kTinyDim);
  ones("blk.0.ffn_norm.weight");
  matrix("blk.0.ffn_gate.weight", kTinyDim, kTinyHidden);
  matrix("blk.0.ffn_up.weight", kTinyDim, kTinyHidden);
  matrix("blk.0.ffn_down.weight", kTinyHidden, kTinyDim);
  ones("output_norm.weight");
  matrix("output.weight", kTinyDim, kTinyVocab);
  return file.build().bytes;
}

inline void write_tiny_model(const std::string& path, tensor::DType type,
                             const std::string& pre = "gpt-2") {
  const std::vector<std::byte> bytes = tiny_model(type, pre);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace aquilon::model
