// `aquilon schema check`: whether a JSON Schema is enforced, which instances it lets through, and
// what its masks cost.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <cmath>
#include <cstdio>

#include "apps/command.h"
#include "apps/instance_text.h"
#include "apps/printable.h"
#include "apps/schema_checker.h"
#include "base/file.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;

struct SchemaCheckOptions {
  std::string schema;
  std::string instance;
  std::string jsonl;
  std::string tokenizer;
  bool compact = false;
  std::int64_t split = 0;
  int walks = 0;
  bool key_order = false;
  bool raw = false;

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
    v(key_order,
      {.flag = "key-order", .help = "keys come in the order of the schema's properties"});
    v(raw, {.flag = "raw",
            .help = "with --jsonl: add each instance's tokens and each mask's microseconds"});
  }
};

constexpr std::uint64_t kLargestFile = 64u << 20;

Result<json::value> parse_json(std::string_view text, const std::string& path) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 512;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) return make_error(Code::kInvalidArgument, "'{}' is no JSON: {}", path, ec.message());
  return value;
}

json::object check_line(SchemaChecker& checker, std::string_view line, const json::object& entry,
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
  json::array results, tokens, times;
  if (grammar) {
    for (const std::string_view test : json_items(json_member(line, "tests").value_or("[]"))) {
      std::size_t rejected_at = 0;
      const auto before = static_cast<std::ptrdiff_t>(checker.mask_us().size());
      const auto data = json_member(test, "data");
      results.push_back(
          data && checker.accepts(*grammar, relaid_json(*data, options.compact), rejected_at));
      if (options.raw) {
        const std::vector<double>& all = checker.mask_us();
        tokens.push_back(json::value_from(checker.tokens()));
        times.push_back(json::value_from(std::vector<double>(all.begin() + before, all.end())));
      }
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
  out["masks"] = summary_of(checker.mask_us());
  if (options.raw) {
    out["tokens"] = std::move(tokens);
    out["mask_us"] = std::move(times);
  }
  return out;
}

Status check_lines(SchemaChecker& checker, const SchemaCheckOptions& options) {
  const MappedFile file = AQ_TRY(MappedFile::open(options.jsonl));
  std::string_view left(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
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

Status check_files(SchemaChecker& checker, const SchemaCheckOptions& options) {
  const std::string text = AQ_TRY(read_file(options.schema, kLargestFile));
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
  const std::string instance = AQ_TRY(read_file(options.instance, kLargestFile));
  AQ_TRY(parse_json(instance, options.instance));
  const std::string laid = relaid_json(instance, options.compact);
  std::size_t at = 0;
  if (checker.accepts(*grammar, laid, at)) {
    const json::object masks = summary_of(checker.mask_us());
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
  constraint::GrammarOptions enforced;
  enforced.schema_key_order = options.key_order;
  SchemaChecker checker(AQ_TRY(load_checked_tokens(options.tokenizer)),
                        static_cast<std::uint64_t>(options.split), enforced);
  return options.jsonl.empty() ? check_files(checker, options) : check_lines(checker, options);
}

}  // namespace

void register_schema_check(Commands& commands) {
  commands.add<SchemaCheckOptions>(
      "schema check", "Tell whether a JSON Schema is enforced, and which instances it accepts",
      schema_check);
}

}  // namespace aquilon::apps
