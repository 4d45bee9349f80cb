// Copies of a data folder's database, and whether it is sound. Both work while servers write to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace aquilon::store {

// Writes what is committed into one file, which appears whole or not at all. Errors:
// kInvalidArgument (the file exists), those of Database::open, kUnavailable.
Status back_up(const std::string& folder, const std::string& file);

struct CheckReport {
  std::int64_t schema = 0;  // version of the tables
  std::int64_t keys = 0;
  std::int64_t live_keys = 0;
  std::int64_t rows = 0;      // of usage
  std::int64_t requests = 0;  // in them
};

// Reads every page. Errors: kCorrupt names the first thing that is wrong; those of Database::open.
//   scopes  that keys may have; empty: any
Result<CheckReport> check(const std::string& folder, const std::vector<std::string>& scopes = {});

}  // namespace aquilon::store
