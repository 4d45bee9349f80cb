// JSON as Python's json module reads and writes it (ensure_ascii=False), byte for byte: Mistral's
// models were trained on prompts made with it.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace aquilon::chat::mistral {

// json.dumps(json.loads(text)). Nothing where json.loads fails, or values are nested deeper than
// 512. Numbers keep all their digits; NaN and infinities are allowed, as there. Time: about linear.
std::optional<std::string> normalise_json(std::string_view text);

// json.dumps of a text.
std::string dump_text(std::string_view text);

// json.dumps of a value; members keep their order.
std::string dump(const boost::json::value& value);

}  // namespace aquilon::chat::mistral
