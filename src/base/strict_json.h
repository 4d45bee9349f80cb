// JSON of files and listings that others wrote, read strictly: one value, bounded, no key twice in
// one object. What a key that is given twice means differs from reader to reader.
#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace aquilon {

// `name` begins every message; it is the file's.   memory  what the value is made in
// Errors: kCorrupt for what is not JSON, with the byte, and for a key that is given twice, with the
// key and where; kUnsupported above `max_values` values; kOutOfMemory. Depth is bounded at 32.
Result<boost::json::value> parse_strict_json(std::string_view text, std::string_view name,
                                             std::size_t max_values = std::size_t(-1),
                                             boost::json::storage_ptr memory = {});

}  // namespace aquilon
