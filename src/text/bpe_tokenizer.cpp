// Byte-level BPE: special tokens are cut out, the rest is cut into pieces, each piece is a token or
// is merged from its bytes.
#include <array>
#include <atomic>
#include <memory>

#include "text/bpe_merge.h"
#include "text/pretokenizer_scan_internal.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 30;  // longer ones are cut

bool is_control(TokenKind kind) {
  return kind == TokenKind::kControl || kind == TokenKind::kUnknown;
}

std::string_view shown(std::string_view merge) {
  return merge.substr(0, 100);
}

// Enters the merges of a file into a table, one by one, best first.
class MergeReader {
 public:
  MergeReader(const Vocabulary& vocabulary, std::size_t merges)
      : vocabulary_(vocabulary), table_(merges) {}

  // "left right". There is no rule where a part or the result is a control token: only special
  // matching may produce those.
  Status add(std::string_view merge) {
    const std::uint32_t rank = rank_++;
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      return make_error(Code::kCorrupt, "merge {} ('{}') is not two tokens with a space between",
                        rank, shown(merge));
    }
    const std::string_view left_form = merge.substr(0, space);
    const std::string_view right_form = merge.substr(space + 1);
    const TokenId left = vocabulary_.find_written(left_form, left_);
    const TokenId right = vocabulary_.find_written(right_form, right_);
    const TokenId joined = find_joined(left_form, right_form);
    for (const auto& [id, what] : {std::pair{left, "left"}, {right, "right"}, {joined, "joined"}}) {
      if (id >= 0) continue;
      return make_error(Code::kCorrupt, "merge {} ('{}'): its {} token is not in the vocabulary",
                        rank, shown(merge), what);
    }
    const bool control = is_control(vocabulary_.kind(left)) ||
                         is_control(vocabulary_.kind(right)) ||
                         is_control(vocabulary_.kind(joined));
    if (!control) table_.insert(left, right, {rank, joined});
    return {};
  }

  MergeTable take() { return std::move(table_); }

 private:
  // Vocabularies list their tokens in the order of the merges that first make them, so the token is
  // nearly always the one behind the last, or the last again.
  TokenId find_joined(std::string_view left_form, std::string_view right_form) {
    if (!left_.empty() && !right_.empty()) {  // both in the alphabet
      left_ += right_;
      for (const TokenId guess : {next_, next_ - 1}) {
        if (vocabulary_.bytes(guess) == left_ && !vocabulary_.is_plain(guess)) {
          next_ = guess + 1;
          return guess;
        }
      }
    }
    left_.assign(left_form).append(right_form);
    const TokenId id = vocabulary_.find_written(left_, right_);
    next_ = id + 1;
    return id;
  }

  const Vocabulary& vocabulary_;
  MergeTable table_;
  std::uint32_t rank_ = 0;
  TokenId next_ = 0;  // the guess
  std::string left_;  // bytes of the left token
  std::string right_;
};

class BpeTokenizer final : public Tokenizer {
 public:
  BpeTokenizer(Vocabulary vocabulary, MergeTable merges, SpecialTokens specials, PreTokenizer pre,
               bool ignore_merges)
      : vocabulary_(std::move(vocabulary)),
        merges_(std::move(merges)),
        specials_(std::move(specials)),
        whole_(std::make_unique<std::atomic<Whole>[]>(vocabulary_.size())),
        pre_(pre) {
    for (std::size_t b = 0; b < byte_ids_.size(); ++b) {
      const char byte = static_cast<char>(b);
      byte_ids_[b] = vocabulary_.find_bytes({&byte, 1});
    }
    if (!ignore_merges) return;
    for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
      if (vocabulary_.kind(static_cast<TokenId>(i)) == TokenKind::kNormal) whole_[i] = Whole::kYes;
    }
  }

  std::size_t vocab_size() const override { return vocabulary_.size(); }
  TokenKind kind(TokenId id) const override { return vocabulary_.kind(id); }
  std::string_view token_bytes(TokenId id) const override { return vocabulary_.bytes(id); }
  TokenId find_token(std::string_view token) const override {
    return vocabulary_.find_written(token);
  }

  std::vector<TokenId> encode(std::string_view text,
                              std::span<const ByteRange> trusted) const override {
    Output out;
    out.ids.reserve(text.size() / 4 + 8);
    std::size_t begin = 0;
    if (specials_.any_for_untrusted() || !trusted.empty()) {
      for (const SpecialTokens::Match& match : specials_.find(text, trusted)) {
        encode_plain(text.substr(begin, match.begin - begin), out);
        out.ids.push_back(match.id);
        begin = match.end;
      }
    }
    encode_plain(text.substr(begin), out);
    return std::move(out.ids);
  }

 private:
  // Whether the merges make exactly this token out of its bytes. Found out when it is first needed:
  // for all tokens at once it would cost more than the rest of loading.
  enum class Whole : std::uint8_t { kUnknown, kYes, kNo };

  struct Output {
    std::vector<TokenId> ids;
    std::vector<TokenId> symbols;
    MergeScratch scratch;
  };

  void encode_plain(std::string_view text, Output& out) const {
    for_each_piece(pre_, text, [&](std::string_view piece) {
      for (; piece.size() > kMaxPieceBytes; piece.remove_prefix(kMaxPieceBytes)) {
        encode_piece(piece.substr(0, kMaxPieceBytes), out);
      }
      encode_piece(piece, out);
    });
  }

  void encode_piece(std::string_view piece, Output& out) const {
    const TokenId id = vocabulary_.find_bytes(piece);
    if (id < 0) {
      append(merge(piece, out), out.ids);
      return;
    }
    std::atomic<Whole>& whole = whole_[static_cast<std::size_t>(id)];
    Whole known = whole.load(std::memory_order_relaxed);
    if (known == Whole::kYes) {
      out.ids.push_back(id);
      return;
    }
    const std::span<const TokenId> ids = merge(piece, out);
    if (known == Whole::kUnknown) {
      known = ids.size() == 1 && ids[0] == id ? Whole::kYes : Whole::kNo;
      whole.store(known, std::memory_order_relaxed);
    }
    append(ids, out.ids);
  }

  // Bytes that have no token are left out, and what stands beside them may merge, as in
  // `tokenizers`.
  std::span<const TokenId> merge(std::string_view piece, Output& out) const {
    out.symbols.clear();
    for (const char byte : piece) {
      const TokenId id = byte_ids_[static_cast<std::uint8_t>(byte)];
      if (id >= 0) out.symbols.push_back(id);
    }
    return out.scratch.merge(out.symbols, merges_);
  }

  static void append(std::span<const TokenId> ids, std::vector<TokenId>& out) {
    out.insert(out.end(), ids.begin(), ids.end());
  }

  Vocabulary vocabulary_;
  MergeTable merges_;
  SpecialTokens specials_;
  std::array<TokenId, 256> byte_ids_;
  std::unique_ptr<std::atomic<Whole>[]> whole_;
  PreTokenizer pre_;
};

SpecialTokens collect_specials(const Vocabulary& vocabulary) {
  std::vector<SpecialTokens::Token> specials;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary.kind(id);
    if (!is_control(kind) && kind != TokenKind::kUserDefined) continue;
    if (vocabulary.bytes(id).empty()) continue;
    specials.push_back({std::string(vocabulary.bytes(id)), id, kind == TokenKind::kUserDefined});
  }
  return SpecialTokens(std::move(specials));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_bpe_tokenizer(BpeSpec spec) {
  const PreTokenizer pre = AQ_TRY(find_pre_tokenizer(spec.pre));
  Vocabulary vocabulary = AQ_TRY(Vocabulary::make(spec.tokens, std::move(spec.kinds)));
  if (spec.merges.size() >= MergeTable::kNoRule) {
    return make_error(Code::kCorrupt, "the vocabulary has {} merges, more than 2^32 - 2",
                      spec.merges.size());
  }
  MergeReader merges(vocabulary, spec.merges.size());
  for (const std::string& merge : spec.merges) AQ_RETURN_IF_ERROR(merges.add(merge));
  SpecialTokens specials = collect_specials(vocabulary);
  return std::unique_ptr<Tokenizer>(std::make_unique<BpeTokenizer>(
      std::move(vocabulary), merges.take(), std::move(specials), pre, spec.ignore_merges));
}

}  // namespace aquilon::text
