#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aquilon {
namespace {

struct Case {
  const char* name;
  const char* nearest;
};

TEST(Nearest, FindsTheNameThatWasMeant) {
  const std::vector<std::string> names = {"port", "host", "model", "max-queue", "ctx"};
  const Case cases[] = {
      {"prot", "port"},
      {"modl", "model"},
      {"max_queue", "max-queue"},
      {"hots", "host"},
      {"max-qeue", "max-queue"},
      {"ctxx", "ctx"},
      {"port", "port"},
      {"xyzzy", ""},
      {"", ""},
      {"q", ""},
      {"temperature", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(nearest_name(c.name, names), c.nearest) << c.name;
}

TEST(Nearest, SaysNothingWhenNothingIsClose) {
  const std::vector<std::string> names = {"port"};
  EXPECT_EQ(did_you_mean("prot", names, "--"), "; did you mean --port?");
  EXPECT_EQ(did_you_mean("unrelated", names, "--"), "");
  EXPECT_EQ(did_you_mean(std::string(1 << 20, 'a'), names), "");
}

}  // namespace
}  // namespace aquilon
