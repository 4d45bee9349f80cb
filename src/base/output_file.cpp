#include "base/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace aquilon {

namespace fs = std::filesystem;

Result<OutputFile> OutputFile::create(const std::string& path) {
  OutputFile out;
  out.given_ = path;
  std::error_code ec;
  const fs::path real = fs::canonical(path, ec);  // through links; fails where there is nothing yet
  out.path_ = ec ? path : real.string();
  const fs::file_status status = fs::symlink_status(out.path_, ec);
  if (fs::is_directory(status))
    return make_error(Code::kUnavailable, "cannot write {}: it is a folder", path);
  if (!fs::exists(status) || fs::is_regular_file(status)) out.part_ = out.path_ + ".part";
  const std::string& to = out.part_.empty() ? out.path_ : out.part_;
  out.file_.reset(std::fopen(to.c_str(), "wb"));
  if (!out.file_) {
    out.part_.clear();
    return make_error(Code::kUnavailable, "cannot create {}: {}", path, std::strerror(errno));
  }
  return out;
}

Status OutputFile::check(const std::string& path) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  const bool special =
      fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
  const bool dangling = !fs::exists(status) && fs::is_symlink(fs::symlink_status(path, ec));
  if (special || dangling) return {};
  const auto file = create(path);
  return file.ok() ? Status() : Status(file.error());
}

OutputFile::~OutputFile() {
  if (file_ && !part_.empty()) ::unlink(part_.c_str());
}

Status OutputFile::write(const void* data, std::size_t bytes) {
  if (std::fwrite(data, 1, bytes, file_.get()) == bytes) return {};
  return make_error(Code::kUnavailable, "cannot write {}: {}", given_, std::strerror(errno));
}

Status OutputFile::finish() {
  // On the disk before the old contents go.
  const bool synced =
      std::fflush(file_.get()) == 0 && (part_.empty() || ::fsync(::fileno(file_.get())) == 0);
  const int problem = errno;
  const bool closed = std::fclose(file_.release()) == 0;
  if (synced && closed && (part_.empty() || std::rename(part_.c_str(), path_.c_str()) == 0))
    return {};
  if (!synced) errno = problem;
  const Error error =
      make_error(Code::kUnavailable, "cannot write {}: {}", given_, std::strerror(errno));
  if (!part_.empty()) ::unlink(part_.c_str());
  return error;
}

}  // namespace aquilon
