#include "hub/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "hub/digest.h"
#include "hub/folder.h"

namespace aquilon::hub {
namespace {

namespace fs = std::filesystem;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    char path[] = "/tmp/aquilon-store-XXXXXX";
    root_ = ::mkdtemp(path);
  }
  ~StoreTest() override { fs::remove_all(root_); }

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(root_ + "/" + name, std::ios::binary) << text;
    return root_ + "/" + name;
  }
  void expect_error(const auto& result, Code code, const std::string& says) const {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
  }

  std::string root_;
  Store store_ = Store::at("");
  void SetUp() override { store_ = Store::at(root_ + "/models"); }
};

TEST_F(StoreTest, AddsFindsAndRemoves) {
  EXPECT_TRUE(store_.list()->empty());
  const auto added = store_.add("tiny", file("Tiny.gguf", "GGUF and more"));
  ASSERT_TRUE(added.ok()) << added.error().message;
  const auto path = store_.resolve("tiny");
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(*path, root_ + "/models/tiny/Tiny.gguf");
  EXPECT_EQ(store_.find("tiny")->files.front().bytes, 13u);
  EXPECT_TRUE(store_.verify(*added).ok());
  EXPECT_EQ(store_.list()->size(), 1u);
  EXPECT_EQ(*store_.resolve(""), *path);  // the only one
  EXPECT_EQ(fs::status(*path).permissions() & fs::perms::others_write, fs::perms::none);
  EXPECT_TRUE(store_.remove("tiny").ok());
  EXPECT_TRUE(store_.list()->empty());
  EXPECT_FALSE(fs::exists(root_ + "/models/tiny"));
}

TEST_F(StoreTest, AddsEveryPartOfASplitModel) {
  const std::vector<std::string> parts = {file("My Model-00001-of-00002.gguf", "GGUF one"),
                                          file("My Model-00002-of-00002.gguf", "GGUF two!")};
  std::uint64_t last = 0;
  const auto added = store_.add("m", parts, WhenInstalled::kRefuse, [&](std::uint64_t done) {
    EXPECT_GE(done, last);
    last = done;
    return true;
  });
  ASSERT_TRUE(added.ok()) << added.error().message;
  EXPECT_EQ(last, 17u);
  EXPECT_EQ(added->total_bytes(), 17u);
  EXPECT_EQ(*store_.resolve("m"), root_ + "/models/m/m-00001-of-00002.gguf");
  EXPECT_TRUE(fs::exists(root_ + "/models/m/m-00002-of-00002.gguf"));
  EXPECT_TRUE(store_.verify(*added).ok());
  expect_error(store_.add("n", {parts[0], parts[0]}), Code::kInvalidArgument, "has this name");
  expect_error(store_.add("n", {parts[0], file("x.gguf", "PK")}), Code::kCorrupt, "not a GGUF");
  EXPECT_FALSE(fs::exists(root_ + "/models/.partial/n"));
}

TEST_F(StoreTest, AddsAFolder) {
  fs::create_directory(root_ + "/additional_chat_templates");
  const std::vector<std::string> files = {file("config.json", "{}"),
                                          file("model.safetensors", "weights"),
                                          file("additional_chat_templates/tool_use.jinja", "x")};
  const auto added = store_.add("folder", files);
  ASSERT_TRUE(added.ok()) << added.error().message;
  EXPECT_EQ(*store_.resolve("folder"), root_ + "/models/folder");
  EXPECT_EQ(store_.find("folder")->files.size(), 3u);
  EXPECT_TRUE(fs::exists(root_ + "/models/folder/chat_template.tool_use.jinja"));
  EXPECT_TRUE(store_.verify(*added).ok());
  expect_error(store_.add("other", {file("config.json", "{}"), file("manifest.json", "{}")}),
               Code::kInvalidArgument, "manifest.json");
  EXPECT_TRUE(store_.remove("folder").ok());
}

TEST_F(StoreTest, ReplacesAnOlderModelWhole) {
  ASSERT_TRUE(store_.add("m", file("a.gguf", "GGUF one")).ok());
  const std::string second = file("b.gguf", "GGUF number two");
  expect_error(store_.add("m", second), Code::kInvalidArgument,
               "the name 'm' is taken (a.gguf, 8 B): choose another name, or replace that model "
               "with `aquilon models add --replace m FILE`");
  EXPECT_EQ(*store_.resolve("m"), root_ + "/models/m/a.gguf");
  EXPECT_FALSE(fs::exists(root_ + "/models/.partial/m"));
  ASSERT_TRUE(store_.add("m", second, WhenInstalled::kReplace).ok());
  EXPECT_EQ(*store_.resolve("m"), root_ + "/models/m/b.gguf");
  EXPECT_FALSE(fs::exists(root_ + "/models/m/a.gguf"));
  EXPECT_FALSE(fs::exists(root_ + "/models/.partial/m"));
}

TEST_F(StoreTest, RefusesWhatIsNoModel) {
  expect_error(store_.add("m", file("x.gguf", "PK\3\4")), Code::kCorrupt, "not a GGUF file");
  expect_error(store_.add("m", file("y.gguf", "")), Code::kCorrupt, "is empty");
  expect_error(store_.add("m", root_), Code::kInvalidArgument, "is not a file");
  expect_error(store_.add("m", root_ + "/none.gguf"), Code::kNotFound, "none.gguf");
  expect_error(store_.add("../m", file("z.gguf", "GGUF")), Code::kInvalidArgument, "name");
  expect_error(store_.add("smollm2-135m-instruct", file("s.gguf", "GGUF other")), Code::kCorrupt,
               "SHA-256");
  EXPECT_TRUE(store_.list()->empty());
  EXPECT_FALSE(fs::exists(root_ + "/models/.partial/m"));
}

TEST_F(StoreTest, SaysWhatIsThereWhenANameIsNot) {
  ASSERT_TRUE(store_.add("tiny-one", file("a.gguf", "GGUF")).ok());
  expect_error(store_.resolve("tiny-ona"), Code::kNotFound, "installed: tiny-one");
  expect_error(store_.resolve("tiny-ona"), Code::kNotFound, "did you mean tiny-one?");
  expect_error(store_.resolve("smollm2-135m-instruct"), Code::kNotFound,
               "aquilon pull smollm2-135m-instruct");
  expect_error(store_.resolve("Not A Name"), Code::kInvalidArgument, "not a model's name");
  expect_error(store_.resolve("org/repo"), Code::kNotFound, "aquilon pull org/repo");
  expect_error(store_.resolve("none.gguf"), Code::kNotFound, "no file none.gguf");
  expect_error(store_.resolve("/dev/null"), Code::kInvalidArgument, "not a file");
  EXPECT_EQ(*store_.resolve(root_ + "/a.gguf"), root_ + "/a.gguf");
  EXPECT_EQ(*store_.resolve("."), ".");
  EXPECT_EQ(*store_.resolve(".."), "..");
  const fs::path before = fs::current_path();
  fs::current_path(root_);
  fs::create_directory("here");
  fs::create_directory("Qwen2.5");
  expect_error(store_.resolve("here"), Code::kNotFound, "for the folder here say ./here");
  expect_error(store_.resolve("Qwen2.5"), Code::kInvalidArgument, "say ./Qwen2.5");
  fs::current_path(before);
  EXPECT_EQ(*store_.resolve(root_ + "/"), root_ + "/");  // perhaps a folder of safetensors
}

TEST_F(StoreTest, NoticesDamage) {
  const auto added = store_.add("m", file("a.gguf", "GGUF 1234"));
  const std::string inside = root_ + "/models/m/a.gguf";
  std::ofstream(inside) << "GGUF 1235";
  EXPECT_TRUE(store_.resolve("m").ok());  // only sizes are looked at
  expect_error(store_.verify(*added), Code::kCorrupt, "damaged");
  std::ofstream(inside) << "GGUF";
  expect_error(store_.resolve("m"), Code::kCorrupt, "4 bytes, must have 9");
  fs::remove(inside);
  expect_error(store_.resolve("m"), Code::kCorrupt, "missing");
  fs::create_symlink(root_ + "/a.gguf", inside);
  expect_error(store_.resolve("m"), Code::kCorrupt, "must have 9");
}

TEST_F(StoreTest, NeverLeavesItsFolder) {
  fs::create_directories(root_ + "/models");
  fs::create_directory(root_ + "/precious");
  file("precious/manifest.json", "x");
  fs::create_directory_symlink(root_ + "/precious", root_ + "/models/link");
  EXPECT_FALSE(store_.remove("link").ok());
  EXPECT_FALSE(store_.remove("../precious").ok());
  EXPECT_FALSE(store_.remove(".partial").ok());
  EXPECT_TRUE(fs::exists(root_ + "/precious/manifest.json"));
  // A link inside a model's folder is removed, not what it points to.
  ASSERT_TRUE(store_.add("m", file("a.gguf", "GGUF")).ok());
  fs::create_symlink(root_ + "/precious/manifest.json", root_ + "/models/m/extra");
  EXPECT_TRUE(store_.remove("m").ok());
  EXPECT_TRUE(fs::exists(root_ + "/precious/manifest.json"));
}

TEST_F(StoreTest, ListsAroundBrokenManifests) {
  ASSERT_TRUE(store_.add("good", file("a.gguf", "GGUF")).ok());
  fs::create_directory(root_ + "/models/bad");
  file("models/bad/manifest.json", "{");
  fs::create_directory(root_ + "/models/wrong");
  fs::copy_file(root_ + "/models/good/manifest.json", root_ + "/models/wrong/manifest.json");
  std::vector<std::string> problems;
  EXPECT_EQ(store_.list(&problems)->size(), 1u);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_NE(problems[0].find("bad/manifest.json"), std::string::npos);
  EXPECT_NE(problems[1].find("manifest of 'good'"), std::string::npos);
  // What is there may be worth keeping, readable or not.
  expect_error(store_.add("bad", root_ + "/a.gguf"), Code::kInvalidArgument, "taken (damaged: ");
  EXPECT_TRUE(store_.add("bad", root_ + "/a.gguf", WhenInstalled::kReplace).ok());
}

TEST_F(StoreTest, LocksOneModelAgainstASecondWriter) {
  auto staging = store_.stage("m");
  ASSERT_TRUE(staging.ok());
  expect_error(store_.add("m", file("a.gguf", "GGUF")), Code::kUnavailable, "another process");
  EXPECT_TRUE(store_.add("n", root_ + "/a.gguf").ok());
}

TEST_F(StoreTest, RefusesWhatTheDiskCannotHold) {
  expect_error(store_.check_space(std::uint64_t{1} << 50), Code::kUnavailable, "not enough disk");
  expect_error(store_.check_space(UINT64_MAX), Code::kUnavailable, "not enough disk");
  EXPECT_TRUE(store_.check_space(1).ok());
}

TEST_F(StoreTest, SaysWhyItsFolderCannotBe) {
  const std::string source = file("a.gguf", "GGUF");
  fs::create_symlink(root_ + "/nowhere", root_ + "/dangling");
  const Code no_folder = ::geteuid() == 0 ? Code::kUnavailable : Code::kPermissionDenied;
  const std::tuple<std::string, std::string, Code> cases[] = {
      {source, "cannot create folder " + source + "/models", Code::kUnavailable},
      {source + "/deep/down", source + " is in the way and is no folder", Code::kUnavailable},
      {root_ + "/dangling", root_ + "/dangling is in the way and is no folder", Code::kUnavailable},
      {"/proc/aquilon", "cannot create folder /proc/aquilon", no_folder},
  };
  for (const auto& [home, says, code] : cases) {
    const std::string folder = home + "/models";
    expect_error(Store::at(folder).add("m", source), code, says);
    expect_error(check_folder_usable(folder), code, says);
  }
  EXPECT_TRUE(check_folder_usable(root_ + "/not/yet").ok());
  EXPECT_TRUE(check_folder_usable(root_).ok());
  EXPECT_FALSE(fs::exists(root_ + "/not"));
  EXPECT_EQ(folder_entries(root_)->size(), 2u);
}

TEST(StoreHome, FollowsTheEnvironment) {
  ::setenv("AQUILON_HOME", "/x/y", 1);
  EXPECT_EQ(Store::open()->folder(), "/x/y/models");
  ::unsetenv("AQUILON_HOME");
  ::setenv("XDG_DATA_HOME", "/data", 1);
  EXPECT_EQ(Store::open()->folder(), "/data/aquilon/models");
  ::setenv("XDG_DATA_HOME", "relative", 1);
  ::setenv("HOME", "/home/p", 1);
  EXPECT_EQ(Store::open()->folder(), "/home/p/.local/share/aquilon/models");
  ::unsetenv("HOME");
  EXPECT_FALSE(Store::open().ok());
}

TEST(Digest, KnownValues) {
  Digest sha = Digest::sha256();
  sha.update("abc", 3);
  EXPECT_EQ(sha.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Digest blob = Digest::git_blob(6);
  blob.update("hello\n", 6);
  EXPECT_EQ(blob.finish(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace aquilon::hub
