#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "hub/part_file_internal.h"

namespace aquilon::hub {

void PartFile::reset_digests() {
  sha256_ = Digest::sha256();
  git_oid_.reset();
  if (file_.sha256.empty()) git_oid_ = Digest::git_blob(file_.bytes);
}

void PartFile::update(const char* data, std::size_t bytes) {
  sha256_->update(data, bytes);
  if (git_oid_) git_oid_->update(data, bytes);
  bytes_ += bytes;
}

Result<PartFile> PartFile::open(const std::string& path, const RemoteFile& file,
                                const ByteProgress& progress) {
  PartFile part(path, file);
  part.fd_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!part.fd_.ok()) return errno_error("create", path);
  struct stat st {};
  if (::fstat(part.fd_.get(), &st) != 0) return errno_error("examine", path);
  part.reset_digests();
  if (static_cast<std::uint64_t>(st.st_size) > file.bytes) AQ_RETURN_IF_ERROR(part.restart());
  std::vector<char> buffer(std::size_t{1} << 20);
  while (true) {
    const ssize_t n = ::read(part.fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path);
    if (n == 0) return part;
    part.update(buffer.data(), static_cast<std::size_t>(n));
    if (progress && !progress(part.bytes_)) return make_error(Code::kCancelled, "interrupted");
  }
}

Status PartFile::append(std::string_view piece) {
  if (piece.size() > file_.bytes - bytes_)
    return make_error(Code::kCorrupt, "{} is larger than the {} bytes announced", file_.path,
                      file_.bytes);
  std::size_t done = 0;
  while (done < piece.size()) {
    const ssize_t n = ::write(fd_.get(), piece.data() + done, piece.size() - done);
    if (n < 0 && errno == EINTR) continue;
    // Not kUnavailable: a full disk is no reason to ask the network again.
    if (n < 0) return make_error(Code::kInternal, "{}", errno_error("write", path_).message);
    update(piece.data() + done, static_cast<std::size_t>(n));
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Status PartFile::restart() {
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0)
    return errno_error("shorten", path_);
  bytes_ = 0;
  reset_digests();
  return {};
}

Result<std::string> PartFile::finish() {
  if (::fsync(fd_.get()) != 0) return errno_error("sync", path_);
  std::string sha256 = sha256_->finish();
  const std::string found = git_oid_ ? git_oid_->finish() : sha256;
  const std::string& wanted = git_oid_ ? file_.git_oid : file_.sha256;
  if (found != wanted)
    return make_error(Code::kCorrupt, "{} arrived damaged: its checksum is {}, the hub says {}",
                      file_.path, found, wanted);
  return sha256;
}

}  // namespace aquilon::hub
