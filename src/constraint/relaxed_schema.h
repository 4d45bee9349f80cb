// A JSON Schema without what cannot be enforced, for those who would rather have that than nothing.
#pragma once

#include <boost/json/value.hpp>
#include <vector>

#include "base/result.h"
#include "constraint/grammar.h"
#include "constraint/schema_refusal.h"

namespace aquilon::constraint {

// As Grammar::json_schema, but keywords that it refuses are left out one after the other, until it
// refuses none: every value of `schema` is let through, and others may be. What was left out is
// added to `left_out`: with it whatever would let fewer values through without it, as a negation
// around it. Errors: those of Grammar::json_schema where no keyword is to blame, and its last one
// after too many keywords or with no budget left.
// `schema` becomes the one that is enforced.
Result<Grammar> relaxed_json_schema(boost::json::value& schema, const GrammarOptions& options,
                                    std::vector<SchemaRefusal>& left_out);

}  // namespace aquilon::constraint
