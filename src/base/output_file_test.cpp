#include "base/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"

namespace aquilon {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    char name[] = "/tmp/output_file_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  Status write(const std::string& path, const std::string& text) {
    OutputFile out = AQ_TRY(OutputFile::create(path));
    AQ_RETURN_IF_ERROR(out.write(text.data(), text.size()));
    return out.finish();
  }

  std::string folder_;
};

TEST_F(OutputFileTest, AppearsWholeOrNotAtAll) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(write(path, "old").ok());
  {
    auto unfinished = OutputFile::create(path);
    ASSERT_TRUE(unfinished.ok());
    ASSERT_TRUE(unfinished->write("new", 3).ok());
  }
  EXPECT_EQ("old", read_file(path).value());
  ASSERT_TRUE(write(path, "new").ok());
  EXPECT_EQ("new", read_file(path).value());
  EXPECT_EQ(1, std::distance(fs::directory_iterator(folder_), {}));
}

TEST_F(OutputFileTest, FollowsLinks) {
  ASSERT_TRUE(write(folder_ + "/real", "old").ok());
  fs::create_symlink("real", folder_ + "/link");
  ASSERT_TRUE(write(folder_ + "/link", "new").ok());
  EXPECT_EQ("new", read_file(folder_ + "/real").value());
  EXPECT_TRUE(fs::is_symlink(folder_ + "/link"));
  fs::create_symlink("later", folder_ + "/dangling");
  ASSERT_TRUE(write(folder_ + "/dangling", "new").ok());
  EXPECT_EQ("new", read_file(folder_ + "/later").value());
}

TEST_F(OutputFileTest, LeavesDevicesInPlaceAndSeesThemFull) {
  fs::create_symlink("/dev/null", folder_ + "/null");
  EXPECT_TRUE(write(folder_ + "/null", "gone").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  if (!fs::is_character_file("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  fs::create_symlink("/dev/full", folder_ + "/full");
  const Status full = write(folder_ + "/full", std::string(1 << 16, 'x'));
  ASSERT_FALSE(full.ok());
  EXPECT_NE(full.error().message.find("No space left"), std::string::npos) << full.error().message;
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(OutputFileTest, ChecksWithoutATrace) {
  ASSERT_TRUE(write(folder_ + "/old", "old").ok());
  fs::create_symlink("later", folder_ + "/dangling");
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  for (const char* name : {"/new", "/old", "/dangling", "/pipe"})  // opening a pipe would wait
    EXPECT_TRUE(OutputFile::check(folder_ + name).ok()) << name;
  EXPECT_EQ("old", read_file(folder_ + "/old").value());
  EXPECT_EQ(3, std::distance(fs::directory_iterator(folder_), {}));
}

TEST_F(OutputFileTest, RefusesFoldersAndMissingOnes) {
  for (const std::string& path : {folder_, folder_ + "/none/a"}) {
    EXPECT_FALSE(OutputFile::check(path).ok());
    const auto out = OutputFile::create(path);
    ASSERT_FALSE(out.ok()) << path;
    EXPECT_EQ(Code::kUnavailable, out.error().code);
    EXPECT_NE(out.error().message.find(path), std::string::npos);
    EXPECT_EQ(out.error().message.find(".part"), std::string::npos);
  }
}

}  // namespace
}  // namespace aquilon
