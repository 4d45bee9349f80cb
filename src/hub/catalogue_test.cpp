#include "hub/catalogue.h"

#include <gtest/gtest.h>

#include <string>

namespace aquilon::hub {
namespace {

TEST(Catalogue, BuiltInHasItsDefault) {
  const Catalogue& catalogue = Catalogue::built_in();
  EXPECT_EQ(catalogue.default_model().name, "smollm2-135m-instruct");
  EXPECT_EQ(catalogue.default_model().sha256.size(), 64u);
  EXPECT_GE(catalogue.models().size(), 10u);
  EXPECT_EQ(catalogue.find("no-such"), nullptr);
  const CatalogueModel* large = catalogue.find("mistral-large-instruct-2407");
  ASSERT_NE(large, nullptr);
  EXPECT_NE(large->notice.find("research only"), std::string::npos);
}

TEST(Catalogue, RefusesWhatItCannotTrust) {
  const auto with = [](std::string fields) {
    return R"({"models":[{"name":"d","repo":"o/r","quant":"Q4_0","licence":"MIT","default":true},{)" +
           fields + "}]}";
  };
  EXPECT_TRUE(
      Catalogue::parse(with(R"("name":"x","repo":"o/r","quant":"Q8_0","licence":"MIT")")).ok());
  const struct {
    std::string json;
    const char* says;
  } cases[] = {
      {"", "not valid JSON"},
      {"[]", "not a JSON object"},
      {"{}", "models"},
      {R"({"models":[]})", "0 default models"},
      {R"({"models":[1]})", "not a JSON object"},
      {with(R"("name":"../x","repo":"o/r","quant":"Q","licence":"MIT")"), "'name'"},
      {with(R"("name":"d","repo":"o/r","quant":"Q","licence":"MIT")"), "stands twice"},
      {with(R"("name":"x","repo":"o/../r","quant":"Q","licence":"MIT")"), "'repo'"},
      {with(R"("name":"x","repo":"o/r:Q","quant":"Q","licence":"MIT")"), "'repo'"},
      {with(R"("name":"x","repo":"o/r","file":"../a.gguf","licence":"MIT")"), "'file'"},
      {with(R"("name":"x","repo":"o/r","licence":"MIT")"), "'quant'"},
      {with(R"("name":"x","repo":"o/r","quant":"Q")"), "'licence'"},
      {with(R"("name":"x","repo":"o/r","quant":"Q","licence":"MIT","sha256":"00")"), "'sha256'"},
      {with(R"("name":"x","repo":"o/r","quant":"Q","licence":"MIT","bytes":-1)"), "'bytes'"},
      {with(R"("name":"x","repo":"o/r","quant":7,"licence":"MIT")"), "'quant'"},
  };
  for (const auto& c : cases) {
    const auto parsed = Catalogue::parse(c.json);
    ASSERT_FALSE(parsed.ok()) << c.json;
    EXPECT_EQ(parsed.error().code, Code::kCorrupt);
    EXPECT_NE(parsed.error().message.find(c.says), std::string::npos) << parsed.error().message;
  }
}

}  // namespace
}  // namespace aquilon::hub
