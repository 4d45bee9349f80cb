#include "hub/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/checked_math.h"

namespace aquilon::hub {
namespace {

constexpr mode_t kFolderMode = 0755;

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

bool is_folder(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

// errno_error, but a folder that cannot be made is no missing model.
Error creation_error(const std::string& path) {
  Error error = errno_error("create folder", path);
  if (error.code == Code::kNotFound) error.code = Code::kUnavailable;
  return error;
}

Error in_the_way(const std::string& part, const std::string& path) {
  return make_error(Code::kUnavailable,
                    "cannot create folder {}: {} is in the way and is no folder", path, part);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return path.substr(0, std::max<std::size_t>(slash, 1));
}

}  // namespace

Status make_folders(const std::string& path) {
  for (std::size_t end = path.find('/', 1); true; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), kFolderMode) != 0) {
      if (errno != EEXIST) return creation_error(part);
      if (!is_folder(part)) return in_the_way(part, path);
    }
    if (end == std::string::npos) return {};
  }
}

Status check_folder_usable(const std::string& path) {
  std::string part = path;
  while (!exists(part)) {
    if (errno != ENOENT && errno != ENOTDIR) return creation_error(path);
    part = parent_of(part);
  }
  if (!is_folder(part)) return in_the_way(part, path);
  std::string probe = part + "/.aquilon-XXXXXX";
  if (::mkdtemp(probe.data()) == nullptr) return creation_error(part == path ? probe : path);
  ::rmdir(probe.c_str());
  return {};
}

Result<Descriptor> open_folder(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return errno_error("open folder", path);
  return fd;
}

Result<std::vector<std::string>> folder_entries(const std::string& path) {
  // The store's own root may be a link to another disk; folders in it may not (open_folder).
  const std::unique_ptr<DIR, CloseDir> dir(::opendir(path.c_str()));
  if (dir == nullptr) return errno_error("open folder", path);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status remove_folder(const std::string& path) {
  const Descriptor fd = AQ_TRY(open_folder(path));
  for (const std::string& name : AQ_TRY(folder_entries(path)))
    if (::unlinkat(fd.get(), name.c_str(), 0) != 0) return errno_error("remove", path + "/" + name);
  if (::rmdir(path.c_str()) != 0) return errno_error("remove", path);
  return {};
}

Status sync_folder(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) return errno_error("sync", path);
  return {};
}

Status move_or_swap(const std::string& from, const std::string& to) {
  if (!exists(to)) {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno_error("rename to", to);
    return {};
  }
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return {};
  // File systems without exchange: the model is gone for the moment between the two renames.
  const std::string old = from + ".old";
  if (::rename(to.c_str(), old.c_str()) != 0) return errno_error("rename", to);
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error("rename to", to);
  if (::rename(old.c_str(), from.c_str()) != 0) return errno_error("rename", old);
  return {};
}

std::uint64_t regular_file_bytes(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return 0;
  return static_cast<std::uint64_t>(st.st_size);
}

Result<std::uint64_t> free_disk_bytes(const std::string& path) {
  struct statvfs st {};
  for (std::string part = path; ::statvfs(part.c_str(), &st) != 0; part = parent_of(part))
    if (errno != ENOENT || part == "/" || part == ".") return errno_error("examine", path);
  return (CheckedSize(st.f_bavail) * st.f_frsize).value().value_or(UINT64_MAX);
}

}  // namespace aquilon::hub
