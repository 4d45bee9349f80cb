#include "store/database.h"

#include <sys/stat.h>

#include <filesystem>

#include "store/key_hash.h"
#include "store/schema.h"

namespace aquilon::store {
namespace {

// The file as it is, before its tables are changed.
Status keep_copy(Connection& connection, const std::string& path) {
  std::error_code ec;
  std::filesystem::remove(path, ec);
  Statement copy = AQ_TRY(connection.prepare("VACUUM INTO ?1"));
  AQ_RETURN_IF_ERROR(copy.run(path));
  if (::chmod(path.c_str(), 0600) != 0) return errno_error("protect", path);
  return {};
}

}  // namespace

Result<Database> Database::open(const std::string& folder, Open mode, const char* vfs) {
  const bool create = mode == Open::kCreate;
  DataDirectory directory = AQ_TRY(DataDirectory::open(folder, create));
  std::error_code ec;
  const bool there = std::filesystem::exists(directory.database(), ec);
  if (!there && directory.has_pepper()) return directory.lost();
  if (!create && !there)
    return make_error(Code::kNotFound,
                      "there is no database in {}: `aquilon keys create` and `aquilon serve` with "
                      "--data make one",
                      folder);
  // Also while a database is opened: that may make it whole again after a crash.
  const WriteLock lock = AQ_TRY(directory.lock());
  const auto how = create ? Connection::Mode::kCreate : Connection::Mode::kExisting;
  Connection connection = AQ_TRY(Connection::open(directory.database(), how, vfs));
  Database database(std::move(directory), std::move(connection), vfs);
  AQ_RETURN_IF_ERROR(database.prepare(create));
  database.file_ = id_of(database.directory_.database());
  database.log_ = id_of(database.directory_.database() + "-wal");
  return database;
}

Result<Database> Database::open_again() const {
  return open(directory_.path(), Open::kExisting, vfs_);
}

Database::FileId Database::id_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {.device = found.st_dev, .number = found.st_ino};
}

Status Database::still_there() const {
  const std::string path = directory_.database();
  if (id_of(path) == file_ && id_of(path + "-wal") == log_) return {};
  return make_error(Code::kUnavailable,
                    "{} or its -wal was removed or replaced while it was in use: put a backup in "
                    "its place",
                    path);
}

// In a new folder the tables come first, then the pepper, then its hash in them: so a folder whose
// making was interrupted has tables, and is made whole, but no keys.
Status Database::prepare(bool create) {
  const std::int64_t version = AQ_TRY(schema_version(connection_));
  if (version > newest_schema()) return migrate(connection_, newest_schema());  // refuses
  if (version == 0) {
    if (directory_.has_pepper()) return directory_.lost();
    if (!create)
      return make_error(Code::kNotFound, "{} is empty: put a backup in its place, with its pepper",
                        directory_.database());
    if (::chmod(directory_.database().c_str(), 0600) != 0)
      return errno_error("protect", directory_.database());
  }
  const bool new_pepper = version == 0 || !AQ_TRY(knows_pepper());
  if (!new_pepper) pepper_ = AQ_TRY(directory_.pepper(false));  // else the tables are of no use
  AQ_RETURN_IF_ERROR(connection_.run("PRAGMA journal_mode=WAL"));
  if (version > 0 && version < newest_schema())
    AQ_RETURN_IF_ERROR(
        keep_copy(connection_, fmt::format("{}/before-{}.db", directory_.path(), newest_schema())));
  AQ_RETURN_IF_ERROR(migrate(connection_, newest_schema()));
  if (new_pepper) pepper_ = AQ_TRY(directory_.pepper(true));
  return check_pepper();
}

// Tables with keys were made with one, whether they have its hash or not.
Result<bool> Database::knows_pepper() {
  return AQ_TRY(connection_.integer("SELECT (SELECT count(*) FROM meta WHERE name = 'pepper') +"
                                    " (SELECT count(*) FROM keys)"))
             .value_or(0) > 0;
}

// The database knows its pepper by a hash: another one would make every key invalid, silently.
Status Database::check_pepper() {
  const std::string mark = key_hash(pepper_, "aquilon pepper");
  Statement known = AQ_TRY(connection_.prepare("SELECT value FROM meta WHERE name = 'pepper'"));
  if (AQ_TRY(known.step())) {
    if (known.text(0) == mark) return {};
    return make_error(Code::kCorrupt,
                      "{} is not the one that the keys of this database were hashed with: put its "
                      "copy back",
                      directory_.pepper_file());
  }
  Statement insert = AQ_TRY(connection_.prepare("INSERT INTO meta VALUES ('pepper', ?1)"));
  return insert.run(mark);
}

Status Database::write(const std::function<Status(Connection&)>& work) {
  const WriteLock lock = AQ_TRY(directory_.lock());
  AQ_RETURN_IF_ERROR(still_there());
  AQ_RETURN_IF_ERROR(connection_.run("BEGIN IMMEDIATE"));
  Status done = work(connection_);
  if (done.ok()) done = connection_.run("COMMIT");
  if (!done.ok() && sqlite3_get_autocommit(connection_.get()) == 0)
    (void)connection_.run("ROLLBACK");
  return done.ok() ? still_there() : done;
}

Status Database::checkpoint() {
  const WriteLock lock = AQ_TRY(directory_.lock());
  return connection_.run("PRAGMA wal_checkpoint(PASSIVE)");
}

}  // namespace aquilon::store
