#include "store/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/descriptor.h"
#include "store/database.h"
#include "store/keys.h"
#include "store/schema.h"
#include "store/usage.h"

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

Status check_scopes(const std::string& path, const KeyRecord& key,
                    const std::vector<std::string>& known) {
  for (const std::string& scope : key.scopes)
    if (!known.empty() && std::find(known.begin(), known.end(), scope) == known.end())
      return make_error(Code::kCorrupt,
                        "{}: the key '{}' has the scope '{}', which there is not: `aquilon keys "
                        "limit {} --scopes ...`",
                        path, key.name, scope, key.id);
  return {};
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
  // Left by one that was killed.
  for (const char* end : {"", "-journal", "-wal", "-shm"}) std::filesystem::remove(part + end, ec);
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

Result<CheckReport> check(const std::string& folder, const std::vector<std::string>& scopes) {
  Database database = AQ_TRY(Database::open(folder, Database::Open::kExisting));
  Connection& c = database.connection();
  AQ_RETURN_IF_ERROR(check_structure(c, database.directory().database()));
  CheckReport report;
  report.schema = AQ_TRY(schema_version(c));
  for (const KeyRecord& key : AQ_TRY(list_keys(c))) {
    AQ_RETURN_IF_ERROR(check_scopes(database.directory().database(), key, scopes));
    ++report.keys;
    if (key.revoked_ms == 0) ++report.live_keys;
  }
  report.rows = AQ_TRY(c.integer("SELECT count(*) FROM usage")).value_or(0);
  report.requests = AQ_TRY(c.integer("SELECT coalesce(sum(requests), 0) FROM usage")).value_or(0);
  const std::int64_t ids = AQ_TRY(c.integer("SELECT count(DISTINCT id) FROM usage")).value_or(0);
  (void)AQ_TRY(keys_version(c));
  (void)AQ_TRY(day_uses(c, 0));
  if (ids != report.rows)
    return make_error(Code::kCorrupt, "{}: {} rows of usage have {} ids",
                      database.directory().database(), report.rows, ids);
  return report;
}

}  // namespace aquilon::store
