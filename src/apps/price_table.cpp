#include "apps/price_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>
#include <vector>

#include "base/file.h"
#include "base/nearest.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;

constexpr double kMillion = 1e6;
constexpr std::uint64_t kLargestFile = 1 << 20;

const std::vector<std::string> kMembers = {"prompt", "cached", "completion"};

// The member as a price; `absent` where there is none.
Result<double> price_of(const json::object& prices, const char* name, double absent) {
  const json::value* member = prices.if_contains(name);
  if (member == nullptr) return absent;
  if (!member->is_number()) return make_error(Code::kInvalidArgument, "'{}' is no number", name);
  const auto price = member->to_number<double>();
  if (!std::isfinite(price) || price < 0)
    return make_error(Code::kInvalidArgument, "'{}' is no price: {}", name, price);
  return price;
}

}  // namespace

Result<PriceTable> PriceTable::read(const std::string& path) {
  const std::string text = AQ_TRY(read_file(path, kLargestFile));
  json::error_code ec;
  const json::value root = json::parse(text, ec);
  if (ec || !root.is_object())
    return make_error(
        Code::kInvalidArgument,
        "{} is no price table: {{\"MODEL\": {{\"prompt\": 0.1, \"completion\": 0.3}}}}, "
        "of a million tokens",
        path);
  PriceTable table;
  for (const auto& [name, value] : root.get_object()) {
    const std::string model(name);
    if (!value.is_object())
      return make_error(Code::kInvalidArgument, "{}: '{}' has no prices", path, model);
    const json::object& prices = value.get_object();
    for (const auto& member : prices) {
      const std::string key(member.key());
      if (std::find(kMembers.begin(), kMembers.end(), key) == kMembers.end())
        return make_error(Code::kInvalidArgument, "{}: '{}' has the price '{}': there are {}{}",
                          path, model, key, fmt::join(kMembers, ", "), did_you_mean(key, kMembers));
    }
    const auto member = [&](const char* key, double absent) -> Result<double> {
      auto price = price_of(prices, key, absent);
      if (!price.ok())
        return std::move(price).error().with_context(fmt::format("{}: '{}'", path, model));
      return price;
    };
    Price price;
    price.prompt = AQ_TRY(member("prompt", 0));
    price.cached = AQ_TRY(member("cached", price.prompt));
    price.completion = AQ_TRY(member("completion", 0));
    table.prices_[model] = price;
  }
  return table;
}

double PriceTable::cost(const std::string& model, std::int64_t prompt_tokens,
                        std::int64_t cached_tokens, std::int64_t completion_tokens) const {
  auto found = prices_.find(model);
  if (found == prices_.end()) found = prices_.find("*");
  if (found == prices_.end()) return 0;
  const Price& price = found->second;
  const auto fresh = static_cast<double>(prompt_tokens - cached_tokens);
  return (fresh * price.prompt + static_cast<double>(cached_tokens) * price.cached +
          static_cast<double>(completion_tokens) * price.completion) /
         kMillion;
}

}  // namespace aquilon::apps
