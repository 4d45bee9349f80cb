#include "store/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/descriptor.h"
#include "store/database.h"
#include "store/schema.h"

namespace aquilon::store {
namespace {

// The first line that SQLite says of a file's structure: "ok", or what is wrong.
Status check_structure(Connection& connection, const std::string& path) {
  Statement check = AQ_TRY(connection.prepare("PRAGMA integrity_check(1)"));
  const bool said = AQ_TRY(check.step());
  const std::string result = said ? check.text(0) : "no answer";
  if (result == "ok") return {};
  return make_error(Code::kCorrupt,
                    "{} is damaged: {}: put a backup in its place, see docs/OPERATIONS.md", path,
                    result);
}

Status sync_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.ok() || ::fsync(file.get()) != 0) return errno_error("sync", path);
  return {};
}

Status copy_to(Connection& connection, const std::string& part) {
  Statement copy = AQ_TRY(connection.prepare("VACUUM INTO ?1"));
  AQ_RETURN_IF_ERROR(copy.run(part));
  Connection written = AQ_TRY(Connection::open(part, Connection::Mode::kReadOnly));
  AQ_RETURN_IF_ERROR(check_structure(written, part));
  return sync_file(part);
}

}  // namespace

Status back_up(const std::string& folder, const std::string& file) {
  std::error_code ec;
  if (std::filesystem::exists(file, ec))
    return make_error(Code::kInvalidArgument, "{} exists: choose another name, or remove it", file);
  Database database = AQ_TRY(Database::open(folder, Database::Open::kExisting));
  const std::string part = file + ".part";
  std::filesystem::remove(part, ec);
  // For the owner alone, like the database: it holds the names of keys and who used what.
  {
    const Descriptor made(::open(part.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    if (!made.ok()) return errno_error("create", part);
  }
  const Status copied = copy_to(database.connection(), part);
  if (!copied.ok()) {
    std::filesystem::remove(part, ec);
    return Error(copied.error()).with_context("no backup was made");
  }
  std::filesystem::rename(part, file, ec);
  if (ec) return make_error(Code::kUnavailable, "cannot rename {}: {}", part, ec.message());
  const std::string parent = std::filesystem::absolute(file, ec).parent_path().string();
  return sync_folder(parent);
}

Result<CheckReport> check(const std::string& folder) {
  Database database = AQ_TRY(Database::open(folder, Database::Open::kExisting));
  Connection& c = database.connection();
  AQ_RETURN_IF_ERROR(check_structure(c, database.directory().database()));
  CheckReport report;
  report.schema = AQ_TRY(schema_version(c));
  report.keys = AQ_TRY(c.integer("SELECT count(*) FROM keys")).value_or(0);
  report.live_keys =
      AQ_TRY(c.integer("SELECT count(*) FROM keys WHERE revoked_ms = 0")).value_or(0);
  report.rows = AQ_TRY(c.integer("SELECT count(*) FROM usage")).value_or(0);
  const std::int64_t ids = AQ_TRY(c.integer("SELECT count(DISTINCT id) FROM usage")).value_or(0);
  if (ids != report.rows)
    return make_error(Code::kCorrupt, "{}: {} rows of usage have {} ids",
                      database.directory().database(), report.rows, ids);
  return report;
}

}  // namespace aquilon::store
