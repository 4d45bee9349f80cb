// `aquilon models`: the store, listed, shown, added to and removed from.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/model_view.h"
#include "apps/printable.h"
#include "apps/progress_line.h"
#include "base/nearest.h"
#include "formats/model_folder.h"
#include "hub/byte_text.h"

namespace aquilon::apps {
namespace {

struct ModelsOptions {
  std::string action = "list";
  std::vector<std::string> arguments;
  bool json = false;
  bool whole_template = false;
  bool replace = false;
  bool yes = false;

  template <class V>
  void visit(V& v) {
    v(action, {.flag = "ACTION",
               .help = "list, show MODEL, add NAME MODEL (a copy of a GGUF file, of all parts of a "
                       "split one, or of a model folder), remove NAME",
               .positional = true});
    v(arguments,
      {.flag = "ARGUMENT",
       .help = "what the action is about; show takes a name, a GGUF file or a model folder",
       .positional = true});
    v(json, {.flag = "json", .help = "print JSON (list and show)"});
    v(whole_template, {.flag = "template", .help = "print the whole chat template (show)"});
    v(replace, {.flag = "replace", .help = "replace an installed model of that name (add)"});
    v(yes, {.flag = "yes", .help = "do not ask (remove)"});
  }
};

Status run_list(const hub::Store& store, const ModelsOptions& options) {
  std::vector<std::string> problems;
  std::vector<ModelView> models;
  for (const hub::Manifest& manifest : AQ_TRY(store.list(&problems)))
    models.push_back(view_installed(store, manifest));
  for (const std::string& problem : problems)
    fmt::print(stderr, "skipped: {}\n", printable(problem));
  if (options.json) {
    boost::json::array array;
    for (const ModelView& model : models) array.push_back(list_json(model));
    fmt::print("{}\n", boost::json::serialize(array));
  } else if (models.empty()) {
    fmt::print("No models in {}; get the default one with `aquilon pull {}`\n", store.folder(),
               hub::Catalogue::built_in().default_model().name);
  } else {
    fmt::print("{}", list_text(models));
  }
  return {};
}

Status run_show(const hub::Store& store, const ModelsOptions& options) {
  const InterruptFlag interrupt;
  ProgressLine line;
  Result<ModelView> viewed =
      view_model(store, options.arguments[0], [&](std::uint64_t done, std::uint64_t total) {
        line.update("hashing", done, total);
        return !interrupt.is_set();
      });
  line.clear();
  if (!viewed.ok()) return std::move(viewed).error();
  const ModelView& model = *viewed;
  if (options.whole_template && !model.summary.chat_template)
    return make_error(Code::kNotFound, "{} has no chat template", options.arguments[0]);
  if (options.json)
    fmt::print("{}\n", boost::json::serialize(show_json(model)));
  else
    fmt::print("{}", show_text(model, options.whole_template));
  return {};
}

Status run_add(const hub::Store& store, const ModelsOptions& options) {
  const InterruptFlag interrupt;
  ProgressLine line;
  const std::string& name = options.arguments[0];
  // Whole and sound, with all parts.
  const std::vector<std::string> files = AQ_TRY(formats::open_model(options.arguments[1])).files();
  std::uint64_t total = 0;
  std::error_code ec;
  for (const std::string& file : files) total += std::filesystem::file_size(file, ec);
  const auto when_installed =
      options.replace ? hub::WhenInstalled::kReplace : hub::WhenInstalled::kRefuse;
  Result<hub::Manifest> added = store.add(name, files, when_installed, [&](std::uint64_t done) {
    line.update("copying and checking", done, total);
    return !interrupt.is_set();
  });
  line.clear();
  if (!added.ok()) return std::move(added).error();
  fmt::print("{} is installed ({})\n", name, hub::byte_text(added->total_bytes()));
  return {};
}

Result<bool> confirm(const std::string& question) {
  if (::isatty(STDIN_FILENO) != 1)
    return make_error(Code::kInvalidArgument, "nobody to ask: say --yes to remove without asking");
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Status run_remove(const hub::Store& store, const ModelsOptions& options) {
  const hub::Manifest model = AQ_TRY(store.find(options.arguments[0]));
  const std::string question =
      fmt::format("Remove {} ({})?", model.name, hub::byte_text(model.total_bytes()));
  if (!options.yes && !AQ_TRY(confirm(question)))
    return make_error(Code::kCancelled, "nothing was removed");
  AQ_RETURN_IF_ERROR(store.remove(model.name));
  fmt::print("{} is removed ({})\n", model.name, hub::byte_text(model.total_bytes()));
  return {};
}

struct Action {
  std::string_view name;
  std::size_t arguments;
  std::string_view usage;
  Status (*run)(const hub::Store&, const ModelsOptions&);
};

constexpr Action kActions[] = {
    {"list", 0, "aquilon models list", run_list},
    {"show", 1, "aquilon models show NAME_OR_PATH", run_show},
    {"add", 2, "aquilon models add [--replace] NAME FILE_OR_FOLDER", run_add},
    {"remove", 1, "aquilon models remove NAME", run_remove},
};

Status run_models(const ModelsOptions& options) {
  std::vector<std::string> names;
  for (const Action& action : kActions) {
    names.emplace_back(action.name);
    if (action.name != options.action) continue;
    if (options.arguments.size() != action.arguments)
      return make_error(Code::kInvalidArgument, "usage: {}", action.usage);
    return action.run(AQ_TRY(hub::Store::open()), options);
  }
  return make_error(Code::kInvalidArgument, "no action '{}': list, show, add or remove{}",
                    options.action, did_you_mean(options.action, names));
}

}  // namespace

void register_models(Commands& commands) {
  commands.add<ModelsOptions>("models", "List, show, add and remove the models of the store",
                              run_models);
}

}  // namespace aquilon::apps
