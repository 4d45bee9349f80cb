// What the tensors of Hugging Face's and Mistral's files are in GGUF's vocabulary.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aquilon::formats {

enum class NameStyle {
  kHuggingFace,
  kHuggingFaceGemma,  // the same names, other meanings: four norms a layer, each stored less one
  kHuggingFaceSeed,   // the same, but GGUF calls the second norm by its place behind attention
  kMistral,           // consolidated*.safetensors
};

struct TensorMeaning {
  enum class Values {
    kAsStored,
    kLessOne,    // a norm's weight is what is stored, plus one
    kQueryNorm,  // kLessOne, and times what query_pre_attn_scalar asks for
    kLeftOut,    // no part of the text model (vision tower), or read with another (scales of FP8)
  };
  std::string name = {};
  Values values = Values::kAsStored;
};

// Nothing for a name that no model of that style has. Experts appear one by one:
// "blk.0.ffn_gate.3.weight".
std::optional<TensorMeaning> meaning_of(NameStyle style, std::string_view name);

// The way back, for messages: what a tensor of GGUF's name is called in files of that style (in a
// model that is no part of another); the name itself where there is none.
std::string own_tensor_name(NameStyle style, std::string_view name);

}  // namespace aquilon::formats
