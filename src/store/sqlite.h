// SQLite's C interface as values that close themselves, and its errors as Results. Texts of SQL are
// the program's own; what comes from outside is bound.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::store {

// One prepared statement. Threads: those of its connection.
class Statement {
 public:
  // In order, from the first parameter on. What is bound is copied.
  template <class... Values>
  Status run(const Values&... values) {
    AQ_RETURN_IF_ERROR(bind(values...));
    while (AQ_TRY(step())) {
    }
    return {};
  }
  template <class... Values>
  Status bind(const Values&... values) {
    sqlite3_reset(statement_.get());
    [[maybe_unused]] int index = 0;
    int status = SQLITE_OK;
    ((status = status != SQLITE_OK ? status : bind_one(++index, values)), ...);
    return status == SQLITE_OK ? Status() : Status(error());
  }
  // True: there is a row.
  Result<bool> step();
  // Ends the reading: nothing of the database is held any more.
  void reset() { sqlite3_reset(statement_.get()); }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  // Bytes of a text or a blob; empty for NULL.
  std::string text(int column) const;

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  int bind_one(int index, std::int64_t value);
  int bind_one(int index, std::string_view text);
  Error error() const;

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// One open database file, with the settings that every connection has: whole syncs, no functions or
// triggers that the file brings along, no checkpoint when it is closed. Movable.
// Threads: one user at a time.
class Connection {
 public:
  enum class Mode { kReadOnly, kExisting, kCreate };

  // Errors: kNotFound, kPermissionDenied, kUnavailable (disk), kCorrupt (not a database).
  //   vfs  name of a registered file system; null: SQLite's own
  static Result<Connection> open(const std::string& path, Mode mode, const char* vfs = nullptr);

  // Statements without parameters; their rows are dropped.
  Status run(const char* sql);
  Result<Statement> prepare(const char* sql);
  // The first column of the first row; absent: no row.
  Result<std::optional<std::int64_t>> integer(const char* sql);

  sqlite3* get() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  Connection() = default;
  Status configure();

  std::unique_ptr<sqlite3, Close> connection_;
};

// What an error of SQLite's means for who runs the server.
Error sqlite_error(sqlite3* connection, int code);

}  // namespace aquilon::store
