// Byte-level BPE: special tokens are cut out, the rest is cut into pieces, each piece is a token or
// is merged from its bytes.
#include <array>
#include <atomic>
#include <memory>

#include "text/bpe_merge.h"
#include "text/merge_reader.h"
#include "text/pretokenizer_scan_internal.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 30;  // longer ones are cut

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
  MergeTable merges = AQ_TRY(MergeReader(vocabulary).read(spec.merges));
  SpecialTokens specials = collect_specials(vocabulary);
  return std::unique_ptr<Tokenizer>(std::make_unique<BpeTokenizer>(
      std::move(vocabulary), std::move(merges), std::move(specials), pre, spec.ignore_merges));
}

}  // namespace aquilon::text
