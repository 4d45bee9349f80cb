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
  if (!create && !std::filesystem::exists(directory.database(), ec))
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
  return database;
}

Result<Database> Database::open_again() const {
  return open(directory_.path(), Open::kExisting, vfs_);
}

Status Database::prepare(bool create) {
  const std::int64_t version = AQ_TRY(schema_version(connection_));
  if (version == 0 && ::chmod(directory_.database().c_str(), 0600) != 0)
    return errno_error("protect", directory_.database());
  // First: tables whose pepper is gone are of no use.
  pepper_ = AQ_TRY(directory_.pepper(create && version == 0));
  AQ_RETURN_IF_ERROR(connection_.run("PRAGMA journal_mode=WAL"));
  if (version > 0 && version < newest_schema())
    AQ_RETURN_IF_ERROR(
        keep_copy(connection_, fmt::format("{}/before-{}.db", directory_.path(), newest_schema())));
  AQ_RETURN_IF_ERROR(migrate(connection_, newest_schema()));
  return check_pepper();
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
  AQ_RETURN_IF_ERROR(connection_.run("BEGIN IMMEDIATE"));
  Status done = work(connection_);
  if (done.ok()) done = connection_.run("COMMIT");
  if (!done.ok() && sqlite3_get_autocommit(connection_.get()) == 0)
    (void)connection_.run("ROLLBACK");
  return done;
}

Status Database::checkpoint() {
  const WriteLock lock = AQ_TRY(directory_.lock());
  return connection_.run("PRAGMA wal_checkpoint(PASSIVE)");
}

}  // namespace aquilon::store
