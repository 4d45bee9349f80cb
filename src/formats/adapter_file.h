// LoRA adapters on disk: PEFT's folders (adapter_config.json, adapter_model.safetensors) and
// llama.cpp's GGUF files, as one description. Any bytes are safe to open.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "formats/gguf.h"
#include "tensor/view.h"

namespace aquilon::formats {

// What an adapter adds to the product of one matrix: y += scale * b (a x). Views into the file.
struct AdapterPair {
  std::string target;    // the matrix, by GGUF's name: "blk.0.attn_q.weight"
  std::string label;     // as the file calls it, for messages
  tensor::MatrixView a;  // [R, K]  R of 1 at least
  tensor::MatrixView b;  // [N, R]
  float scale = 0;       // finite
};

// An open adapter. Whether its shapes fit a model is for whoever binds it to one. Movable.
// Threads: const members are safe from any.
class AdapterFile {
 public:
  // By the path of a GGUF file or of a folder. Errors: kNotFound names the file that is missing;
  // kCorrupt what is damaged or does not belong together; kUnsupported the part of PEFT that we do
  // not run (DoRA, biases, whole modules, embeddings, ...), by its key or tensor; those of
  // GgufFile::open and SafetensorsFile::parse.
  static Result<AdapterFile> open(const std::string& path);
  // The same of bytes that the caller keeps alive; `path` is for messages.
  static Result<AdapterFile> parse_gguf(std::span<const std::byte> bytes, std::string path);
  static Result<AdapterFile> parse_folder(std::string path,
                                          std::map<std::string, std::span<const std::byte>> files);

  const std::string& path() const { return path_; }
  // The family that it was made for; empty where the file does not say (PEFT).
  const std::string& architecture() const { return architecture_; }
  // Rows of b of attn_q and attn_k stand in the order of the family's Hugging Face files; else in
  // that of its GGUF files.
  bool hf_rows() const { return hf_rows_; }
  const std::vector<AdapterPair>& pairs() const { return pairs_; }  // by target, at least one

 private:
  friend class PeftReader;
  AdapterFile() = default;

  static Result<AdapterFile> from_gguf(GgufFile file);

  std::string path_;
  std::string architecture_;
  bool hf_rows_ = false;
  std::vector<AdapterPair> pairs_;
  std::vector<MappedFile> maps_;  // of a folder
  std::optional<GgufFile> gguf_;
};

}  // namespace aquilon::formats
