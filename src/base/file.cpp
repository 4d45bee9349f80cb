#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"

namespace aquilon {

Error errno_error(std::string_view what, std::string_view path) {
  const Code code = errno == ENOENT || errno == ENOTDIR ? Code::kNotFound
                    : errno == EACCES                   ? Code::kPermissionDenied
                                                        : Code::kUnavailable;
  return make_error(code, "cannot {} {}: {}", what, path, std::strerror(errno));
}

namespace {

Result<std::uint64_t> regular_size(int fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return errno_error("stat", path);
  if (!S_ISREG(st.st_mode))
    return make_error(Code::kInvalidArgument, "{} is not a regular file", path);
  return static_cast<std::uint64_t>(st.st_size);
}

}  // namespace

void MappedFile::Unmap::operator()(const std::byte* p) const {
  ::munmap(const_cast<std::byte*>(p), size);
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.ok()) return errno_error("open", path);
  const std::uint64_t size = AQ_TRY(regular_size(fd.get(), path));
  MappedFile file;
  file.path_ = path;
  file.size_ = size;
  if (size == 0) return file;  // mmap refuses empty maps
  void* p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (p == MAP_FAILED) return errno_error("map", path);
  file.data_ = {static_cast<const std::byte*>(p), Unmap{size}};
  guard_mappings();
  file.guard_ = MappingGuard(file.bytes());
  return file;
}

void MappedFile::drop(std::span<const std::byte> bytes) const {
  constexpr std::size_t kPage = 4096;
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + kPage - 1) / kPage * kPage;
  const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / kPage * kPage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

Result<std::string> read_file(const std::string& path, std::uint64_t limit) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.ok()) return errno_error("open", path);
  const std::uint64_t size = AQ_TRY(regular_size(fd.get(), path));
  if (size > limit)
    return make_error(Code::kInvalidArgument, "{} is too large: {} bytes, at most {}", path, size,
                      limit);
  std::string contents(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd.get(), contents.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  contents.resize(done);
  return contents;
}

Status write_file_atomically(const std::string& path, std::string_view contents) {
  const std::string part = path + ".part";
  {
    const Descriptor fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd.ok()) return errno_error("create", part);
    std::size_t done = 0;
    while (done < contents.size()) {
      const ssize_t n = ::write(fd.get(), contents.data() + done, contents.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error("write", part);
      done += static_cast<std::size_t>(n);
    }
    if (::fsync(fd.get()) != 0) return errno_error("sync", part);
  }
  if (::rename(part.c_str(), path.c_str()) != 0) return errno_error("rename to", path);
  return {};
}

}  // namespace aquilon
