// Speed of the tokenizer. With AQUILON_BENCH_TOKENIZER (a tokenizer file) and AQUILON_BENCH_TEXT (a
// text, encoded in documents of 16 KiB) on those, else on the small vocabulary of the tests.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "text/tokenizer.h"

namespace aquilon::text {
namespace {

constexpr std::size_t kDocumentBytes = 16 * 1024;

std::string setting(const char* name, const char* otherwise) {
  const char* const set = std::getenv(name);
  return set && *set ? set : std::string(AQUILON_SOURCE_DIR) + otherwise;
}

const std::string& tokenizer_bytes() {
  static const std::string bytes =
      read_file(
          setting("AQUILON_BENCH_TOKENIZER", "/tests/data/tokenizers/small-bpe/tokenizer.json"))
          .value();
  return bytes;
}

const Tokenizer& tokenizer() {
  static const std::unique_ptr<Tokenizer> made =
      std::move(read_tokenizer_file(tokenizer_bytes())).value();
  return *made;
}

// Cut so that no character is split; the last document may be shorter.
std::vector<std::string_view> documents(std::string_view text) {
  std::vector<std::string_view> cut;
  while (!text.empty()) {
    std::size_t end = std::min(kDocumentBytes, text.size());
    while (end < text.size() && (text[end] & 0xC0) == 0x80) --end;
    cut.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return cut;
}

void encode_text(benchmark::State& state) {
  const std::string text =
      read_file(setting("AQUILON_BENCH_TEXT", "/tests/data/tokenizers/pieces.jsonl")).value();
  const auto cut = documents(text);
  const Tokenizer& t = tokenizer();  // made outside the measurement
  std::size_t ids = 0;
  for (auto _ : state) {
    ids = 0;
    for (const std::string_view document : cut) ids += t.encode(document).size();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
  state.counters["ids"] = static_cast<double>(ids);
}
BENCHMARK(encode_text)->Unit(benchmark::kMillisecond);

void encode_hostile(benchmark::State& state, const char* unit) {
  std::string text;
  while (text.size() < (1 << 20)) text += unit;
  const Tokenizer& t = tokenizer();
  for (auto _ : state) benchmark::DoNotOptimize(t.encode(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK_CAPTURE(encode_hostile, letter, "a")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_hostile, space, " ")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_hostile, digit, "7")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_hostile, newline, "\n")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_hostile, mark, "\u0301")->Unit(benchmark::kMillisecond);

void load_file(benchmark::State& state) {
  const std::string& bytes = tokenizer_bytes();
  for (auto _ : state) benchmark::DoNotOptimize(read_tokenizer_file(bytes));
}
BENCHMARK(load_file)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace aquilon::text
