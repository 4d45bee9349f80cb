#include "store/sqlite.h"

namespace aquilon::store {
namespace {

// Of a value, of a statement's text and of expressions: far above what the program needs.
constexpr int kMaxValueBytes = 16 << 20;
constexpr int kMaxSqlBytes = 64 << 10;
constexpr int kMaxExpressionDepth = 100;
// How long a statement waits for another process's lock on the file.
constexpr int kBusyMs = 5000;

std::string file_of(sqlite3* connection) {
  const char* name = connection != nullptr ? sqlite3_db_filename(connection, "main") : nullptr;
  return name != nullptr && *name != '\0' ? name : "the database";
}

}  // namespace

Error sqlite_error(sqlite3* connection, int code) {
  const std::string file = file_of(connection);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return make_error(Code::kUnavailable, "cannot write {}: the disk is full: make room on it",
                        file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return make_error(Code::kPermissionDenied,
                        "cannot write {}: it or its folder is read-only for this user: give it to "
                        "the user that runs aquilon",
                        file);
    case SQLITE_CANTOPEN:
      return make_error(Code::kPermissionDenied,
                        "cannot open {}, or a file beside it: does its folder exist, and may this "
                        "user write there?",
                        file);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make_error(Code::kCorrupt,
                        "{} is damaged ({}): put a backup in its place, see docs/OPERATIONS.md",
                        file, sqlite3_errstr(code));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error(Code::kUnavailable, "another program holds {}: try again", file);
    case SQLITE_IOERR:
      return make_error(Code::kUnavailable,
                        "cannot read or write {} (error {} of its disk, {}): look at the disk",
                        file, code, sqlite3_errstr(code));
    case SQLITE_ERROR:
      if (const std::string said = connection != nullptr ? sqlite3_errmsg(connection) : "";
          said.starts_with("no such table") || said.starts_with("no such column"))
        return make_error(Code::kCorrupt,
                          "{} is damaged ({}): put a backup in its place, see docs/OPERATIONS.md",
                          file, said);
      return make_error(Code::kInternal, "{}: {}", file,
                        connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code));
    case SQLITE_NOMEM:
      return make_error(Code::kOutOfMemory, "no memory to work on {}", file);
    default:
      return make_error(Code::kInternal, "{}: {}", file,
                        connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code));
  }
}

Result<Connection> Connection::open(const std::string& path, Mode mode, const char* vfs) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == Mode::kCreate) flags |= SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, vfs);
  Connection connection;
  connection.connection_.reset(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, code);
  AQ_RETURN_IF_ERROR(connection.configure());
  return connection;
}

Status Connection::configure() {
  sqlite3* c = connection_.get();
  sqlite3_busy_timeout(c, kBusyMs);
  sqlite3_limit(c, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(c, SQLITE_LIMIT_SQL_LENGTH, kMaxSqlBytes);
  sqlite3_limit(c, SQLITE_LIMIT_EXPR_DEPTH, kMaxExpressionDepth);
  sqlite3_db_config(c, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(c, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(c, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  return run(
      "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"
      "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
      // A log that grew while somebody read is cut when it is begun anew.
      "PRAGMA journal_size_limit=4194304");
}

Status Connection::run(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : Status(sqlite_error(connection_.get(), code));
}

Result<Statement> Connection::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(connection_.get(), sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), code);
  return Statement(statement);
}

Result<std::optional<std::int64_t>> Connection::integer(const char* sql) {
  Statement statement = AQ_TRY(prepare(sql));
  if (!AQ_TRY(statement.step())) return std::optional<std::int64_t>();
  return std::optional(statement.integer(0));
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error failed = sqlite_error(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  return failed;
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

int Statement::bind_one(int index, std::int64_t value) {
  return sqlite3_bind_int64(statement_.get(), index, value);
}

int Statement::bind_one(int index, std::string_view text) {
  return sqlite3_bind_text64(statement_.get(), index, text.data() != nullptr ? text.data() : "",
                             text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

Error Statement::error() const {
  sqlite3* connection = sqlite3_db_handle(statement_.get());
  return sqlite_error(connection, sqlite3_extended_errcode(connection));
}

}  // namespace aquilon::store
