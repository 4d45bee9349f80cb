#include "hub/selection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aquilon::hub {
namespace {

TEST(Selection, FindsTheQuantInNames) {
  const struct {
    const char *path, *quant;
  } cases[] = {
      {"qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", "Q4_K_M"},
      {"SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"},
      {"Mistral-7B-Instruct-v0.3-IQ3_XXS.gguf", "IQ3_XXS"},
      {"model-TQ1_0.gguf", "TQ1_0"},
      {"model_q4_k_m.gguf", "Q4_K_M"},
      {"model-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"},
      {"model-BF16.gguf", "BF16"},
      {"model.fp16.gguf", "F16"},
      {"gpt-MXFP4_MOE.gguf", "MXFP4_MOE"},
      {"m-Q8_0-00001-of-00003.gguf", "Q8_0"},
      {"Q5_K_M/m-00001-of-00003.gguf", "Q5_K_M"},
      {"deep/Q6_K/m.gguf", "Q6_K"},
      {"Q4_0-model.gguf", "Q4_0"},
      {"Qwen3-0.6B.gguf", ""},
      {"q.gguf", ""},
      {"model.gguf", ""},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(quant_of(c.path), c.quant) << c.path;
}

std::vector<RemoteFile> listing(const std::vector<std::string>& paths) {
  std::vector<RemoteFile> files;
  for (const std::string& path : paths) files.push_back({path, 10, std::string(64, 'a'), ""});
  return files;
}

struct Case {
  std::vector<std::string> paths;
  std::string selector;
  std::vector<std::string> chosen;  // empty: an error
  std::string says;                 // that the error's message holds
};

TEST(Selection, ChoosesTheFiles) {
  const std::vector<std::string> usual = {"m-Q2_K.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf",
                                          "m-f16.gguf"};
  const std::vector<std::string> split = {"m-Q8_0-00002-of-00002.gguf", "m-Q4_K_M.gguf",
                                          "m-Q8_0-00001-of-00002.gguf"};
  const Case cases[] = {
      {usual, "", {"m-Q4_K_M.gguf"}, ""},
      {usual, "Q8_0", {"m-Q8_0.gguf"}, ""},
      {usual, "q8_0", {"m-Q8_0.gguf"}, ""},
      {usual, "F16", {"m-f16.gguf"}, ""},
      {usual, "m-Q2_K.gguf", {"m-Q2_K.gguf"}, ""},
      {usual, "Q5_K_M", {}, "no file or quant 'Q5_K_M'; there are: m-Q2_K.gguf, m-Q4_K_M.gguf"},
      {usual, "Q4", {}, "no file or quant"},
      {usual, "other.gguf", {}, "no file or quant"},
      {{}, "", {}, "no GGUF files"},
      {{"m-Q8_0.gguf", "m-Q2_K.gguf"}, "", {"m-Q8_0.gguf"}, ""},
      {{"only-IQ1_S.gguf"}, "", {"only-IQ1_S.gguf"}, ""},
      {{"a-IQ1_S.gguf", "a-IQ2_S.gguf"}, "", {}, "several files match"},
      {{"a-Q4_K_M.gguf", "b-Q4_K_M.gguf"}, "", {}, "a-Q4_K_M.gguf, b-Q4_K_M.gguf"},
      {{"a-Q4_K_M.gguf", "b-Q4_K_M.gguf"}, "Q4_K_M", {}, "several files match"},
      {{"a-Q4_K_M.gguf", "b-Q4_K_M.gguf"}, "b-Q4_K_M.gguf", {"b-Q4_K_M.gguf"}, ""},
      {{"x/a.gguf", "y/a.gguf"}, "a.gguf", {}, "x/a.gguf, y/a.gguf"},
      {{"x/a.gguf", "y/a.gguf"}, "y/a.gguf", {"y/a.gguf"}, ""},
      {{"m-Q4_K_M.gguf", "mmproj-m-Q8_0.gguf"}, "Q8_0", {}, "no file or quant"},
      {{"m.gguf", "mmproj-m-f16.gguf", "m.imatrix.gguf"}, "", {"m.gguf"}, ""},
      {split, "", {"m-Q4_K_M.gguf"}, ""},
      {split, "Q8_0", {"m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"}, ""},
      {split,
       "m-Q8_0-00002-of-00002.gguf",
       {"m-Q8_0-00001-of-00002.gguf", "m-Q8_0-00002-of-00002.gguf"},
       ""},
      {{"m-Q8_0-00002-of-00003.gguf", "m-Q8_0-00001-of-00003.gguf"}, "", {}, "part 3 of 3"},
      {{"m-Q8_0-00002-of-99999.gguf"}, "", {}, "part 1 of 99999"},
      {{"m-Q8_0-00000-of-00000.gguf"}, "", {"m-Q8_0-00000-of-00000.gguf"}, ""},
      {{"m-Q8_0-00003-of-00002.gguf"}, "", {}, "part 1 of 2"},
  };
  for (const Case& c : cases) {
    const auto selection = select_files(listing(c.paths), c.selector);
    ASSERT_EQ(selection.ok(), !c.chosen.empty()) << c.selector << " " << c.says;
    if (!selection.ok()) {
      EXPECT_NE(selection.error().message.find(c.says), std::string::npos)
          << selection.error().message;
      continue;
    }
    std::vector<std::string> chosen;
    for (const RemoteFile& file : selection->files) chosen.push_back(file.path);
    EXPECT_EQ(chosen, c.chosen) << c.selector;
  }
}

TEST(Selection, LongListsStayShortMessages) {
  std::vector<std::string> paths;
  for (int i = 0; i < 5000; ++i) paths.push_back("model-" + std::to_string(i) + "-IQ1_S.gguf");
  const auto selection = select_files(listing(paths), "");
  ASSERT_FALSE(selection.ok());
  EXPECT_LT(selection.error().message.size(), 1000u);
  EXPECT_NE(selection.error().message.find("and 4980 more"), std::string::npos);
}

}  // namespace
}  // namespace aquilon::hub
