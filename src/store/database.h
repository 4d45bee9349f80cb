// A data folder's database, ready for use: opened, its tables of this program's version.
//
// Debian 12's SQLite can damage a file in WAL mode when two connections write or checkpoint at the
// same moment. Here none does: everything that writes (and with it every automatic checkpoint)
// holds the folder's write lock, and connections that only read never checkpoint, nor does closing
// one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "store/data_directory.h"
#include "store/sqlite.h"

namespace aquilon::store {

// Movable. Threads: one user at a time; several databases of one folder may be open, in any number
// of processes.
class Database {
 public:
  enum class Open { kExisting, kCreate };

  // Brings older tables up to date; what they were is kept beside them as before-N.db. A folder
  // with a pepper and without tables has lost its keys: that is kCorrupt, never a new database.
  // Errors: kNotFound, kPermissionDenied, kUnavailable, kCorrupt, kUnsupported (a newer program's).
  //   vfs  name of a registered file system; null: SQLite's own
  static Result<Database> open(const std::string& folder, Open mode, const char* vfs = nullptr);
  // Another one of the same folder, for who trusts this one no more.
  Result<Database> open_again() const;

  // Its files are still those at their paths: what is written to removed ones is lost.
  // Errors: kUnavailable.
  Status still_there() const;
  // Runs `work` as one transaction, durable when this returns; undone whole when it fails, but for
  // files that were removed meanwhile.
  Status write(const std::function<Status(Connection&)>& work);
  // Moves what the log beside the file holds into the file, as far as nobody reads there.
  Status checkpoint();
  // For reading, at any time.
  Connection& connection() { return connection_; }

  const DataDirectory& directory() const { return directory_; }
  // What keys are hashed with.
  const std::string& pepper() const { return pepper_; }

 private:
  Database(DataDirectory directory, Connection connection, const char* vfs)
      : directory_(std::move(directory)), connection_(std::move(connection)), vfs_(vfs) {}
  // A file as the file system knows it, whatever its name.
  struct FileId {
    std::uint64_t device = 0, number = 0;
    bool operator==(const FileId&) const = default;
  };
  static FileId id_of(const std::string& path);

  Status prepare(bool create);
  Result<bool> knows_pepper();
  Status check_pepper();

  DataDirectory directory_;
  Connection connection_;
  const char* vfs_;
  std::string pepper_;
  FileId file_, log_;  // of the database and of the log beside it, since they were opened
};

}  // namespace aquilon::store
