#include "text/pretokenizer.h"

#include <array>

#include "text/pretokenizer_scan_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

struct Name {
  std::string_view name;
  PreTokenizer pre;
};

// GGUF's names; those behind the first of each kind are aliases of the same pattern in llama.cpp.
constexpr Name kNames[] = {
    {"gpt-2", PreTokenizer::kGpt2},
    {"phi-2", PreTokenizer::kGpt2},
    {"mpt", PreTokenizer::kGpt2},
    {"olmo", PreTokenizer::kGpt2},
    {"jais", PreTokenizer::kGpt2},
    {"trillion", PreTokenizer::kGpt2},
    {"exaone4", PreTokenizer::kGpt2},
    {"modern-bert", PreTokenizer::kGpt2},
    {"roberta-bpe", PreTokenizer::kGpt2},
    {"gigachat", PreTokenizer::kGpt2},
    {"mellum", PreTokenizer::kGpt2},
    {"a.x-4.0", PreTokenizer::kGpt2},
    {"granite-docling", PreTokenizer::kGpt2},
    {"smollm", PreTokenizer::kSmollm},
    {"starcoder", PreTokenizer::kSmollm},
    {"refact", PreTokenizer::kSmollm},
    {"command-r", PreTokenizer::kSmollm},
    {"codeshell", PreTokenizer::kSmollm},
    {"exaone", PreTokenizer::kSmollm},
    {"minerva-7b", PreTokenizer::kSmollm},
    {"qwen2", PreTokenizer::kQwen2},
    {"deepseek-r1-qwen", PreTokenizer::kQwen2},
    {"stablelm2", PreTokenizer::kQwen2},
    {"megrez", PreTokenizer::kQwen2},
    {"hunyuan", PreTokenizer::kQwen2},
    {"solar-open", PreTokenizer::kQwen2},
    {"grok-2", PreTokenizer::kQwen2},
    {"llama-bpe", PreTokenizer::kLlamaBpe},
    {"llama3", PreTokenizer::kLlamaBpe},
    {"llama-v3", PreTokenizer::kLlamaBpe},
    {"falcon3", PreTokenizer::kLlamaBpe},
    {"falcon-h1", PreTokenizer::kLlamaBpe},
    {"pixtral", PreTokenizer::kLlamaBpe},
    {"midm-2.0", PreTokenizer::kLlamaBpe},
    {"lfm2", PreTokenizer::kLlamaBpe},
    {"qwen35", PreTokenizer::kQwen35},
    {"tekken", PreTokenizer::kTekken},
    {"llama4", PreTokenizer::kLlama4},
    {"gpt-4o", PreTokenizer::kLlama4},
    {"default", PreTokenizer::kDefault},
    {"", PreTokenizer::kDefault},
};

}  // namespace

Result<PreTokenizer> find_pre_tokenizer(std::string_view name) {
  for (const Name& n : kNames) {
    if (n.name == name) return n.pre;
  }
  return make_error(Code::kUnsupported,
                    "pre-tokenizer '{}' is not supported; we have gpt-2, smollm, qwen2, qwen35, "
                    "llama-bpe, llama4, tekken, default and their aliases",
                    name.substr(0, 100));
}

bool ignores_merges(PreTokenizer pre) {
  return pre == PreTokenizer::kLlamaBpe || pre == PreTokenizer::kTekken;
}

const char* piece_end(PreTokenizer pre, const char* p, const char* end) {
  const PieceScanner scanner(UnicodeClasses::get());
  switch (pre) {
    case PreTokenizer::kGpt2:
      return scanner.piece<PreTokenizer::kGpt2>(p, end);
    case PreTokenizer::kSmollm:
      return scanner.piece<PreTokenizer::kSmollm>(p, end);
    case PreTokenizer::kQwen2:
      return scanner.piece<PreTokenizer::kQwen2>(p, end);
    case PreTokenizer::kLlamaBpe:
      return scanner.piece<PreTokenizer::kLlamaBpe>(p, end);
    case PreTokenizer::kQwen35:
      return scanner.piece<PreTokenizer::kQwen35>(p, end);
    case PreTokenizer::kTekken:
      return scanner.piece<PreTokenizer::kTekken>(p, end);
    case PreTokenizer::kLlama4:
      return scanner.piece<PreTokenizer::kLlama4>(p, end);
    case PreTokenizer::kDefault:
      break;
  }
  return scanner.piece<PreTokenizer::kDefault>(p, end);
}

}  // namespace aquilon::text
