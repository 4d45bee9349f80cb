#include "base/mapping_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.h"

namespace aquilon {
namespace {

class MappingGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "mapping_guard_" + std::to_string(getpid());
    std::ofstream(path_) << std::string(3 * 4096, 'a');
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_;
};

std::size_t count(std::span<const std::byte> bytes, char c) {
  return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), std::byte(c)));
}

TEST_F(MappingGuardTest, WhatAFileLostReadsAsZeros) {
  const MappedFile file = MappedFile::open(path_).value();
  EXPECT_EQ(count(file.bytes(), 'a'), 3u * 4096);
  EXPECT_FALSE(file.damaged());
  ASSERT_EQ(truncate(path_.c_str(), 4096), 0);
  EXPECT_FALSE(file.damaged());  // nobody has read it yet
  EXPECT_EQ(count(file.bytes(), 'a'), 4096u);
  EXPECT_EQ(count(file.bytes(), '\0'), 2u * 4096);
  EXPECT_TRUE(file.damaged());
  EXPECT_TRUE(any_mapping_damaged());
}

TEST_F(MappingGuardTest, OtherFilesAreNotBlamed) {
  const MappedFile kept = MappedFile::open(path_).value();
  const std::string other = path_ + "b";
  std::ofstream(other) << std::string(8192, 'b');
  const MappedFile file = MappedFile::open(other).value();
  ASSERT_EQ(truncate(other.c_str(), 0), 0);
  EXPECT_EQ(count(file.bytes(), 'b'), 0u);
  EXPECT_TRUE(file.damaged());
  EXPECT_FALSE(kept.damaged());
  std::filesystem::remove(other);
}

TEST_F(MappingGuardTest, AMovedFileIsStillGuarded) {
  MappedFile file = MappedFile::open(path_).value();
  const MappedFile moved = std::move(file);
  ASSERT_EQ(truncate(path_.c_str(), 0), 0);
  EXPECT_EQ(count(moved.bytes(), '\0'), 3u * 4096);
  EXPECT_TRUE(moved.damaged());
}

TEST(MappingGuardDeathTest, OtherBusErrorsEndTheProcess) {
  guard_mappings();
  EXPECT_DEATH(raise(SIGBUS), "BUS");  // sanitizers report it themselves
}

}  // namespace
}  // namespace aquilon
