#include "api/json_reader.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <ctime>
#include <string>

namespace aquilon::api {
namespace {

// Bodies that must be refused are in tests/api/errors.case; here is what a body cannot show.

std::string refusal_of(std::string_view text) {
  boost::json::object out;
  const Refusal refusal = read_json_object(text, out);
  return refusal ? refusal->message : "";
}

TEST(JsonReaderTest, BuildsWhatItReads) {
  boost::json::object out;
  const std::string text =
      R"({"a":[1,-2,18446744073709551615,1.5,true,false,null,"x\né"],"b":{"c":{}}})";
  ASSERT_FALSE(read_json_object(text, out));
  EXPECT_EQ(boost::json::serialize(out),
            R"({"a":[1,-2,18446744073709551615,1.5E0,true,false,null,"x\né"],"b":{"c":{}}})");
}

TEST(JsonReaderTest, SameKeyInDifferentObjectsIsFine) {
  EXPECT_EQ(refusal_of(R"({"a":{"k":1},"b":{"k":2,"a":{"k":3}}})"), "");
}

TEST(JsonReaderTest, DeepInputIsRefused) {
  EXPECT_NE(refusal_of(std::string(1'000'000, '[')), "");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_NE(refusal_of(objects), "");
}

TEST(JsonReaderTest, ManyKeysTakeLinearLikeTime) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += fmt::format("\"k{}\":0,", i);
  text += "\"last\":0}";
  const std::clock_t start = std::clock();
  EXPECT_EQ(refusal_of(text), "");
  // Usually 0.3 s, 2 s under a sanitizer; comparing each key with each would take minutes.
  EXPECT_LT(std::clock() - start, 60 * CLOCKS_PER_SEC);
}

TEST(JsonReaderTest, LongKeysInPiecesAreComparedWhole) {
  const std::string key(5000, 'k');
  EXPECT_NE(refusal_of(fmt::format(R"({{"{0}\n":1,"{0}\n":2}})", key)), "");
  EXPECT_EQ(refusal_of(fmt::format(R"({{"{0}\na":1,"{0}\nb":2}})", key)), "");
}

}  // namespace
}  // namespace aquilon::api
