// Makes safetensors files and model folders in memory. Not linked into the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_folder.h"

namespace aquilon::formats {

// A length, a header as given, and so many bytes of data that count up.
inline std::string safetensors_of(std::string_view header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  file += header;
  for (std::size_t i = 0; i < data_bytes; ++i) file.push_back(static_cast<char>(i * 37 + 11));
  return file;
}

// Tensors in the order of the calls.
class SafetensorsBuilder {
 public:
  SafetensorsBuilder& add(std::string_view name, std::string_view type,
                          const std::vector<std::uint64_t>& shape, std::string_view data) {
    std::string dims;
    for (const std::uint64_t dim : shape) dims += (dims.empty() ? "" : ",") + std::to_string(dim);
    header_ += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                           header_.empty() ? "{" : ",", name, type, dims, data_.size(),
                           data_.size() + data.size());
    data_ += data;
    return *this;
  }
  // Values that differ from tensor to tensor and are exact in every type.
  SafetensorsBuilder& f32(std::string_view name, const std::vector<std::uint64_t>& shape) {
    std::size_t count = 1;
    for (const std::uint64_t dim : shape) count *= dim;
    std::string data(count * sizeof(float), '\0');
    for (std::size_t i = 0; i < count; ++i) {
      const float value = static_cast<float>((i * 7 + data_.size() / 64) % 61) / 32.0f - 0.9375f;
      std::memcpy(data.data() + i * sizeof value, &value, sizeof value);
    }
    return add(name, "F32", shape, data);
  }
  std::string build() const { return safetensors_of(header_ + "}", 0) + data_; }

 private:
  std::string header_;
  std::string data_;
};

// Names and contents of the files of a folder.
using FolderForTest = std::map<std::string, std::string>;

// Requires: `folder` outlives the result.
inline Result<GgufFile> describe_for_test(const FolderForTest& folder) {
  std::map<std::string, std::span<const std::byte>> files;
  for (const auto& [name, contents] : folder)
    files[name] = std::as_bytes(std::span(contents.data(), contents.size()));
  return describe_folder("folder", std::move(files));
}

// One layer of a Llama: D 8, 2 heads of 4, 1 of keys, F 16, V 10.
inline SafetensorsBuilder tiny_llama_weights(bool with_output = true) {
  SafetensorsBuilder file;
  file.f32("model.embed_tokens.weight", {10, 8}).f32("model.norm.weight", {8});
  if (with_output) file.f32("lm_head.weight", {10, 8});
  const std::string layer = "model.layers.0.";
  file.f32(layer + "input_layernorm.weight", {8})
      .f32(layer + "post_attention_layernorm.weight", {8});
  file.f32(layer + "self_attn.q_proj.weight", {8, 8})
      .f32(layer + "self_attn.k_proj.weight", {4, 8});
  file.f32(layer + "self_attn.v_proj.weight", {4, 8})
      .f32(layer + "self_attn.o_proj.weight", {8, 8});
  file.f32(layer + "mlp.gate_proj.weight", {16, 8}).f32(layer + "mlp.up_proj.weight", {16, 8});
  return file.f32(layer + "mlp.down_proj.weight", {8, 16});
}

// Its config.json; `more` are members that follow, each with a comma in front.
inline std::string tiny_config(std::string_view model_type, std::string_view more = "") {
  return fmt::format(
      R"({{"model_type":"{}","hidden_size":8,"intermediate_size":16,"num_hidden_layers":1,)"
      R"("num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,"vocab_size":10,)"
      R"("max_position_embeddings":64,"rms_norm_eps":1e-5{}}})",
      model_type, more);
}

inline FolderForTest tiny_llama_folder() {
  return {{"config.json", tiny_config("llama")},
          {"model.safetensors", tiny_llama_weights().build()}};
}

}  // namespace aquilon::formats
