#include <charconv>
#include <cmath>

#include "constraint/numbers_internal.h"

namespace aquilon::constraint {
namespace {

constexpr long kMaxExponent = 400;

void trim(Decimal& d) {
  const std::size_t lead = d.whole.find_first_not_of('0');
  d.whole = lead == std::string::npos ? "0" : d.whole.substr(lead);
  const std::size_t last = d.fraction.find_last_not_of('0');
  d.fraction.resize(last == std::string::npos ? 0 : last + 1);
  if (d.is_zero()) d.negative = false;
}

std::string digits_at(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return std::string(text.substr(begin, at - begin));
}

}  // namespace

std::string Decimal::text() const {
  return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  std::size_t at = 0;
  if (text.starts_with('-')) {
    d.negative = true;
    ++at;
  }
  d.whole = digits_at(text, at);
  if (d.whole.empty()) return std::nullopt;
  if (at < text.size() && text[at] == '.') d.fraction = digits_at(text, ++at);
  if (at < text.size()) {
    if ((text[at] | 32) != 'e') return std::nullopt;
    if (++at < text.size() && text[at] == '+') ++at;
    long exponent = 0;
    const auto [end, ec] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (exponent > kMaxExponent || exponent < -kMaxExponent) return std::nullopt;
    for (; exponent > 0; --exponent) {
      d.whole += d.fraction.empty() ? '0' : d.fraction[0];
      if (!d.fraction.empty()) d.fraction.erase(0, 1);
    }
    for (; exponent < 0; ++exponent) {
      d.fraction.insert(0, 1, d.whole.empty() ? '0' : d.whole.back());
      if (!d.whole.empty()) d.whole.pop_back();
    }
  }
  trim(d);
  return d;
}

std::optional<Decimal> decimal_of(const boost::json::value& number) {
  if (number.is_int64()) return parse_decimal(std::to_string(number.get_int64()));
  if (number.is_uint64()) return parse_decimal(std::to_string(number.get_uint64()));
  if (!number.is_double() || !std::isfinite(number.get_double())) return std::nullopt;
  char buffer[64];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof(buffer), number.get_double());
  if (ec != std::errc()) return std::nullopt;
  return parse_decimal({buffer, static_cast<std::size_t>(end - buffer)});
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  int order = 0;
  if (a.whole.size() != b.whole.size())
    order = a.whole.size() < b.whole.size() ? -1 : 1;
  else
    order = a.whole.compare(b.whole);
  if (order == 0) order = a.fraction.compare(b.fraction);  // no zeros at their ends
  order = order < 0 ? -1 : order > 0;
  return a.negative ? -order : order;
}

NumberTexts::NumberTexts(RegexStore& store) : store_(store) {
  const RegexId digit = store.bytes(ByteSet::of('0', '9'));
  const RegexId natural = store.either(
      store.byte('0'), store.concat(store.bytes(ByteSet::of('1', '9')), store.star(digit)));
  const RegexId point = store.byte('.');
  const RegexId fraction = store.optional(store.concat(point, store.repeat(digit, 1, kUnbounded)));
  ByteSet e, sign;
  e.add('e');
  e.add('E');
  sign.add('+');
  sign.add('-');
  const RegexId exponent = store.optional(store.concat(
      store.bytes(e),
      store.concat(store.optional(store.bytes(sign)), store.repeat(digit, 1, kUnbounded))));
  no_fraction_ = store.optional(store.concat(point, store.repeat(store.byte('0'), 1, kUnbounded)));
  minus_ = store.byte('-');
  const RegexId maybe_minus = store.optional(minus_);
  unsigned_ = store.concat(natural, fraction);
  plain_ = store.concat(maybe_minus, unsigned_);
  any_ = store.concat(maybe_minus, store.concat(natural, store.concat(fraction, exponent)));
  integer_ = store.concat(maybe_minus, natural);
  whole_ = store.concat(maybe_minus, store.concat(natural, no_fraction_));
  short_whole_ =
      store.concat(maybe_minus, store.concat(natural, store.optional(store.literal(".0"))));
  const RegexId last = store.bytes(ByteSet::of('1', '9'));
  const RegexId short_fraction =
      store.optional(store.concat(point, store.concat(store.star(digit), last)));
  shortest_ = store.minus(store.concat(maybe_minus, store.concat(natural, short_fraction)),
                          store.literal("-0"));
  zero_ = store.concat(maybe_minus, store.concat(store.byte('0'), no_fraction_));
}

RegexId NumberTexts::equal_to(const std::vector<Decimal>& values) const {
  const RegexId zeros = store_.star(store_.byte('0'));
  std::vector<RegexStore::Beginning> texts;
  texts.reserve(values.size());
  for (const Decimal& value : values) {
    texts.push_back({value.text(), value.fraction.empty() ? no_fraction_ : zeros});
    if (value.is_zero()) texts.push_back({"-0", no_fraction_});
  }
  return store_.beginnings(std::move(texts));
}

RegexId NumberTexts::above(const Decimal& bound, bool exclusive) const {
  const auto magnitude = [&](Comparison how) {
    return store_.both(unsigned_, store_.compared({bound.whole, bound.fraction}, how));
  };
  if (bound.is_zero()) {
    const RegexId positive =
        store_.both(unsigned_, store_.compared({"0", ""}, Comparison::kGreater));
    return exclusive ? positive : store_.either(unsigned_, zero_);
  }
  if (!bound.negative) return magnitude(exclusive ? Comparison::kGreater : Comparison::kAtLeast);
  const RegexId negative = magnitude(exclusive ? Comparison::kLess : Comparison::kAtMost);
  return store_.either(unsigned_, store_.concat(minus_, negative));
}

RegexId NumberTexts::below(const Decimal& bound, bool exclusive) const {
  const auto magnitude = [&](Comparison how) {
    return store_.both(unsigned_, store_.compared({bound.whole, bound.fraction}, how));
  };
  const RegexId negatives = store_.concat(minus_, unsigned_);
  if (bound.is_zero()) {
    const RegexId nonzero = store_.concat(
        minus_, store_.both(unsigned_, store_.compared({"0", ""}, Comparison::kGreater)));
    return exclusive ? nonzero : store_.either(negatives, zero_);
  }
  if (bound.negative)
    return store_.concat(minus_,
                         magnitude(exclusive ? Comparison::kGreater : Comparison::kAtLeast));
  return store_.either(negatives, magnitude(exclusive ? Comparison::kLess : Comparison::kAtMost));
}

std::optional<RegexId> NumberTexts::multiple_of(const Decimal& divisor) const {
  constexpr std::size_t kMaxDigits = 9;
  const std::string digits = divisor.whole + divisor.fraction;
  if (divisor.fraction.size() > 300) return std::nullopt;
  const std::size_t lead = digits.find_first_not_of('0');
  if (lead == std::string::npos || digits.size() - lead > kMaxDigits) return std::nullopt;
  const auto value = static_cast<std::uint32_t>(std::stoul(digits.substr(lead)));
  const RegexId magnitude = store_.both(
      unsigned_, store_.multiple_of(value, static_cast<std::uint32_t>(divisor.fraction.size())));
  return store_.concat(store_.optional(minus_), magnitude);
}

}  // namespace aquilon::constraint
