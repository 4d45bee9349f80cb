// Why a schema is not enforced.
#pragma once

#include <string>

namespace aquilon::constraint {

struct SchemaRefusal {
  std::string pointer;  // JSON pointer into the schema; "" is its root
  std::string keyword;  // empty where no single one is the cause
  std::string reason;
};

}  // namespace aquilon::constraint
