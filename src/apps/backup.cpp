// `aquilon backup` and `aquilon check`: a data folder's database copied while it is in use, and
// looked through.
#include "store/backup.h"

#include <fmt/format.h>

#include <cstdio>

#include "api/account.h"
#include "apps/command.h"

namespace aquilon::apps {
namespace {

// The folder: FOLDER, or --data as the other commands have it.
Result<std::string> folder_of(const std::string& positional, const std::string& data) {
  if (positional.empty() && data.empty())
    return make_error(Code::kInvalidArgument, "name the data folder of the server");
  return positional.empty() ? data : positional;
}

struct BackupOptions {
  std::string folder, file;

  template <class V>
  void visit(V& v) {
    v(folder, {.flag = "FOLDER",
               .help = "data folder of the server",
               .positional = true,
               .required = true});
    v(file, {.flag = "FILE",
             .help = "the copy, a SQLite database; must not be there yet",
             .positional = true,
             .required = true});
  }
};

struct CheckOptions {
  std::string folder, data;

  template <class V>
  void visit(V& v) {
    v(folder, {.flag = "FOLDER", .help = "data folder of the server", .positional = true});
    v(data, {.flag = "data", .help = "the same as a flag", .unit = "FOLDER"});
  }
};

Status run_backup(const BackupOptions& options) {
  AQ_RETURN_IF_ERROR(store::back_up(options.folder, options.file));
  fmt::print(
      "{} is a whole copy of the database; keep a copy of {}/pepper elsewhere: keys are of "
      "no use without it\n",
      options.file, options.folder);
  return {};
}

Status run_check(const CheckOptions& options) {
  const std::string folder = AQ_TRY(folder_of(options.folder, options.data));
  const store::CheckReport report = AQ_TRY(store::check(folder, api::scope_names()));
  fmt::print("{} is sound: tables of version {}, {} keys ({} not revoked), {} requests\n", folder,
             report.schema, report.keys, report.live_keys, report.requests);
  return {};
}

}  // namespace

void register_backup(Commands& commands) {
  commands.add<BackupOptions>("backup", "Copy the database of a data folder, also while it is used",
                              run_backup);
  commands.add<CheckOptions>("check", "Tell whether a data folder is sound", run_check);
}

}  // namespace aquilon::apps
