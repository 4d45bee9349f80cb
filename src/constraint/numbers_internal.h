// Decimal numbers as texts: syntax, bounds, multiples, values.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "constraint/regex_store_internal.h"

namespace aquilon::constraint {

// A decimal without exponent: sign, digits before and after the point, without superfluous zeros.
struct Decimal {
  bool negative = false;  // false for zero
  std::string whole = "0";
  std::string fraction;

  bool is_zero() const { return whole == "0" && fraction.empty(); }
  std::string text() const;
};

// Nothing where the exponent would need more than some hundred digits, or for no number.
std::optional<Decimal> parse_decimal(std::string_view text);
std::optional<Decimal> decimal_of(const boost::json::value& number);
int compare(const Decimal& a, const Decimal& b);

class NumberTexts {
 public:
  explicit NumberTexts(RegexStore& store);

  RegexId any() const { return any_; }                  // every JSON number
  RegexId plain() const { return plain_; }              // those without exponent
  RegexId integer() const { return integer_; }          // 5, -0
  RegexId whole() const { return whole_; }              // 5, 5.0: integers since draft 6
  RegexId short_whole() const { return short_whole_; }  // 5, 5.0, and no 5.00
  RegexId shortest() const { return shortest_; }        // of each plain number its shortest text
  // One of the values: 1, 1.0, 1.00.
  RegexId equal_to(const std::vector<Decimal>& values) const;
  // Plain numbers x with x > bound, or x >= bound; with x < bound, or x <= bound.
  RegexId above(const Decimal& bound, bool exclusive) const;
  RegexId below(const Decimal& bound, bool exclusive) const;
  // Nothing where the divisor has too many digits. divisor > 0.
  std::optional<RegexId> multiple_of(const Decimal& divisor) const;

 private:
  RegexStore& store_;
  RegexId minus_, unsigned_, any_, plain_, integer_, whole_, zero_, short_whole_, shortest_;
  RegexId no_fraction_;
};

}  // namespace aquilon::constraint
