// The tables of the database, as the steps that made them: each version is the one before and a
// step.
#pragma once

#include <cstdint>

#include "store/sqlite.h"

namespace aquilon::store {

// Of the newest step.
std::int64_t newest_schema();
// Of this file; 0: empty.
Result<std::int64_t> schema_version(Connection& connection);
// Runs the steps from the file's version to `target`, all in one transaction. Requires: the write
// lock. Errors: kUnsupported for a file of a newer aquilon.
Status migrate(Connection& connection, std::int64_t target);

}  // namespace aquilon::store
