// An empty folder of a test's own, removed with what is in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace aquilon::store {

class FolderForTest {
 public:
  FolderForTest() {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/aquilon-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~FolderForTest() {
    std::error_code ec;
    std::filesystem::remove_all(path_, ec);
  }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace aquilon::store
