#include "constraint/keyword_table.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <set>

#include "constraint/grammar_for_test.h"
#include "constraint/schema_document_internal.h"

namespace aquilon::constraint {
namespace {

TEST(KeywordTable, SaysOfEveryKeywordWhatIsSo) {
  std::set<std::string_view> seen;
  for (const KeywordRow& row : keyword_table()) {
    SCOPED_TRACE(row.keyword);
    EXPECT_TRUE(seen.insert(row.keyword).second);
    const auto schema = boost::json::parse(row.schema);
    const auto grammar = Grammar::json_schema(schema);
    ASSERT_TRUE(grammar.ok()) << grammar.error().message;
    EXPECT_TRUE(accepts(*grammar, row.accepted)) << row.accepted;
    EXPECT_FALSE(accepts(*grammar, row.refused)) << row.refused;
    EXPECT_NE(row.schema.find("\"" + std::string(row.keyword) + "\""), row.schema.npos);
    boost::json::parse(row.refused);  // wrong for no other reason
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(Keyword::kCount); ++i)
    EXPECT_TRUE(seen.contains(keyword_name(static_cast<Keyword>(i))))
        << keyword_name(static_cast<Keyword>(i)) << " has no row";
}

}  // namespace
}  // namespace aquilon::constraint
