// SentencePiece's .model file: a protocol buffer message (sentencepiece_model.proto).
#include "text/piece_tokenizer.h"
#include "text/protobuf_reader_internal.h"
#include "text/tokenizer_tables_internal.h"
#include "text/vocabulary.h"  // is_control

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kMaxFileBytes = 128u << 20;

// What the messages TrainerSpec and NormalizerSpec say, with their defaults.
struct Settings {
  std::uint64_t model_type = 1;  // 1 unigram, 2 BPE, 3 words, 4 characters
  bool space_as_suffix = false;
  bool byte_fallback = false;
  std::string_view bos = "<s>";
  std::string_view eos = "</s>";
  std::string_view charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_spaces = true;
  bool escape_spaces = true;
};

Error unsupported(std::string_view what) {
  return make_error(Code::kUnsupported, "{} is not supported; we read BPE and unigram models",
                    what);
}

Status expect(const ProtobufField& field, WireType type) {
  if (field.type == type) return {};
  return make_error(Code::kCorrupt, "field {} has the wrong wire type", field.number);
}

Status read_piece(std::string_view message, PieceSpec& spec) {
  std::string_view piece;
  float score = 0;
  std::uint64_t kind = 1;
  for (ProtobufReader reader(message); !reader.at_end();) {
    const ProtobufField field = AQ_TRY(reader.next());
    if (field.number == 1) {
      AQ_RETURN_IF_ERROR(expect(field, WireType::kBytes));
      piece = field.bytes;
    } else if (field.number == 2) {
      AQ_RETURN_IF_ERROR(expect(field, WireType::kFixed32));
      score = field.real();
    } else if (field.number == 3) {
      AQ_RETURN_IF_ERROR(expect(field, WireType::kVarint));
      kind = field.value;
    }
  }
  const std::size_t id = spec.tokens.size();
  if (piece.empty()) return make_error(Code::kCorrupt, "piece {} is empty", id);
  if (kind < 1 || kind > 6) return make_error(Code::kCorrupt, "piece {} has the type {}", id, kind);
  // Spaces become "▁" before text is matched: a piece with a bare one is in no text.
  const bool bare_space =
      piece.find(' ') != piece.npos && !is_control(static_cast<TokenKind>(kind));
  spec.tokens.emplace_back(bare_space ? std::string_view{} : piece);
  spec.scores.push_back(score);
  spec.kinds.push_back(static_cast<TokenKind>(kind));
  if (kind != static_cast<std::uint64_t>(TokenKind::kUnknown)) return {};
  if (spec.unknown >= 0) {
    return make_error(Code::kCorrupt, "pieces {} and {} are both the unknown one", spec.unknown,
                      id);
  }
  spec.unknown = static_cast<TokenId>(id);
  return {};
}

Status read_trainer(std::string_view message, Settings& settings) {
  for (ProtobufReader reader(message); !reader.at_end();) {
    const ProtobufField field = AQ_TRY(reader.next());
    const bool number = field.number == 3 || field.number == 24 || field.number == 35;
    const bool text = field.number == 46 || field.number == 47;
    if (number) AQ_RETURN_IF_ERROR(expect(field, WireType::kVarint));
    if (text) AQ_RETURN_IF_ERROR(expect(field, WireType::kBytes));
    if (field.number == 3) settings.model_type = field.value;
    if (field.number == 24) settings.space_as_suffix = field.flag();
    if (field.number == 35) settings.byte_fallback = field.flag();
    if (field.number == 46) settings.bos = field.bytes;
    if (field.number == 47) settings.eos = field.bytes;
  }
  return {};
}

Status read_normalizer(std::string_view message, Settings& settings) {
  for (ProtobufReader reader(message); !reader.at_end();) {
    const ProtobufField field = AQ_TRY(reader.next());
    const bool flag = field.number >= 3 && field.number <= 5;
    if (flag) AQ_RETURN_IF_ERROR(expect(field, WireType::kVarint));
    if (field.number == 2) AQ_RETURN_IF_ERROR(expect(field, WireType::kBytes));
    if (field.number == 2) settings.charsmap = field.bytes;
    if (field.number == 3) settings.add_dummy_prefix = field.flag();
    if (field.number == 4) settings.remove_extra_spaces = field.flag();
    if (field.number == 5) settings.escape_spaces = field.flag();
  }
  return {};
}

TokenId control_token(const PieceSpec& spec, std::string_view written) {
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    if (spec.kinds[i] == TokenKind::kControl && spec.tokens[i] == written) {
      return static_cast<TokenId>(i);
    }
  }
  return -1;
}

// The version of Mistral's format that the control tokens of its files show. Version 1 has none of
// its own: such a file is like any other with "<s>".
std::string mistral_version(const PieceSpec& spec) {
  const auto has = [&](std::string_view token) { return control_token(spec, token) >= 0; };
  if (!has("[INST]") || !has("[TOOL_CALLS]") || !has("[AVAILABLE_TOOLS]")) return {};
  if (has("[SYSTEM_PROMPT]")) return "v7";
  return has("[PREFIX]") ? "v3" : "v2";
}

Status apply(const Settings& settings, PieceSpec& spec) {
  if (settings.model_type != 1 && settings.model_type != 2) {
    return unsupported(
        fmt::format("a model of words or characters (type {})", settings.model_type));
  }
  if (settings.space_as_suffix) return unsupported("a space behind words");
  if (!settings.escape_spaces) return unsupported("a vocabulary with bare spaces");
  if (spec.unknown < 0) return make_error(Code::kCorrupt, "no piece is the unknown one");
  spec.model = settings.model_type == 2 ? PieceSpec::Model::kBpe : PieceSpec::Model::kUnigram;
  spec.byte_fallback = settings.byte_fallback;
  spec.space = settings.add_dummy_prefix ? SpaceInFront::kEverywhere : SpaceInFront::kNever;
  spec.remove_extra_spaces = settings.remove_extra_spaces;
  spec.charsmap = settings.charsmap;
  spec.traits.bos = control_token(spec, settings.bos);
  spec.traits.adds_bos = spec.traits.bos >= 0;  // as transformers takes it
  spec.traits.eos = control_token(spec, settings.eos);
  spec.traits.mistral_version = mistral_version(spec);
  return {};
}

// Pieces behind the limit are no part of the model, the unknown one excepted: apply() misses it.
void leave_out(std::size_t max_tokens, PieceSpec& spec) {
  if (spec.tokens.size() <= max_tokens) return;
  spec.traits.left_out = spec.tokens.size() - max_tokens;
  spec.tokens.resize(max_tokens);
  spec.kinds.resize(max_tokens);
  spec.scores.resize(max_tokens);
  if (static_cast<std::size_t>(std::max(spec.unknown, 0)) >= max_tokens) spec.unknown = -1;
}

Result<PieceSpec> read_model(std::string_view bytes, std::size_t max_tokens) {
  PieceSpec spec;
  Settings settings;
  for (ProtobufReader reader(bytes); !reader.at_end();) {
    const ProtobufField field = AQ_TRY(reader.next());
    if (field.number > 3) continue;
    AQ_RETURN_IF_ERROR(expect(field, WireType::kBytes));
    if (field.number == 1) AQ_RETURN_IF_ERROR(read_piece(field.bytes, spec));
    if (field.number == 2) AQ_RETURN_IF_ERROR(read_trainer(field.bytes, settings));
    if (field.number == 3) AQ_RETURN_IF_ERROR(read_normalizer(field.bytes, settings));
  }
  leave_out(max_tokens, spec);
  AQ_RETURN_IF_ERROR(apply(settings, spec));
  return spec;
}

}  // namespace

Result<PieceSpec> read_sentencepiece_spec(std::string_view bytes, std::size_t max_tokens) {
  if (bytes.size() > kMaxFileBytes) {
    return make_error(Code::kCorrupt, "the SentencePiece model has {} bytes, more than {}",
                      bytes.size(), kMaxFileBytes);
  }
  auto spec = read_model(bytes, max_tokens);
  if (!spec.ok()) return std::move(spec).error().with_context("the SentencePiece model");
  return spec;
}

Result<std::unique_ptr<Tokenizer>> read_sentencepiece(std::string_view bytes,
                                                      std::size_t max_tokens) {
  PieceSpec spec = AQ_TRY(read_sentencepiece_spec(bytes, max_tokens));
  auto made = make_piece_tokenizer(std::move(spec));
  if (!made.ok()) return std::move(made).error().with_context("the SentencePiece model");
  return made;
}

}  // namespace aquilon::text
