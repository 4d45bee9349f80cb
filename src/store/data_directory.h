// The folder that holds a server's state: the database, the secret that keys are hashed with, and
// the lock that makes everything that writes take turns.
#pragma once

#include <string>

#include "base/descriptor.h"
#include "base/result.h"

namespace aquilon::store {

// While it lives no other process writes to the folder's database. Movable.
class WriteLock {
 public:
  explicit WriteLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;  // the lock goes with its last descriptor
};

class DataDirectory {
 public:
  // `create`: makes the folder, for its owner alone, if it is not there. Errors: kNotFound,
  // kPermissionDenied (also where other users may change what is in it), kUnavailable.
  static Result<DataDirectory> open(const std::string& path, bool create);

  const std::string& path() const { return path_; }
  std::string database() const { return path_ + "/aquilon.db"; }
  std::string pepper_file() const { return path_ + "/pepper"; }

  // Waits for its turn, 10 s at most. Errors: kUnavailable, kPermissionDenied.
  Result<WriteLock> lock() const;

  // 32 random bytes, written where there are none yet. Errors: kNotFound (not there, and not to be
  // made), kCorrupt, kPermissionDenied (other users may read it), kUnavailable.
  Result<std::string> pepper(bool create) const;
  bool has_pepper() const;
  // A pepper says that keys were made: without its database they are lost.
  Error lost() const;

 private:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// New and renamed files in the folder stay there after a power failure. Errors: kUnavailable.
Status sync_folder(const std::string& path);

}  // namespace aquilon::store
