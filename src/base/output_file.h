// A result that a command writes for its user.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"

namespace aquilon {

// A file appears whole under its name, by a rename, when it is finished; before that its old
// contents stand, and an unfinished one leaves nothing. Links are followed; a device or a pipe is
// written to as it is. Errors: kUnavailable, naming the path as given. Movable.
// Threads: one user at a time.
class OutputFile {
 public:
  static Result<OutputFile> create(const std::string& path);
  // That create() would work, asked before the work whose result it is: nothing is left behind, and
  // devices and pipes are not touched.
  static Status check(const std::string& path);
  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) noexcept = default;
  ~OutputFile();

  Status write(const void* data, std::size_t bytes);
  Status finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  OutputFile() = default;

  std::string given_;  // for messages
  std::string path_;
  std::string part_;  // empty: path_ itself is written to
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace aquilon
