// Byte-level BPE: special tokens are cut out, the rest is cut into pieces, each piece is a token or
// is merged from its bytes.
#include <array>
#include <memory>

#include "text/bpe_tokenizer_internal.h"
#include "text/merge_reader.h"
#include "text/normal_form_internal.h"
#include "text/pretokenizer_scan_internal.h"
#include "text/whole_pieces_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 30;  // longer ones are cut

class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(BpeParts parts)
      : parts_(std::move(parts)),
        specials_(collect_specials(parts_.vocabulary, true, true)),
        whole_(parts_.vocabulary.size()) {
    for (std::size_t b = 0; b < byte_ids_.size(); ++b) {
      const char byte = static_cast<char>(b);
      byte_ids_[b] = parts_.vocabulary.find_bytes({&byte, 1});
    }
    if (!parts_.ignore_merges) return;
    for (std::size_t i = 0; i < parts_.vocabulary.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      if (parts_.vocabulary.kind(id) == TokenKind::kNormal) whole_.set_whole(id);
    }
  }

  const TokenizerTraits& traits() const override { return parts_.traits; }
  std::size_t vocab_size() const override { return parts_.vocabulary.size(); }
  TokenKind kind(TokenId id) const override { return parts_.vocabulary.kind(id); }
  std::string_view token_bytes(TokenId id) const override { return parts_.vocabulary.bytes(id); }
  TokenId find_token(std::string_view token) const override {
    return parts_.vocabulary.find_written(token);
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
  struct Output {
    std::vector<TokenId> ids;
    std::vector<TokenId> symbols;
    MergeScratch scratch;
  };

  void encode_plain(std::string_view text, Output& out) const {
    std::string normal;
    if (parts_.nfc && !is_surely_nfc(text)) {
      normal = to_nfc(text);
      text = normal;
    }
    for_each_piece(parts_.pre, text, [&](std::string_view piece) {
      for (; piece.size() > kMaxPieceBytes; piece.remove_prefix(kMaxPieceBytes)) {
        encode_piece(piece.substr(0, kMaxPieceBytes), out);
      }
      encode_piece(piece, out);
    });
  }

  void encode_piece(std::string_view piece, Output& out) const {
    const TokenId id = parts_.vocabulary.find_bytes(piece);
    if (id >= 0 && whole_.known_whole(id)) {
      out.ids.push_back(id);
      return;
    }
    const std::span<const TokenId> ids = merge(piece, out);
    if (id >= 0) whole_.learn(id, ids);
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  }

  // Bytes that have no token are left out, and what stands beside them may merge, as in
  // `tokenizers`.
  std::span<const TokenId> merge(std::string_view piece, Output& out) const {
    out.symbols.clear();
    for (const char byte : piece) {
      const TokenId id = byte_ids_[static_cast<std::uint8_t>(byte)];
      if (id >= 0) out.symbols.push_back(id);
    }
    return out.scratch.merge(out.symbols, parts_.merges);
  }

  BpeParts parts_;
  SpecialTokens specials_;
  std::array<TokenId, 256> byte_ids_;
  WholePieces whole_;
};

}  // namespace

SpecialTokens collect_specials(const Vocabulary& vocabulary, bool control, bool user_defined) {
  std::vector<SpecialTokens::Token> specials;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary.kind(id);
    const bool in_any_text = kind == TokenKind::kUserDefined;
    if (!(control && is_control(kind)) && !(user_defined && in_any_text)) continue;
    if (vocabulary.bytes(id).empty()) continue;
    specials.push_back({std::string(vocabulary.bytes(id)), id, in_any_text});
  }
  return SpecialTokens(std::move(specials));
}

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeParts parts) {
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

Result<std::unique_ptr<Tokenizer>> make_bpe_tokenizer(BpeSpec spec) {
  const PreTokenizer pre = AQ_TRY(find_pre_tokenizer(spec.pre));
  Vocabulary vocabulary = AQ_TRY(Vocabulary::make(spec.tokens, std::move(spec.kinds)));
  MergeTable merges = AQ_TRY(MergeReader(vocabulary).read(spec.merges));
  return make_bpe_tokenizer(BpeParts{std::move(vocabulary), std::move(merges), pre,
                                     spec.ignore_merges, spec.nfc, std::move(spec.traits)});
}

}  // namespace aquilon::text
