// Functions that every template sees.
#include <time.h>

#include <array>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/format_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {
namespace {

Result<Value> raise_exception(Interpreter& in, const Value&, const Arguments& args) {
  return in.raise(AQ_TRY(to_text(in.budget(), *args[0]))->bytes());
}

// The local time. Untrusted: it is not the template's own text.
Result<Value> strftime_now(Interpreter& in, const Value&, const Arguments& args) {
  const TracedText* format = AQ_TRY(args.text(0));
  if (!format || format->size() > 256) {
    return make_error(Code::kInvalidArgument, "strftime_now: expected a format of up to 256 bytes");
  }
  const std::time_t seconds = std::chrono::system_clock::to_time_t(in.now());
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 4096> buffer;
  // A mark at the end tells an empty result from one that does not fit.
  const std::size_t size =
      strftime(buffer.data(), buffer.size(), (format->bytes() + "|").c_str(), &local);
  if (size == 0) {
    return make_error(Code::kInvalidArgument, "strftime_now: the result is too long");
  }
  return Value(TracedText::untrusted(std::string(buffer.data(), size - 1)));
}

Result<Value> range(Interpreter& in, const Value&, const Arguments& args) {
  const bool one = !args[1];
  const std::int64_t start = one ? 0 : AQ_TRY(args.integer(0, 0));
  const std::int64_t stop = AQ_TRY(args.integer(one ? 0 : 1, 0));
  const std::int64_t step = AQ_TRY(args.integer(2, 1));
  if (step == 0) return make_error(Code::kInvalidArgument, "range: the step is zero");
  std::vector<Value> items;
  std::int64_t at = start;
  while (step > 0 ? at < stop : at > stop) {
    if (items.size() == kMaxRange) {
      return make_error(Code::kInvalidArgument, "range: more than {} numbers", kMaxRange);
    }
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  AQ_RETURN_IF_ERROR(in.budget().spend(items.size()));
  return Value::tuple(std::move(items));
}

// Positional: dictionaries. By name: single entries.
Result<Value> dict(Interpreter& in, const Value&, const Arguments& args) {
  auto result = std::make_shared<Dict>();
  for (const Value& source : args.rest().positional) {
    if (!source.dict()) return type_error("make a dict of", source);
    AQ_RETURN_IF_ERROR(in.budget().spend(source.dict()->entries().size()));
    for (const auto& [key, value] : source.dict()->entries()) result->set(key, value);
  }
  for (const auto& [name, value] : args.rest().keyword) {
    result->set(TracedText::trusted(name), value);
  }
  return Value(std::move(result));
}

Result<Value> make_namespace(Interpreter& in, const Value& self, const Arguments& args) {
  const Value members = AQ_TRY(dict(in, self, args));
  auto space = std::make_shared<Namespace>();
  for (const auto& [key, value] : members.dict()->entries()) {
    if (key.text()) space->attributes.insert_or_assign(key.text()->bytes(), value);
  }
  in.keep(space);
  return Value(std::move(space));
}

template <const std::string_view& kName>
Result<Value> unsupported(Interpreter&, const Value&, const Arguments&) {
  return make_error(Code::kUnsupported, "the function {} is not supported", kName);
}

constexpr std::string_view kLipsum = "lipsum";
constexpr std::string_view kCycler = "cycler";
constexpr std::string_view kJoiner = "joiner";

constexpr Builtin kGlobals[] = {
    {"raise_exception", raise_exception, "!message"},
    {"strftime_now", strftime_now, "!format"},
    {"range", range, "!start stop step"},
    {"dict", dict, "*"},
    {"namespace", make_namespace, "*"},
    {kLipsum, unsupported<kLipsum>, "*"},
    {kCycler, unsupported<kCycler>, "*"},
    {kJoiner, unsupported<kJoiner>, "*"},
};

}  // namespace

void define_globals(Interpreter& interpreter) {
  for (const Builtin& builtin : kGlobals) {
    Function function{std::string(builtin.name),
                      [&builtin](Interpreter& self, CallArgs args) -> Result<Value> {
                        return call_builtin(self, builtin, None{}, std::move(args));
                      }};
    interpreter.define(std::string(builtin.name),
                       Value(std::make_shared<const Function>(std::move(function))));
  }
}

}  // namespace aquilon::chat::jinja
