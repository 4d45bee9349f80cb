// A constraint put together from texts, patterns and JSON values: answers that have both words and
// values of schemas in them, such as calls of functions.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace aquilon::constraint {

struct Part {
  enum class Kind : std::uint8_t {
    kText,      // `text`, byte for byte
    kControl,   // the control token whose written form is `text`, and no other spelling of it
    kPattern,   // a text that the whole of the regular expression `text` matches
    kWithout,   // any bytes and control tokens in which none of `parts` occurs, which are regular,
                // and, with a regular expression `text`, of more than blanks that do not begin so
    kValue,     // a value of the JSON Schema `schema`
    kGrammar,   // a text of the grammar `text`: GBNF if it has "::=", else Lark's
    kSequence,  // `parts`, one after the other
    kChoice,    // one of `parts`
    kRepeat,    // `parts` in sequence, `min` to `max` times
  };
  static constexpr std::uint32_t kMany = 0xFFFFFFFF;

  Kind kind = Kind::kSequence;
  std::string text = {};
  boost::json::value schema = {};
  std::vector<Part> parts = {};
  std::uint32_t min = 0, max = kMany;
};

// What stands in front of a control token's written form in vocabularies that know them by name: no
// text has this byte.
inline constexpr char kControlMark = '\xFF';

}  // namespace aquilon::constraint
