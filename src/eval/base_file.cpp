#include "eval/base_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/checked_math.h"

namespace aquilon::eval {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "AQBASE2\n";
constexpr std::string_view kOldMagic = "AQBASE1\n";
constexpr std::size_t kLeastBytes = 24;  // of a header

}  // namespace

Result<BaseWriter> BaseWriter::create(const std::string& path,
                                      std::span<const text::TokenId> tokens, std::size_t context,
                                      std::size_t vocab, std::uint64_t fingerprint) {
  OutputFile file = AQ_TRY(OutputFile::create(path));
  BaseWriter writer(std::move(file));
  writer.kept_ = std::min(kBaseIds, vocab);
  writer.order_.resize(vocab);
  const std::size_t chunks = tokens.size() / context;
  const std::uint32_t numbers[] = {
      static_cast<std::uint32_t>(vocab), static_cast<std::uint32_t>(context),
      static_cast<std::uint32_t>(chunks), static_cast<std::uint32_t>(writer.kept_)};
  AQ_RETURN_IF_ERROR(writer.file_.write(kMagic.data(), kMagic.size()));
  AQ_RETURN_IF_ERROR(writer.file_.write(numbers, sizeof numbers));
  AQ_RETURN_IF_ERROR(writer.file_.write(&fingerprint, sizeof fingerprint));
  AQ_RETURN_IF_ERROR(writer.file_.write(tokens.data(), chunks * context * sizeof(text::TokenId)));
  return writer;
}

Status BaseWriter::add(const Prediction& prediction) {
  std::iota(order_.begin(), order_.end(), 0u);
  const auto better = [&](std::uint32_t a, std::uint32_t b) {
    const float x = prediction.logits[a];
    const float y = prediction.logits[b];
    return x > y || (x == y && a < b);
  };
  const auto kept_end = order_.begin() + static_cast<std::ptrdiff_t>(kept_);
  if (kept_ < order_.size()) std::nth_element(order_.begin(), kept_end, order_.end(), better);
  std::sort(order_.begin(), kept_end, better);
  const float next = static_cast<float>(prediction.logprob(prediction.next));
  std::vector<float> logprobs;
  for (auto id = order_.begin(); id != kept_end; ++id)
    logprobs.push_back(static_cast<float>(prediction.logprob(static_cast<text::TokenId>(*id))));
  AQ_RETURN_IF_ERROR(file_.write(&next, sizeof next));
  AQ_RETURN_IF_ERROR(file_.write(order_.data(), kept_ * sizeof(std::uint32_t)));
  return file_.write(logprobs.data(), kept_ * sizeof(float));
}

Status BaseWriter::finish() {
  return file_.finish();
}

Result<BaseFile> BaseFile::open(const std::string& path) {
  MappedFile mapped = AQ_TRY(MappedFile::open(path));
  BaseFile file(std::move(mapped));
  const auto bytes = file.file_.bytes();
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const bool old = head.starts_with(kOldMagic);
  if (bytes.size() < kLeastBytes + (old ? 0 : 8) || !(old || head.starts_with(kMagic)))
    return make_error(Code::kCorrupt, "{} was not written by aquilon perplexity --save-base", path);
  if (!old) {
    std::uint64_t fingerprint = 0;
    std::memcpy(&fingerprint, bytes.data() + kLeastBytes, sizeof fingerprint);
    file.fingerprint_ = fingerprint;
  }
  std::uint32_t numbers[4];
  std::memcpy(numbers, bytes.data() + kMagic.size(), sizeof numbers);
  file.vocab_ = numbers[0];
  file.context_ = numbers[1];
  file.chunks_ = numbers[2];
  file.kept_ = numbers[3];
  if (file.context_ < 4 || file.kept_ == 0 || file.kept_ > file.vocab_)
    return make_error(Code::kCorrupt, "{}: context {}, {} of {} ids kept: no such run", path,
                      file.context_, file.kept_, file.vocab_);
  const CheckedSize records = CheckedSize(file.chunks_) * scored_positions(file.context_);
  const CheckedSize wanted = CheckedSize(file.chunks_) * file.context_ * 4 + file.header_bytes() +
                             records * file.record_bytes();
  if (!wanted.at_most(bytes.size()) || *wanted.value() != bytes.size())
    return make_error(Code::kCorrupt, "{} has {} bytes, which is not what {} chunks take", path,
                      bytes.size(), file.chunks_);
  file.records_ = *records.value();
  AQ_RETURN_IF_ERROR(file.check());
  return file;
}

// Every id is used as an index: none may lie outside.
Status BaseFile::check() const {
  for (std::size_t i = 0; i < records_; ++i) {
    const BaseRecord r = record(i);
    const bool ids = std::all_of(r.ids.begin(), r.ids.end(), [&](std::int32_t id) {
      return id >= 0 && static_cast<std::uint32_t>(id) < vocab_;
    });
    const auto sane = [](float x) { return std::isfinite(x) && x <= 1e-3f; };
    double mass = 0;
    for (const float logprob : r.logprobs) mass += std::exp(static_cast<double>(logprob));
    if (!ids || !sane(r.next_logprob) || mass > 1.001 ||
        !std::all_of(r.logprobs.begin(), r.logprobs.end(), sane))
      return make_error(Code::kCorrupt, "{}: record {} has an id or a probability that cannot be",
                        file_.path(), i);
  }
  return {};
}

Status BaseFile::check_same_run(std::span<const text::TokenId> tokens, std::size_t context,
                                std::size_t vocab, std::uint64_t fingerprint) const {
  if (vocab != vocab_)
    return make_error(Code::kInvalidArgument,
                      "{} was made with a vocabulary of {} tokens, this model has {}", file_.path(),
                      vocab_, vocab);
  if (context != context_)
    return make_error(Code::kInvalidArgument, "{} was made with --ctx {}, this run has {}",
                      file_.path(), context_, context);
  const std::size_t bytes = std::size_t{chunks_} * context_ * 4;
  if (tokens.size() / context != chunks_ ||
      std::memcmp(tokens.data(), file_.bytes().data() + header_bytes(), bytes) != 0)
    return make_error(Code::kInvalidArgument,
                      "{} was made from another text, or with another tokenizer", file_.path());
  if (fingerprint_.value_or(fingerprint) != fingerprint)
    return make_error(
        Code::kInvalidArgument,
        "{} was made with another model: its vocabulary is the same, its shape or its "
        "norms are not",
        file_.path());
  return {};
}

BaseRecord BaseFile::record(std::size_t i) const {
  const std::byte* at = file_.bytes().data() + header_bytes() +
                        std::size_t{chunks_} * context_ * 4 + i * record_bytes();
  const auto* next = reinterpret_cast<const float*>(at);
  const auto* ids = reinterpret_cast<const std::int32_t*>(at + 4);
  const auto* logprobs = reinterpret_cast<const float*>(at + 4 + 4 * std::size_t{kept_});
  return {*next, {ids, kept_}, {logprobs, kept_}};
}

}  // namespace aquilon::eval
