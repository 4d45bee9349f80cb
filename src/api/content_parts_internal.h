// Contents of messages, which the dialects write alike but for the names of their parts.
#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>

#include "api/field_values_internal.h"

namespace aquilon::api {

struct PartTypes {
  std::span<const std::string_view> text;  // have a `text`; types that are in neither are refused
  std::span<const std::string_view> left_out = {};
};

// A string, or text parts joined by line breaks.
Refusal read_text_or_parts(const boost::json::value& value, const Location& where,
                           const PartTypes& types, std::string& content);
// The texts of the parts of type thinking in a list content, which are texts, or lists of text
// parts. Empty: there are none.
std::string thoughts_of(const boost::json::value& content);

// The same of the member `content`, which must be there.
Refusal read_content(const boost::json::object& message, const Location& where,
                     const PartTypes& types, std::string& content);

// 400: roles in an order that makes no sense.
ApiError message_order_error(std::string_view param, std::string message);

}  // namespace aquilon::api
