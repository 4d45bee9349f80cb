// `aquilon pull NAME`: a model from the hub into the store.
#include "hub/pull.h"

#include <fmt/format.h>

#include <cstdio>

#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/printable.h"
#include "apps/progress_line.h"
#include "hub/byte_text.h"

namespace aquilon::apps {
namespace {

struct PullOptions {
  std::string model;
  std::string name;
  std::string revision;
  int timeout_s = 30;
  bool list = false;

  template <class V>
  void visit(V& v) {
    v(model,
      {.flag = "MODEL",
       .help = "a name of --list, or a repository: org/repo, org/repo:QUANT, org/repo:FILE.gguf",
       .positional = true});
    v(name, {.flag = "name", .help = "name in the store instead of the usual one"});
    v(revision, {.flag = "revision", .help = "branch, tag or commit of the repository"});
    v(timeout_s, {.flag = "timeout",
                  .help = "give a connection up when it is silent for so long",
                  .unit = "SECONDS",
                  .min = 1,
                  .max = 3600});
    v(list, {.flag = "list", .help = "list the names that can be pulled, and exit"});
  }
};

void print_catalogue() {
  fmt::print("{:<32} {:>8}  {}\n", "NAME", "PARAMS", "LICENCE");
  for (const hub::CatalogueModel& m : hub::Catalogue::built_in().models())
    fmt::print("{:<32} {:>8}  {}{}\n", m.name, m.params.substr(0, m.params.find(' ')), m.licence,
               m.is_default ? " (default model)" : "");
  fmt::print("Any repository with GGUF files on the hub: aquilon pull org/repo[:QUANT]\n");
}

hub::PullEvents terminal_events(ProgressLine& line, const InterruptFlag& interrupt) {
  hub::PullEvents events;
  events.progress = [&](const hub::PullProgress& p) {
    if (!p.action.empty()) line.update(fmt::format("{} {}", p.action, p.file), p.done, p.total);
    return !interrupt.is_set();
  };
  events.note = [&](std::string_view text) {
    line.clear();
    fmt::print(stderr, "{}\n", printable(text));
  };
  return events;
}

Status run_pull(const PullOptions& options) {
  if (options.list) {
    print_catalogue();
    return {};
  }
  if (options.model.empty())
    return make_error(Code::kInvalidArgument,
                      "which model? `aquilon pull --list` shows the names that are known");
  const hub::Store store = AQ_TRY(hub::Store::open());
  hub::HubConfig config = hub::HubConfig::from_environment();
  config.http.silence_s = options.timeout_s;
  hub::HubClient client = AQ_TRY(hub::HubClient::create(config));
  const InterruptFlag interrupt;
  ProgressLine line;
  Result<hub::PullResult> result =
      hub::pull(store, client, {options.model, options.revision, options.name},
                terminal_events(line, interrupt));
  line.clear();
  if (!result.ok() && result.error().code == Code::kCancelled)
    return make_error(Code::kCancelled, "interrupted; the same command goes on from here");
  if (!result.ok()) return std::move(result).error();
  const hub::Manifest& model = result->model;
  fmt::print(
      "{} {} ({})\n", model.name,
      result->was_installed ? "is already installed, and its files are undamaged" : "is installed",
      hub::byte_text(model.total_bytes()));
  if (!result->was_installed)
    fmt::print(stderr, "talk to it: aquilon chat --model {}\n", model.name);
  return {};
}

}  // namespace

void register_pull(Commands& commands) {
  commands.add<PullOptions>("pull", "Fetch a model from the Hugging Face hub into the store",
                            run_pull);
}

}  // namespace aquilon::apps
