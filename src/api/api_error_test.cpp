#include "api/api_error.h"

#include <gtest/gtest.h>

namespace aquilon::api {
namespace {

TEST(ApiErrorTest, PathsOfTheServerAreItsOwn) {
  const struct {
    Code code;
    const char* message;
    const char* told;
  } cases[] = {
      {Code::kUnavailable, "cannot write /srv/data/aquilon.db: the disk is full",
       "cannot write a file: the disk is full"},
      {Code::kInternal, "/srv/a.gguf: it is gone", "a file: it is gone"},
      {Code::kInternal, "cannot open '/srv/x y', or (/etc/a), a=/b/c",
       "cannot open 'a file y', or (a file), a=a file"},
      {Code::kOutOfMemory, "12 GB/s of 3 / 4, and/or more", "12 GB/s of 3 / 4, and/or more"},
      {Code::kUnavailable, "", ""},
      {Code::kUnavailable, "ends with /", "ends with /"},
      // What the client sent: a place in its schema.
      {Code::kInvalidArgument, "the schema at /properties/a is empty",
       "the schema at /properties/a is empty"},
  };
  for (const auto& c : cases) EXPECT_EQ(from_error(Error{c.code, c.message}).message, c.told);
}

}  // namespace
}  // namespace aquilon::api
