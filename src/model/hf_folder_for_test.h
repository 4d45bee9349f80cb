// A tiny Hugging Face folder of one safetensors file as a GGUF description, names and keys
// translated by hand: enough for the oracle's llama models that have no GGUF.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/gguf_builder_for_test.h"

namespace aquilon::model {

// "model.layers.3.mlp.up_proj.weight" becomes "blk.3.ffn_up.weight".
inline std::string gguf_name_for_test(std::string name) {
  static constexpr std::pair<const char*, const char*> kNames[] = {
      {"model.layers.", "blk."},
      {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"},
      {"lm_head", "output"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.down_proj", "ffn_down"},
      {"mlp.up_proj", "ffn_up"},
      {"input_layernorm", "attn_norm"},
      {"post_attention_layernorm", "ffn_norm"},
  };
  for (const auto& [hf, gguf] : kNames)
    if (const auto at = name.find(hf); at != std::string::npos)
      name.replace(at, std::strlen(hf), gguf);
  return name;
}

// Without keys of RoPE scaling, which the caller adds.
inline formats::GgufBuilder hf_folder_as_gguf_for_test(const std::string& folder) {
  using boost::json::value_to;
  using formats::GgufType;
  const auto config = boost::json::parse(read_file(folder + "/config.json").value());
  formats::GgufBuilder out;
  out.text("general.architecture", "llama").boolean("aquilon.hf_rows", true);
  static constexpr std::pair<const char*, const char*> kCounts[] = {
      {"llama.embedding_length", "hidden_size"},
      {"llama.block_count", "num_hidden_layers"},
      {"llama.feed_forward_length", "intermediate_size"},
      {"llama.attention.head_count", "num_attention_heads"},
      {"llama.attention.head_count_kv", "num_key_value_heads"},
      {"llama.context_length", "max_position_embeddings"},
  };
  for (const auto& [key, hf] : kCounts)
    out.number(key, GgufType::kU32, value_to<std::uint32_t>(config.at(hf)));
  out.number("llama.attention.layer_norm_rms_epsilon", GgufType::kF32,
             value_to<float>(config.at("rms_norm_eps")));
  out.number("llama.rope.freq_base", GgufType::kF32, value_to<float>(config.at("rope_theta")));
  const std::string bytes = read_file(folder + "/model.safetensors").value();
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto directory = boost::json::parse(std::string_view(bytes).substr(8, header));
  for (const auto& [name, tensor] : directory.as_object()) {
    if (name == "__metadata__") continue;
    auto dims = value_to<std::vector<std::uint64_t>>(tensor.at("shape"));
    std::reverse(dims.begin(), dims.end());
    const auto range = value_to<std::vector<std::uint64_t>>(tensor.at("data_offsets"));
    std::vector<std::byte> data(range[1] - range[0]);
    std::memcpy(data.data(), bytes.data() + 8 + header + range[0], data.size());
    out.tensor(gguf_name_for_test(name), tensor::DType::kF32, dims, std::move(data));
  }
  return out;
}

}  // namespace aquilon::model
