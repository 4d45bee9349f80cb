// `aquilon schema check`: whether a JSON Schema is enforced, which instances it lets through, and
// what its masks cost.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>

#include "apps/command.h"
#include "apps/instance_text.h"
#include "apps/model_options.h"
#include "apps/printable.h"
#include "constraint/matcher.h"
#include "model/tokenizer_loader.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

struct SchemaCheckOptions {
  std::string schema;
  std::string instance;
  std::string jsonl;
  std::string tokenizer;
  bool compact = false;
  std::int64_t split = 0;
  int walks = 0;

  template <class V>
  void visit(V& v) {
    v(schema, {.flag = "SCHEMA", .help = "file with a JSON Schema", .positional = true});
    v(instance, {.flag = "INSTANCE", .help = "file with a JSON value", .positional = true});
    v(jsonl, {.flag = "jsonl",
              .help = "lines of JSON with id, schema and tests (data); prints a line for each",
              .unit = "FILE"});
    v(tokenizer, {.flag = "tokenizer",
                  .help = "model or tokenizer file whose tokens are masked; default: single bytes",
                  .unit = "NAME_OR_FILE"});
    v(compact, {.flag = "compact", .help = "write instances without blanks between tokens"});
    v(split, {.flag = "split",
              .help = "cut one token in ten at a random byte, by this seed; 0: none",
              .unit = "SEED",
              .min = 0});
    v(walks, {.flag = "walks",
              .help = "with --jsonl: add that many random answers under the masks to each line",
              .min = 0,
              .max = 1000});
  }
};

double us_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// Tokens, and how texts are cut into them.
struct Tokens {
  std::unique_ptr<text::Tokenizer> tokenizer;  // null: bytes
  std::shared_ptr<const constraint::Vocabulary> vocabulary;

  std::vector<text::TokenId> encode(std::string_view text) const {
    if (tokenizer != nullptr) return tokenizer->encode(text);
    std::vector<text::TokenId> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
};

Result<Tokens> load_tokens(const std::string& name_or_path) {
  Tokens tokens;
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

// Each token cut in two with a chance of one in ten, where both halves are tokens.
std::vector<text::TokenId> split_tokens(const Tokens& tokens, std::vector<text::TokenId> ids,
                                        std::mt19937_64& random) {
  std::vector<text::TokenId> out;
  for (const text::TokenId id : ids) {
    const std::string_view bytes = tokens.vocabulary->bytes(id);
    if (bytes.size() > 1 && random() % 10 == 0) {
      const std::size_t at = 1 + random() % (bytes.size() - 1);
      const auto head = tokens.encode(bytes.substr(0, at)), tail = tokens.encode(bytes.substr(at));
      std::string again;
      for (const auto& part : {head, tail})
        for (const text::TokenId piece : part) again += tokens.vocabulary->bytes(piece);
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

class Checker {
 public:
  Checker(Tokens tokens, const SchemaCheckOptions& options)
      : tokens_(std::move(tokens)),
        options_(options),
        random_(static_cast<std::uint64_t>(options.split)),
        mask_(tokens_.vocabulary->mask_words()) {}

  std::optional<constraint::Grammar> compile(const json::value& schema) {
    refusal_ = {};
    times_.clear();
    const Clock::time_point begin = Clock::now();
    auto grammar = constraint::Grammar::json_schema(schema, {}, &refusal_);
    compile_us_ = us_since(begin);
    if (!grammar.ok()) {
      if (refusal_.reason.empty()) refusal_.reason = grammar.error().message;
      return std::nullopt;
    }
    return *grammar;
  }

  // Whether every token of the instance was allowed, and then the end. `rejected_at`: bytes before
  // the token that was not, or all of them.
  bool accepts(const constraint::Grammar& grammar, std::string_view text,
               std::size_t& rejected_at) {
    std::vector<text::TokenId> ids = tokens_.encode(text);
    if (options_.split != 0) ids = split_tokens(tokens_, std::move(ids), random_);
    constraint::Matcher matcher(grammar, tokens_.vocabulary);
    rejected_at = 0;
    limit_ = {};
    for (const text::TokenId id : ids) {
      const Clock::time_point begin = Clock::now();
      limit_ = matcher.fill_mask(mask_);
      times_.push_back(us_since(begin));
      const auto at = static_cast<std::size_t>(id);
      if (!limit_.ok() || (mask_[at / 64] >> (at % 64) & 1) == 0 || !matcher.accept(id))
        return false;
      rejected_at += tokens_.vocabulary->bytes(id).size();
    }
    return matcher.is_accepting();
  }

  // A random answer, each token drawn from those that the mask allows; null where none came to an
  // end in time, "!" and what was written where no token was allowed.
  json::value walk(const constraint::Grammar& grammar) {
    constexpr int kLong = 60, kTooLong = 2000;
    constraint::Matcher matcher(grammar, tokens_.vocabulary);
    std::string text;
    for (int step = 0; step < kTooLong; ++step) {
      if (!matcher.fill_mask(mask_).ok()) return nullptr;
      const std::vector<text::TokenId> allowed = allowed_tokens();
      if (allowed.empty()) return json::value("!" + text);
      const text::TokenId token = draw(allowed, step >= kLong);
      if (!matcher.accept(token)) return json::value("!" + text);
      if (matcher.is_finished()) return json::value(text);
      text += tokens_.vocabulary->bytes(token);
    }
    return nullptr;
  }

  const constraint::SchemaRefusal& refusal() const { return refusal_; }
  // Why the last instance could not be judged: a limit was met.
  const Status& limit() const { return limit_; }
  double compile_us() const { return compile_us_; }

  json::object masks() {
    std::sort(times_.begin(), times_.end());
    const auto at = [&](double share) {
      return times_[std::min(times_.size() - 1,
                             static_cast<std::size_t>(share * static_cast<double>(times_.size())))];
    };
    if (times_.empty()) return {{"count", 0}};
    double sum = 0;
    for (const double time : times_) sum += time;
    const auto rounded = [](double us) { return std::round(us * 100) / 100; };
    return {{"count", times_.size()},
            {"mean_us", rounded(sum / static_cast<double>(times_.size()))},
            {"p50_us", rounded(at(0.5))},
            {"p99_us", rounded(at(0.99))},
            {"max_us", rounded(times_.back())}};
  }

 private:
  std::vector<text::TokenId> allowed_tokens() const {
    std::vector<text::TokenId> tokens;
    for (std::size_t word = 0; word < mask_.size(); ++word)
      for (std::uint64_t left = mask_[word]; left != 0; left &= left - 1)
        tokens.push_back(static_cast<text::TokenId>(word * 64) + __builtin_ctzll(left));
    return tokens;
  }

  // Any of them; in a long answer mostly one that ends something.
  text::TokenId draw(const std::vector<text::TokenId>& allowed, bool closing) {
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

  Tokens tokens_;
  const SchemaCheckOptions& options_;
  std::mt19937_64 random_;
  std::vector<constraint::MaskWord> mask_;
  std::vector<double> times_;
  constraint::SchemaRefusal refusal_;
  Status limit_;
  double compile_us_ = 0;
};

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return make_error(Code::kNotFound, "cannot read '{}'", path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<json::value> parse_json(const std::string& text, const std::string& path) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 512;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) return make_error(Code::kInvalidArgument, "'{}' is no JSON: {}", path, ec.message());
  return value;
}

json::object check_line(Checker& checker, std::string_view line, const json::object& entry,
                        const SchemaCheckOptions& options) {
  json::object out;
  if (const json::value* id = entry.if_contains("id")) out["id"] = *id;
  const json::value* schema = entry.if_contains("schema");
  const auto grammar = checker.compile(schema == nullptr ? json::value(true) : *schema);
  if (!grammar) {
    const constraint::SchemaRefusal& refusal = checker.refusal();
    out["refused"] = json::object{
        {"pointer", refusal.pointer}, {"keyword", refusal.keyword}, {"reason", refusal.reason}};
  }
  json::array results;
  if (grammar) {
    for (const std::string_view test : json_items(json_member(line, "tests").value_or("[]"))) {
      std::size_t rejected_at = 0;
      const auto data = json_member(test, "data");
      results.push_back(
          data && checker.accepts(*grammar, relaid_json(*data, options.compact), rejected_at));
      if (!checker.limit().ok()) out["limit"] = checker.limit().error().message;
    }
  }
  out["tests"] = std::move(results);
  if (grammar && options.walks > 0) {
    json::array walks;
    for (int i = 0; i < options.walks; ++i) walks.push_back(checker.walk(*grammar));
    out["walks"] = std::move(walks);
  }
  out["compile_us"] = std::round(checker.compile_us() * 10) / 10;
  out["masks"] = checker.masks();
  return out;
}

Status check_lines(Checker& checker, const SchemaCheckOptions& options) {
  std::ifstream file(options.jsonl);
  if (!file) return make_error(Code::kNotFound, "cannot read '{}'", options.jsonl);
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const json::value entry = AQ_TRY(parse_json(line, fmt::format("{}:{}", options.jsonl, number)));
    if (!entry.is_object())
      return make_error(Code::kInvalidArgument, "{}:{} is no object with a schema", options.jsonl,
                        number);
    const json::object result = check_line(checker, line, entry.get_object(), options);
    std::puts(json::serialize(result).c_str());
  }
  std::fflush(stdout);
  return {};
}

Status check_files(Checker& checker, const SchemaCheckOptions& options) {
  const std::string text = AQ_TRY(read_text(options.schema));
  const json::value schema = AQ_TRY(parse_json(text, options.schema));
  const auto grammar = checker.compile(schema);
  if (!grammar) {
    const constraint::SchemaRefusal& refusal = checker.refusal();
    return make_error(Code::kUnsupported, "{} at '#{}'{}: {}", options.schema, refusal.pointer,
                      refusal.keyword.empty() ? "" : ", " + refusal.keyword, refusal.reason);
  }
  fmt::print("{}: enforced as a whole; compiled in {:.0f} us\n", options.schema,
             checker.compile_us());
  if (options.instance.empty()) return {};
  const std::string instance = AQ_TRY(read_text(options.instance));
  AQ_TRY(parse_json(instance, options.instance));
  const std::string laid = relaid_json(instance, options.compact);
  std::size_t at = 0;
  if (checker.accepts(*grammar, laid, at)) {
    const json::object masks = checker.masks();
    fmt::print("{}: accepted; {} masks, {} us on average\n", options.instance,
               json::serialize(masks.at("count")),
               masks.contains("mean_us") ? masks.at("mean_us").to_number<double>() : 0.0);
    return {};
  }
  if (!checker.limit().ok())
    return make_error(Code::kUnsupported, "{}: not judged, {}", options.instance,
                      checker.limit().error().message);
  return make_error(Code::kInvalidArgument, "{}: not accepted after '{}'", options.instance,
                    printable(laid.substr(at > 60 ? at - 60 : 0, std::min<std::size_t>(at, 60))));
}

Status schema_check(const SchemaCheckOptions& options) {
  if (options.jsonl.empty() == options.schema.empty())
    return Error{Code::kInvalidArgument,
                 "give a SCHEMA (and an INSTANCE), or --jsonl FILE with many"};
  Tokens tokens = AQ_TRY(load_tokens(options.tokenizer));
  Checker checker(std::move(tokens), options);
  return options.jsonl.empty() ? check_files(checker, options) : check_lines(checker, options);
}

}  // namespace

void register_schema_check(Commands& commands) {
  commands.add<SchemaCheckOptions>(
      "schema check", "Tell whether a JSON Schema is enforced, and which instances it accepts",
      schema_check);
}

}  // namespace aquilon::apps
