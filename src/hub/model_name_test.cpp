#include "hub/model_name.h"

#include <gtest/gtest.h>

#include <string>

namespace aquilon::hub {
namespace {

TEST(ModelName, AcceptsOnlyPlainSmallNames) {
  for (const char* good : {"a", "smollm2-135m-instruct", "qwen2.5_x", "0.5b", "a-.b"})
    EXPECT_TRUE(is_model_name(good)) << good;
  for (const char* bad : {"", ".", "..", "../x", "a/b", "a..b", ".partial", "-x", "A", "a b", "a\n",
                          "a\\b", "é", "a:b", "~"})
    EXPECT_FALSE(is_model_name(bad)) << bad;
  EXPECT_TRUE(is_model_name(std::string(96, 'a')));
  EXPECT_FALSE(is_model_name(std::string(97, 'a')));
  EXPECT_FALSE(is_model_name(std::string_view("a\0b", 3)));
}

TEST(ModelName, GgufFileNames) {
  for (const char* good : {"a.gguf", "SmolLM2-135M.Q4_1.gguf", "m-00001-of-00003.gguf"})
    EXPECT_TRUE(is_gguf_file_name(good)) << good;
  for (const char* bad : {".gguf", "a.bin", "../a.gguf", "d/a.gguf", ".a.gguf", "-a.gguf",
                          "a b.gguf", "manifest.json", "a.gguf\n", "a.GGUF"})
    EXPECT_FALSE(is_gguf_file_name(bad)) << bad;
}

TEST(ModelName, Sha256) {
  EXPECT_TRUE(is_sha256(std::string(64, 'a')));
  EXPECT_FALSE(is_sha256(std::string(64, 'A')));
  EXPECT_FALSE(is_sha256(std::string(63, '0')));
  EXPECT_FALSE(is_sha256("../../" + std::string(58, '0')));
}

TEST(ModelName, HubReferences) {
  EXPECT_EQ(parse_hub_reference("Qwen/Qwen2.5-0.5B-GGUF"),
            (HubReference{"Qwen/Qwen2.5-0.5B-GGUF", ""}));
  EXPECT_EQ(parse_hub_reference("org/repo:Q4_K_M"), (HubReference{"org/repo", "Q4_K_M"}));
  EXPECT_EQ(parse_hub_reference("org/repo:sub/x.gguf"), (HubReference{"org/repo", "sub/x.gguf"}));
  for (const char* bad :
       {"", "name", "/x", "x/", "a/b/c", "../b", "a/..", "a/.b", "a/b:", "a/b:../c",
        "a/b:/etc/x.gguf", "a/b?x", "a/b c", "a/b:c:d", "http://a/b", "a@b/c"})
    EXPECT_FALSE(parse_hub_reference(bad)) << bad;
}

TEST(ModelName, StoreNames) {
  const struct {
    const char *repo, *quant, *name;
  } cases[] = {
      {"Qwen/Qwen2.5-0.5B-GGUF", "Q4_K_M", "qwen2.5-0.5b-q4_k_m"},
      {"a/Model_gguf", "", "model"},
      {"a/Model", "F16", "model-f16"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(store_name(c.repo, c.quant), c.name);
    EXPECT_TRUE(is_model_name(c.name));
  }
}

}  // namespace
}  // namespace aquilon::hub
