// Single values of a request body, with the 422 that says what is wrong with one.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_error.h"

namespace aquilon::api {

using Location = std::vector<std::string>;

// A whole number of 64 bits, from 2^63 on as its two's complement; 5.0 counts as 5.
Refusal read_integer(const boost::json::value& value, const Location& where, double min, double max,
                     std::int64_t& out);
Refusal read_number(const boost::json::value& value, const Location& where, double min, double max,
                    double& out);
Refusal read_bool(const boost::json::value& value, const Location& where, bool& out);
Refusal read_string(const boost::json::value& value, const Location& where, std::string& out);

// `where` and one step more.
Location step(Location where, std::string_view name);
Location step(Location where, std::size_t index);

}  // namespace aquilon::api
