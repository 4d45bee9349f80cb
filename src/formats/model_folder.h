// Models in folders of safetensors files: Hugging Face's layout and Mistral's own, presented as the
// description that GGUF files have (formats/gguf.h).
//
// Keys beside GGUF's: `aquilon.hf_rows` (bool: rows of attn_q and attn_k are in the order of the
// family's Hugging Face files); `aquilon.rope_attention_factor` (f64: the factor on cosine and
// sine, in place of the computed one); `aquilon.rope_layers` (bool a layer: whether queries and
// keys turn there); `aquilon.eos_token_ids` (u32: all ends, where there are several). Experts are
// matrices of their own, "blk.0.ffn_gate.3.weight".
// Norms hold what multiplies (Gemma's are stored less one); Gemma's query_pre_attn_scalar is
// folded into attn_q_norm, Llama 3's scaling is `rope_freqs.weight`.
#pragma once

#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "formats/gguf.h"

namespace aquilon::formats {

// A model by the path of a GGUF file, of the first of a split one, or of a folder with config.json
// or params.json. What it is stands in its contents; names do not count. Errors: those of
// GgufFile::open; for folders kNotFound names the file that is missing, kUnsupported the setting,
// tensor or model_type that we do not run (with those that we do), kCorrupt what is damaged.
Result<GgufFile> open_model(const std::string& path);

// What a model says of text alone: tokenizer, roles of tokens, chat templates. Of a folder neither
// weights nor a configuration need be there, and whether we run the model does not matter; a GGUF
// file is opened whole. Errors: as open_model; kNotFound for a folder without a tokenizer.
Result<GgufFile> open_model_text(const std::string& path);

// The same of a folder in memory: names and bytes, which the caller keeps alive.
Result<GgufFile> describe_folder(std::string path,
                                 std::map<std::string, std::span<const std::byte>> files);
Result<GgufFile> describe_folder_text(std::string path,
                                      std::map<std::string, std::span<const std::byte>> files);

}  // namespace aquilon::formats
