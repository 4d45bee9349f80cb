#include "apps/schema_checker.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "apps/model_options.h"
#include "model/tokenizer_loader.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

}  // namespace

std::vector<text::TokenId> CheckedTokens::encode(std::string_view text) const {
  if (tokenizer != nullptr) return tokenizer->encode(text);
  std::vector<text::TokenId> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

Result<CheckedTokens> load_checked_tokens(const std::string& name_or_path) {
  CheckedTokens tokens;
  if (name_or_path.empty()) {
    std::vector<std::string> bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
    bytes.emplace_back();
    tokens.vocabulary = AQ_TRY(constraint::Vocabulary::make(std::move(bytes), {256}));
    return tokens;
  }
  std::error_code ec;
  const bool is_file = std::filesystem::is_regular_file(name_or_path, ec);
  const std::string path = is_file ? name_or_path : AQ_TRY(resolve_model(name_or_path));
  tokens.tokenizer = AQ_TRY(model::open_tokenizer(path));
  tokens.vocabulary =
      AQ_TRY(constraint::Vocabulary::of(*tokens.tokenizer, {tokens.tokenizer->traits().eos}));
  return tokens;
}

SchemaChecker::SchemaChecker(CheckedTokens tokens, std::uint64_t split_seed,
                             constraint::GrammarOptions options)
    : tokens_(std::move(tokens)),
      splits_(split_seed != 0),
      options_(options),
      random_(split_seed),
      mask_(tokens_.vocabulary->mask_words()) {}

// Each token cut in two with a chance of one in ten, where both halves are tokens.
std::vector<text::TokenId> SchemaChecker::split(const std::vector<text::TokenId>& ids) {
  std::vector<text::TokenId> out;
  for (const text::TokenId id : ids) {
    const std::string_view bytes = tokens_.vocabulary->bytes(id);
    if (bytes.size() > 1 && random_() % 10 == 0) {
      const std::size_t at = 1 + random_() % (bytes.size() - 1);
      const auto head = tokens_.encode(bytes.substr(0, at)),
                 tail = tokens_.encode(bytes.substr(at));
      std::string again;
      for (const auto& part : {head, tail})
        for (const text::TokenId piece : part) again += tokens_.vocabulary->bytes(piece);
      if (again == bytes) {
        out.insert(out.end(), head.begin(), head.end());
        out.insert(out.end(), tail.begin(), tail.end());
        continue;
      }
    }
    out.push_back(id);
  }
  return out;
}

std::optional<constraint::Grammar> SchemaChecker::compile(const json::value& schema) {
  refusal_ = {};
  times_.clear();
  const Clock::time_point begin = Clock::now();
  auto grammar = constraint::Grammar::json_schema(schema, options_, &refusal_);
  compile_us_ = us_since(begin);
  if (!grammar.ok()) {
    if (refusal_.reason.empty()) refusal_.reason = grammar.error().message;
    return std::nullopt;
  }
  return *grammar;
}

bool SchemaChecker::accepts(const constraint::Grammar& grammar, std::string_view text,
                            std::size_t& rejected_at) {
  ids_ = tokens_.encode(text);
  if (splits_) ids_ = split(ids_);
  constraint::Matcher matcher(grammar, tokens_.vocabulary);
  rejected_at = 0;
  limit_ = {};
  for (const text::TokenId id : ids_) {
    const Clock::time_point begin = Clock::now();
    limit_ = matcher.fill_mask(mask_);
    times_.push_back(us_since(begin));
    const auto at = static_cast<std::size_t>(id);
    if (!limit_.ok() || (mask_[at / 64] >> (at % 64) & 1) == 0 || !matcher.accept(id)) return false;
    rejected_at += tokens_.vocabulary->bytes(id).size();
  }
  return matcher.is_accepting();
}

json::value SchemaChecker::walk(const constraint::Grammar& grammar) {
  constexpr int kLong = 60, kTooLong = 2000;
  constraint::Matcher matcher(grammar, tokens_.vocabulary);
  std::string text;
  for (int step = 0; step < kTooLong; ++step) {
    const Status filled = matcher.fill_mask(mask_);
    if (!filled.ok() && filled.error().code != Code::kInvalidArgument) return nullptr;
    const std::vector<text::TokenId> allowed = allowed_tokens();
    if (!filled.ok() || allowed.empty()) return json::value("!" + text);
    const text::TokenId token = draw(allowed, step >= kLong);
    if (!matcher.accept(token)) return json::value("!" + text);
    if (matcher.is_finished()) return json::value(text);
    text += tokens_.vocabulary->bytes(token);
  }
  return nullptr;
}

std::vector<text::TokenId> SchemaChecker::allowed_tokens() const {
  std::vector<text::TokenId> tokens;
  for (std::size_t word = 0; word < mask_.size(); ++word)
    for (std::uint64_t left = mask_[word]; left != 0; left &= left - 1)
      tokens.push_back(static_cast<text::TokenId>(word * 64) + __builtin_ctzll(left));
  return tokens;
}

// Any of them; in a long answer mostly one that ends something.
text::TokenId SchemaChecker::draw(const std::vector<text::TokenId>& allowed, bool closing) {
  if (closing || random_() % 8 == 0) {
    for (const text::TokenId token : allowed)
      if (tokens_.vocabulary->is_end(token)) return token;
    if (random_() % 4 != 0)
      for (const char close : {'"', '}', ']'})
        for (const text::TokenId token : allowed)
          if (tokens_.vocabulary->bytes(token) == std::string_view(&close, 1)) return token;
  }
  return allowed[random_() % allowed.size()];
}

json::object summary_of(std::vector<double> us) {
  if (us.empty()) return {{"count", 0}};
  std::sort(us.begin(), us.end());
  const auto at = [&](double share) {
    return us[std::min(us.size() - 1,
                       static_cast<std::size_t>(share * static_cast<double>(us.size())))];
  };
  double sum = 0;
  for (const double time : us) sum += time;
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  return {{"count", us.size()},
          {"mean_us", rounded(sum / static_cast<double>(us.size()))},
          {"p50_us", rounded(at(0.5))},
          {"p99_us", rounded(at(0.99))},
          {"max_us", rounded(us.back())}};
}

}  // namespace aquilon::apps
