#include "bench/speeds.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <optional>

#include "bench/model_speed.h"

namespace aquilon::bench {
namespace {

namespace json = boost::json;

std::optional<json::value> parse(std::string_view text) {
  boost::system::error_code problem;
  json::value value = json::parse(text, problem);
  if (problem) return std::nullopt;
  return value;
}

std::optional<double> number(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::size_t count(const json::object& object, std::string_view key) {
  const double value = number(object, key).value_or(0);
  return value > 0 && value < 1e9 ? static_cast<std::size_t>(value) : 0;
}

void keep(Speeds& speeds, const std::string& name, std::optional<double> speed) {
  if (speed && std::isfinite(*speed) && *speed > 0) speeds[name] = *speed;
}

// {"tables": {"tests": [{"test": "pp512", "tokens_s": 1.0}]}}
void read_aquilon(const json::value& value, Speeds& speeds) {
  const json::value* tests = nullptr;
  if (const auto* top = value.if_object())
    if (const auto* tables = top->if_contains("tables"); tables && tables->is_object())
      tests = tables->get_object().if_contains("tests");
  if (tests == nullptr || !tests->is_array()) return;
  for (const json::value& row : tests->get_array()) {
    const auto* object = row.if_object();
    const auto* name = object != nullptr ? object->if_contains("test") : nullptr;
    if (name != nullptr && name->is_string())
      keep(speeds, std::string(name->get_string()), number(*object, "tokens_s"));
  }
}

// [{"n_prompt": 512, "n_gen": 0, "n_depth": 0, "avg_ts": 1.0}]
void read_llama_bench(const json::value& value, Speeds& speeds) {
  if (!value.is_array()) return;
  for (const json::value& row : value.get_array()) {
    const auto* object = row.if_object();
    if (object == nullptr) continue;
    const ModelTest test{.prompt = count(*object, "n_prompt"),
                         .generate = count(*object, "n_gen"),
                         .depth = count(*object, "n_depth")};
    if ((test.prompt == 0) != (test.generate == 0))  // both: a mixture that we do not measure
      keep(speeds, test.name(), number(*object, "avg_ts"));
  }
}

// Lines, some of them {"pp": 16, "tg": 32, "pl": 4, "speed_tg": 1.0}
void read_batched_bench(std::string_view text, Speeds& speeds) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto value = line.starts_with('{') ? parse(line) : std::nullopt;
    const auto* object = value ? value->if_object() : nullptr;
    if (object == nullptr) continue;
    const ModelTest test{.generate = count(*object, "tg"),
                         .depth = count(*object, "pp"),
                         .sequences = count(*object, "pl")};
    keep(speeds, test.name(), number(*object, "speed_tg"));
  }
}

}  // namespace

BenchTool tool_of(const std::vector<std::string>& words) {
  const std::string_view name = std::string_view(words[0]).substr(words[0].rfind('/') + 1);
  const bool serves = words.size() > 1 && words[1] == "serve";
  if (name == "llama-server" || (name == "aquilon" && serves)) return BenchTool::kServer;
  if (name == "aquilon") return BenchTool::kAquilon;
  if (name == "llama-bench") return BenchTool::kLlamaBench;
  return name == "llama-batched-bench" ? BenchTool::kLlamaBatchedBench : BenchTool::kOther;
}

std::vector<std::string> machine_readable_flags(BenchTool tool) {
  switch (tool) {
    case BenchTool::kAquilon:
      return {"--json"};
    case BenchTool::kLlamaBench:
      return {"-o", "json"};
    case BenchTool::kLlamaBatchedBench:
      return {"--output-format", "jsonl"};
    case BenchTool::kServer:
    case BenchTool::kOther:
      break;
  }
  return {};
}

Result<Speeds> parse_speeds(BenchTool tool, std::string_view text) {
  if (tool == BenchTool::kServer || tool == BenchTool::kOther)
    return Error{Code::kUnsupported,
                 "only aquilon, llama-bench and llama-batched-bench print speeds that we read; "
                 "compare whole commands by their time with --wall"};
  Speeds speeds;
  if (tool == BenchTool::kLlamaBatchedBench) {
    read_batched_bench(text, speeds);
  } else if (const auto value = parse(text)) {
    if (tool == BenchTool::kAquilon)
      read_aquilon(*value, speeds);
    else
      read_llama_bench(*value, speeds);
  }
  if (speeds.empty())
    return Error{Code::kCorrupt, "no speed was found in what the command printed"};
  return speeds;
}

}  // namespace aquilon::bench
