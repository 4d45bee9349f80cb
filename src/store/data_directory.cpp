#include "store/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "base/file.h"

namespace aquilon::store {
namespace {

constexpr std::size_t kPepperBytes = 32;
constexpr std::chrono::seconds kLockPatience{10};
constexpr std::chrono::microseconds kLockPause{500};

Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count))
    return errno_error("read", "the system's random source");
  return bytes;
}

// For its owner alone from the first moment, and there after a power failure.
Status write_secret(const std::string& path, const std::string& bytes) {
  const std::string part = path + ".part";  // what write_file_atomically() writes to
  const Descriptor made(::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made.ok()) return errno_error("create", part);
  if (::fchmod(made.get(), 0600) != 0) return errno_error("protect", part);
  AQ_RETURN_IF_ERROR(write_file_atomically(path, bytes));
  return sync_folder(std::filesystem::path(path).parent_path().string());
}

// Of a folder for the server's own user; what root owns is as good.
bool is_ours(uid_t owner, uid_t folder_owner) {
  const uid_t self = ::geteuid();
  return owner == 0 || owner == self || (self == 0 && owner == folder_owner);
}

// `forbidden`: rights of other users that the file may not give. A group's rights are left to who
// gives them: volumes of Kubernetes are shared that way.
Status check_rights(const std::string& path, mode_t forbidden, std::string_view mode) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return errno_error("look at", path);
  if ((found.st_mode & forbidden) != 0)
    return make_error(Code::kPermissionDenied,
                      "{} is open to every user of this machine: `chmod {} {}`, and make new keys "
                      "if others may have seen or changed it",
                      path, mode, path);
  struct stat folder {};
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (::stat(parent.c_str(), &folder) != 0) return errno_error("look at", parent);
  if (!is_ours(found.st_uid, folder.st_uid))
    return make_error(Code::kPermissionDenied,
                      "{} belongs to another user (number {}): give it to the user that runs "
                      "aquilon, if it is the right one",
                      path, found.st_uid);
  return {};
}

}  // namespace

Status sync_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok() || ::fsync(folder.get()) != 0) return errno_error("sync", path);
  return {};
}

Result<DataDirectory> DataDirectory::open(const std::string& path, bool create) {
  if (path.empty())
    return make_error(Code::kInvalidArgument, "no data folder given: --data FOLDER (AQUILON_DATA)");
  if (create && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error("make", path);
  std::error_code ec;
  if (!std::filesystem::is_directory(path, ec))
    return make_error(Code::kNotFound,
                      "{} is not a folder: `aquilon keys create` and `aquilon serve` with --data "
                      "make one",
                      path);
  const std::filesystem::path whole = std::filesystem::canonical(path, ec);
  if (ec) return make_error(Code::kUnavailable, "cannot find {}: {}", path, ec.message());
  struct stat found {};
  if (::stat(whole.c_str(), &found) == 0 && (found.st_mode & S_IWOTH) != 0)
    return make_error(Code::kPermissionDenied,
                      "every user of this machine may write to {}: `chmod 0700 {}`, and look at "
                      "what is in it",
                      whole.string(), whole.string());
  DataDirectory directory(whole.string());
  if (std::filesystem::exists(directory.database(), ec))
    AQ_RETURN_IF_ERROR(check_rights(directory.database(), S_IWOTH, "0600"));
  return directory;
}

bool DataDirectory::has_pepper() const {
  std::error_code ec;
  return std::filesystem::exists(std::filesystem::symlink_status(pepper_file(), ec));
}

Error DataDirectory::lost() const {
  return make_error(Code::kCorrupt,
                    "{} is gone or empty, but {} says that there were keys: put a backup in its "
                    "place, or remove {} to begin anew without any of the keys",
                    database(), pepper_file(), pepper_file());
}

Result<WriteLock> DataDirectory::lock() const {
  const std::string path = path_ + "/lock";
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.ok()) return errno_error("open", path);
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_error("lock", path);
    if (std::chrono::steady_clock::now() >= deadline)
      return make_error(Code::kUnavailable,
                        "another aquilon has held {} for {} s: is one stopped there?", path,
                        kLockPatience.count());
    std::this_thread::sleep_for(kLockPause);
  }
  return WriteLock(std::move(file));
}

Result<std::string> DataDirectory::pepper(bool create) const {
  const std::string path = pepper_file();
  auto bytes = read_file(path, kPepperBytes);
  if (!bytes.ok() && bytes.error().code == Code::kNotFound && create) {
    const std::string fresh = AQ_TRY(random_bytes(kPepperBytes));
    AQ_RETURN_IF_ERROR(write_secret(path, fresh));
    return fresh;
  }
  if (!bytes.ok() && bytes.error().code == Code::kNotFound)
    return make_error(Code::kNotFound,
                      "{} is missing: without it no key of this database can be checked; put its "
                      "copy back",
                      path);
  if (bytes.ok() && bytes->size() != kPepperBytes)
    return make_error(Code::kCorrupt, "{} has {} bytes instead of {}: put its copy back", path,
                      bytes->size(), kPepperBytes);
  if (!bytes.ok()) return bytes;
  AQ_RETURN_IF_ERROR(check_rights(path, S_IRWXO, "0600"));
  if (bytes->find_first_not_of(bytes->front()) == std::string::npos)
    return make_error(Code::kCorrupt,
                      "{} is no secret, its bytes are all the same: put its copy "
                      "back",
                      path);
  return bytes;
}

}  // namespace aquilon::store
