// What one run predicted, kept in a file to compare other runs of the same text with: another
// engine's arithmetic, another quantisation of the model.
//
//   header     8 bytes "AQBASE2\n"; u32 V, context, chunks, kept: ids kept of a prediction;
//              u64 fingerprint of the model (model/fingerprint.h)
//   tokens     i32 [chunks, context]   the text
//   records    one a scored position, in order:
//                f32         log-probability of the text's next token
//                i32 [kept]  the likeliest ids, best first (equal ones: lower id first)
//                f32 [kept]  their log-probabilities
// Numbers are little-endian. Version 1 ("AQBASE1\n") has no fingerprint and is read, too. The other
// ids count as one class whose probability is what is left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/output_file.h"
#include "eval/perplexity.h"

namespace aquilon::eval {

inline constexpr std::size_t kBaseIds = 256;  // kept, where the vocabulary has that many

// Writes FILE.part and, when all is there, renames it.
class BaseWriter {
 public:
  // `tokens`: whole chunks. Errors: kUnavailable.
  static Result<BaseWriter> create(const std::string& path, std::span<const text::TokenId> tokens,
                                   std::size_t context, std::size_t vocab,
                                   std::uint64_t fingerprint);
  Status add(const Prediction& prediction);
  Status finish();

 private:
  explicit BaseWriter(OutputFile file) : file_(std::move(file)) {}

  OutputFile file_;
  std::vector<std::uint32_t> order_;  // [V] scratch
  std::size_t kept_ = 0;
};

// A record of the file.
struct BaseRecord {
  float next_logprob;
  std::span<const std::int32_t> ids;
  std::span<const float> logprobs;
};

// Threads: const members are safe from any.
class BaseFile {
 public:
  // Errors: those of MappedFile; kCorrupt names what is wrong with it.
  static Result<BaseFile> open(const std::string& path);
  // kInvalidArgument says how the file was made otherwise. A file of version 1 does not know its
  // model, and any is taken for it.
  Status check_same_run(std::span<const text::TokenId> tokens, std::size_t context,
                        std::size_t vocab, std::uint64_t fingerprint) const;

  std::size_t records() const { return records_; }
  BaseRecord record(std::size_t i) const;  // i < records()

 private:
  explicit BaseFile(MappedFile file) : file_(std::move(file)) {}
  Status check() const;
  std::size_t record_bytes() const { return 4 + 8 * static_cast<std::size_t>(kept_); }

  std::size_t header_bytes() const { return fingerprint_ ? 32 : 24; }

  MappedFile file_;
  std::optional<std::uint64_t> fingerprint_;
  std::uint32_t vocab_ = 0, context_ = 0, chunks_ = 0, kept_ = 0;
  std::size_t records_ = 0;
};

}  // namespace aquilon::eval
