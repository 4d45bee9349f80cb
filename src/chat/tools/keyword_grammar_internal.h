// Arguments as Python writes them, held to a schema.
#pragma once

#include <boost/json/value.hpp>

#include "constraint/parts.h"

namespace aquilon::chat {

// name=value, ... : the schema's properties in its order, those that are not required or not. Other
// keywords of the schema are enforced within the values alone.
constraint::Part keyword_grammar(const boost::json::value& schema);

}  // namespace aquilon::chat
