#include "text/piece_tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "text/bpe_tokenizer_internal.h"  // collect_specials
#include "text/piece_cutter_internal.h"
#include "text/piece_normalizer.h"
#include "text/piece_symbols_internal.h"
#include "text/ranked_merges.h"
#include "text/unigram.h"
#include "text/whole_pieces_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kMaxWordBytes = std::size_t{1} << 30;  // longer ones are cut

// Everything that encoding reads.
struct Parts {
  std::unique_ptr<const Vocabulary> vocabulary;
  ByteTokens bytes;
  PieceSymbols symbols;
  MergeTable merges{0};                 // of BPE
  std::optional<UnigramModel> unigram;  // else BPE
  PieceNormalizer normalizer;
  SpecialTokens specials;  // matched in the text as it came
  SpecialTokens frozen;    // user-defined ones, matched in the normalised text
  WordCutter cutter;
  TokenId unknown;
  bool fuse_unknown;
  SpaceInFront space;
  std::vector<TextStep> steps;
  bool json_unigram;  // words one by one, as tokenizers cut them
  bool words_at_spaces;
  TokenizerTraits traits;
};

class PieceTokenizer final : public Tokenizer {
 public:
  explicit PieceTokenizer(Parts parts)
      : parts_(std::move(parts)), whole_(parts_.vocabulary->size()) {}

  const TokenizerTraits& traits() const override { return parts_.traits; }
  std::size_t vocab_size() const override { return parts_.vocabulary->size(); }
  TokenKind kind(TokenId id) const override { return parts_.vocabulary->kind(id); }
  std::string_view token_bytes(TokenId id) const override { return parts_.vocabulary->bytes(id); }

  TokenId find_token(std::string_view token) const override {
    if (const int byte = byte_of_token(token); byte >= 0) {
      if (const TokenId id = parts_.bytes[static_cast<std::size_t>(byte)]; id >= 0) return id;
    }
    std::string text;
    append_with_spaces(token, text);
    const TokenId id = parts_.vocabulary->find_written(text);
    return id >= 0 ? id : parts_.vocabulary->find_written(token);
  }

  std::vector<TokenId> encode(std::string_view text,
                              std::span<const ByteRange> trusted) const override {
    Output out;
    out.ids.reserve(text.size() / 4 + 8);
    std::size_t begin = 0;
    if (parts_.specials.any_for_untrusted() || !trusted.empty()) {
      for (const SpecialTokens::Match& match : parts_.specials.find(text, trusted)) {
        encode_stretch(text.substr(begin, match.begin - begin), begin == 0, out);
        out.ids.push_back(match.id);
        begin = match.end;
      }
    }
    encode_stretch(text.substr(begin), begin == 0, out);
    return std::move(out.ids);
  }

 private:
  struct Output {
    std::vector<TokenId> ids;
    std::string normal;
    std::vector<TokenId> symbols;
    std::vector<UnigramModel::Piece> pieces;
    MergeScratch scratch;
    bool after_unknown = false;  // the last id is the unknown token
  };

  bool wants_space(std::string_view text, bool first) const {
    const bool there = text.starts_with(' ') || text.starts_with("\xE2\x96\x81");
    switch (parts_.space) {
      case SpaceInFront::kNever:
        return false;
      case SpaceInFront::kEverywhere:
        return true;
      case SpaceInFront::kUnlessThere:
        return !there;
      case SpaceInFront::kAtStart:
        return first && !there;
    }
    return false;
  }

  // Text between special tokens.
  void encode_stretch(std::string_view text, bool first, Output& out) const {
    out.after_unknown = false;
    std::string changed;
    for (const TextStep& step : parts_.steps) {
      if (text.empty()) break;
      changed = step(text);
      text = changed;
    }
    if (text.empty()) return;
    out.normal.clear();
    parts_.normalizer.append(text, wants_space(text, first), out.normal);
    if (parts_.json_unigram) return encode_json_words(out.normal, out);
    if (parts_.unigram) return encode_unigram(out.normal, out);
    const std::string_view normal = out.normal;
    std::size_t begin = 0;
    if (parts_.frozen.any_for_untrusted()) {
      for (const SpecialTokens::Match& match : parts_.frozen.find_leftmost(normal)) {
        encode_words(normal.substr(begin, match.begin - begin), out);
        emit(match.id, out);
        begin = match.end;
      }
    }
    encode_words(normal.substr(begin), out);
  }

  void encode_unigram(std::string_view text, Output& out) const {
    out.pieces.clear();
    parts_.unigram->cut(text, out.pieces);
    for (const UnigramModel::Piece& piece : out.pieces) {
      if (piece.id == UnigramModel::kUnknown) {
        emit_unknown(text.substr(0, piece.bytes), out);
      } else {
        emit(piece.id, out);
      }
      text.remove_prefix(piece.bytes);
    }
  }

  // As tokenizers do it: word by word, and what has no piece is fused before its bytes are asked.
  void encode_json_words(std::string_view text, Output& out) const {
    while (!text.empty()) {
      const std::size_t end = parts_.words_at_spaces ? parts_.cutter.word_end(text) : text.size();
      encode_json_word(text.substr(0, end), out);
      text.remove_prefix(end);
    }
  }

  void encode_json_word(std::string_view word, Output& out) const {
    out.pieces.clear();
    parts_.unigram->cut(word, out.pieces);
    std::size_t unknown = 0;  // bytes at the front of `word`
    for (const UnigramModel::Piece& piece : out.pieces) {
      if (piece.id == UnigramModel::kUnknown) {
        unknown += piece.bytes;
        continue;
      }
      if (unknown > 0) emit_json_unknown(word.substr(0, unknown), out);
      word.remove_prefix(unknown + piece.bytes);
      unknown = 0;
      emit(piece.id, out);
    }
    if (unknown > 0) emit_json_unknown(word, out);
  }

  void emit_json_unknown(std::string_view bytes, Output& out) const {
    std::string written;  // with "▁" again
    for (const char c : bytes) {
      if (c == ' ')
        written += "\xE2\x96\x81";
      else
        written += c;
    }
    out.after_unknown = false;
    emit_unknown(written, out);
  }

  void encode_words(std::string_view text, Output& out) const {
    while (!text.empty()) {
      const std::size_t end = std::min(parts_.cutter.word_end(text), kMaxWordBytes);
      encode_word(text.substr(0, end), out);
      text.remove_prefix(end);
    }
  }

  void encode_word(std::string_view word, Output& out) const {
    const TokenId id = parts_.vocabulary->find_bytes(word);
    if (id >= 0 && whole_.known_whole(id)) return emit(id, out);
    const std::span<const TokenId> ids = merge(word, out);
    if (id >= 0 && kind(id) == TokenKind::kNormal) whole_.learn(id, ids);
    for (const TokenId piece : ids) {
      const std::size_t size = parts_.symbols.bytes_of(piece, word);
      emit_symbol(piece, word.substr(0, size), out);
      word.remove_prefix(size);
    }
  }

  std::span<const TokenId> merge(std::string_view word, Output& out) const {
    out.symbols.clear();
    parts_.symbols.split(word, [&](TokenId id, std::size_t) { out.symbols.push_back(id); });
    return out.scratch.merge(out.symbols, parts_.merges);
  }

  void emit_symbol(TokenId id, std::string_view bytes, Output& out) const {
    if (!parts_.symbols.is_token(id)) return emit_unknown(bytes, out);
    if (kind(id) == TokenKind::kUnused) return emit_unused(id, out);
    emit(id, out);
  }

  void emit(TokenId id, Output& out) const {
    out.ids.push_back(id);
    out.after_unknown = false;
  }

  // Byte tokens, or the unknown token.
  void emit_unknown(std::string_view bytes, Output& out) const {
    const bool all = std::all_of(bytes.begin(), bytes.end(), [&](char byte) {
      return parts_.bytes[static_cast<std::uint8_t>(byte)] >= 0;
    });
    if (all) {
      for (const char byte : bytes) emit(parts_.bytes[static_cast<std::uint8_t>(byte)], out);
    } else if (parts_.unknown >= 0 && !out.after_unknown) {
      emit(parts_.unknown, out);
      out.after_unknown = parts_.fuse_unknown;
    }
  }

  // A token that texts must not have: what it was joined from, in turn. Rare.
  void emit_unused(TokenId id, Output& out) const {
    const std::string_view bytes = parts_.vocabulary->bytes(id);
    std::vector<TokenId> halves;
    parts_.symbols.split(bytes, [&](TokenId symbol, std::size_t) { halves.push_back(symbol); });
    constexpr std::size_t kLongest = 64;  // symbols: what follows costs their square
    if (halves.size() < 2 || halves.size() > kLongest) return emit(id, out);
    merge_without(id, halves);
    std::string_view rest = bytes;
    for (const TokenId half : halves) {
      const std::size_t size = parts_.symbols.bytes_of(half, rest);
      emit_symbol(half, rest.substr(0, size), out);
      rest.remove_prefix(size);
    }
  }

  // Joins as the merges say, but never to `barred`.
  void merge_without(TokenId barred, std::vector<TokenId>& ids) const {
    while (true) {
      MergeTable::Rule best;
      std::size_t at = 0;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        const MergeTable::Rule rule = parts_.merges.find(ids[i], ids[i + 1]);
        if (rule.rank >= best.rank || rule.joined == barred) continue;
        best = rule;
        at = i;
      }
      if (best.rank == MergeTable::kNoRule) return;
      ids[at] = best.joined;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
  }

  Parts parts_;
  WholePieces whole_;
};

Status check_scores(const PieceSpec& spec) {
  if (spec.has_merges || !spec.json_scores.empty()) return {};
  if (spec.scores.size() != spec.tokens.size()) {
    return make_error(Code::kCorrupt, "the vocabulary has {} tokens but {} scores",
                      spec.tokens.size(), spec.scores.size());
  }
  for (std::size_t i = 0; i < spec.scores.size(); ++i) {
    if (std::isfinite(spec.scores[i])) continue;
    return make_error(Code::kCorrupt, "token {} has the score {}", i, spec.scores[i]);
  }
  return {};
}

// The bytes that tokens stand for.
Result<Vocabulary> make_vocabulary(PieceSpec& spec) {
  std::vector<std::string> bytes(spec.tokens.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const TokenKind kind = i < spec.kinds.size() ? spec.kinds[i] : TokenKind::kNormal;
    const int byte = kind == TokenKind::kByte ? byte_of_token(spec.tokens[i]) : -1;
    if (kind == TokenKind::kByte && byte < 0) {
      return make_error(Code::kCorrupt, "byte token {} is written '{}', not like <0x0A>", i,
                        std::string_view(spec.tokens[i]).substr(0, 100));
    }
    if (byte >= 0) {
      bytes[i].push_back(static_cast<char>(byte));
    } else if (is_control(kind)) {
      bytes[i] = spec.tokens[i];
    } else {
      append_with_spaces(spec.tokens[i], bytes[i]);
    }
  }
  return Vocabulary::make(bytes, spec.kinds, TokenForm::kBytes);
}

MergeTable merges_by_score(const PieceSpec& spec, const Vocabulary& vocabulary,
                           const PieceSymbols& symbols) {
  std::vector<TokenId> order;
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary.kind(id);
    if (kind == TokenKind::kNormal || kind == TokenKind::kUnused) order.push_back(id);
  }
  const auto score = [&](TokenId id) { return spec.scores[static_cast<std::size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](TokenId a, TokenId b) { return score(a) > score(b); });
  RankedMerges merges(
      vocabulary,
      [&](std::string_view bytes, std::vector<RankedMerges::Symbol>& out) {
        symbols.split(bytes, [&](TokenId id, std::size_t end) {
          out.push_back({id, static_cast<std::uint32_t>(end)});
        });
      },
      order.size());
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && score(order[i]) != score(order[i - 1])) ++rank;
    merges.add(order[i], rank);
  }
  return merges.finish();
}

Result<MergeTable> listed_merges(const PieceSpec& spec, const Vocabulary& vocabulary) {
  MergeTable table(spec.merges.size());
  std::string left, right;
  for (std::size_t i = 0; i < spec.merges.size(); ++i) {
    left.clear();
    right.clear();
    append_with_spaces(spec.merges[i].first, left);
    append_with_spaces(spec.merges[i].second, right);
    const TokenId ids[] = {vocabulary.find_written(left), vocabulary.find_written(right),
                           vocabulary.find_written(left + right)};
    if (*std::min_element(std::begin(ids), std::end(ids)) < 0) {
      return make_error(Code::kCorrupt,
                        "merge {} ('{}' and '{}') has a token that is not in the vocabulary", i,
                        left.substr(0, 100), right.substr(0, 100));
    }
    const bool control = std::any_of(std::begin(ids), std::end(ids),
                                     [&](TokenId id) { return is_control(vocabulary.kind(id)); });
    if (!control) table.insert(ids[0], ids[1], {static_cast<std::uint32_t>(i), ids[2]});
  }
  return table;
}

Status check_unigram(const Vocabulary& vocabulary) {
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const std::string_view piece = vocabulary.bytes(static_cast<TokenId>(i));
    if (piece.size() <= UnigramModel::kMaxPieceBytes) continue;
    return make_error(Code::kUnsupported, "token {} has {} bytes; in a unigram model we take {}", i,
                      piece.size(), UnigramModel::kMaxPieceBytes);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_piece_tokenizer(PieceSpec spec) {
  AQ_RETURN_IF_ERROR(check_scores(spec));
  auto owner = std::make_unique<const Vocabulary>(AQ_TRY(make_vocabulary(spec)));
  const Vocabulary& vocabulary = *owner;
  Charsmap charsmap = AQ_TRY(Charsmap::parse(spec.charsmap));
  PieceSymbols symbols(vocabulary);
  MergeTable merges(0);
  std::optional<UnigramModel> unigram;
  if (spec.model == PieceSpec::Model::kUnigram) {
    AQ_RETURN_IF_ERROR(check_unigram(vocabulary));
    if (spec.json_scores.empty())
      unigram.emplace(vocabulary, spec.scores);
    else
      unigram.emplace(vocabulary, spec.tokens, spec.json_scores);
  } else if (spec.has_merges) {
    merges = AQ_TRY(listed_merges(spec, vocabulary));
  } else {
    merges = merges_by_score(spec, vocabulary, symbols);
  }
  spec.traits.space_in_front = spec.space != SpaceInFront::kNever;
  const ByteTokens bytes = spec.byte_fallback ? byte_tokens(vocabulary) : no_byte_tokens();
  SpecialTokens specials = collect_specials(vocabulary, true, spec.user_defined_in_text);
  SpecialTokens frozen = collect_specials(vocabulary, false, !spec.user_defined_in_text);
  WordCutter cutter(vocabulary, spec.cut_before_spaces, spec.cut_at_newlines);
  return std::unique_ptr<Tokenizer>(std::make_unique<PieceTokenizer>(
      Parts{std::move(owner), bytes, std::move(symbols), std::move(merges), std::move(unigram),
            PieceNormalizer(std::move(charsmap), spec.remove_extra_spaces), std::move(specials),
            std::move(frozen), std::move(cutter), spec.unknown, spec.fuse_unknown, spec.space,
            std::move(spec.steps), !spec.json_scores.empty(), spec.cut_before_spaces,
            std::move(spec.traits)}));
}

}  // namespace aquilon::text
