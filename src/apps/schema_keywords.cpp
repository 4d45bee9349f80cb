// `aquilon schema keywords`: what is enforced of JSON Schema, as a table.
#include <cstdio>
#include <string>

#include "apps/command.h"
#include "constraint/keyword_table.h"

namespace aquilon::apps {
namespace {

struct SchemaKeywordsOptions {
  template <class V>
  void visit(V&) {}
};

// In a cell of a table a bar ends the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

Status schema_keywords(const SchemaKeywordsOptions&) {
  std::string out = "| keyword | enforced | in | a value | and none |\n|---|---|---|---|---|\n";
  for (const constraint::KeywordRow& row : constraint::keyword_table())
    out += fmt::format("| `{}` | {} | `{}` | `{}` | `{}` |\n", row.keyword,
                       row.limits.empty() ? "whole" : cell(row.limits), cell(row.schema),
                       cell(row.accepted), cell(row.refused));
  std::fputs(out.c_str(), stdout);
  return {};
}

}  // namespace

void register_schema_keywords(Commands& commands) {
  commands.add<SchemaKeywordsOptions>(
      "schema keywords", "Tell what is enforced of JSON Schema, as a table in Markdown",
      schema_keywords);
}

}  // namespace aquilon::apps
