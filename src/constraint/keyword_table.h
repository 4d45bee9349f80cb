// What is enforced of JSON Schema, keyword by keyword, each with a schema that shows it. A test
// holds the rows to what grammars do; the documents are made from them.
#pragma once

#include <span>
#include <string_view>

namespace aquilon::constraint {

struct KeywordRow {
  std::string_view keyword;
  std::string_view limits;    // of what is enforced; empty: all of it is
  std::string_view schema;    // JSON
  std::string_view accepted;  // a value of it, JSON
  std::string_view refused;   // one that the keyword forbids
};

// Every keyword that constrains values, each once, in the order of the documents.
std::span<const KeywordRow> keyword_table();

}  // namespace aquilon::constraint
