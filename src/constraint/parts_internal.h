// From parts to rules; their schemas go into the machine's tables.
#pragma once

#include "constraint/cfg_reader_internal.h"
#include "constraint/machine_internal.h"
#include "constraint/parts.h"

namespace aquilon::constraint {

// Errors: kInvalidArgument for a schema that is not enforced, with pointer, keyword and reason, or
// a bad pattern.
Result<CfgSource> parts_source(const Part& part, Machine& machine);

}  // namespace aquilon::constraint
