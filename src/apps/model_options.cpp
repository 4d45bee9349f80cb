#include "apps/model_options.h"

#include <filesystem>

#include "apps/progress_line.h"
#include "base/file.h"
#include "hub/store.h"
#include "kernels/isa.h"
#include "model/kv_pool.h"

namespace aquilon::apps {
namespace {

constexpr std::uint64_t kTemplateLimit = 1u << 20;

std::string model_id(const ModelOptions& options, const std::string& path) {
  std::error_code ec;
  const bool folder = std::filesystem::is_directory(path, ec);
  if (!options.model.empty() && !hub::is_model_path(options.model)) return options.model;
  if (folder) return std::filesystem::canonical(path, ec).filename().string();
  if (options.model.empty())  // the store keeps each model in a folder of its name
    return std::filesystem::path(path).parent_path().filename().string();
  return std::filesystem::path(path).stem().string();
}

}  // namespace

std::pair<std::string, std::string> split_name(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == text.npos || text.substr(0, at).find('/') != text.npos) return {"", text};
  return {text.substr(0, at), text.substr(at + 1)};
}

Result<std::string> resolve_model(const std::string& name_or_path) {
  const hub::Store store = AQ_TRY(hub::Store::open());
  return store.resolve(name_or_path);
}

Result<chat::LocalGeneratorOptions> local_options(const ModelOptions& options,
                                                  const std::string& id) {
  if (!kernels::isa_problem().empty())
    return Error{Code::kInvalidArgument, std::string(kernels::isa_problem())};
  chat::LocalGeneratorOptions local;
  local.kv_type = AQ_TRY(model::parse_kv_type(options.kv_type));
  local.path = AQ_TRY(resolve_model(options.model));
  local.id = id.empty() ? model_id(options, local.path) : id;
  local.context = static_cast<std::size_t>(options.ctx);
  local.threads = options.threads;
  local.parallel = static_cast<std::size_t>(options.parallel);
  local.max_queue = static_cast<std::size_t>(options.max_queue);
  local.max_seconds = options.request_seconds;
  local.speculate = options.speculate;
  if (!options.draft_model.empty()) local.draft_path = AQ_TRY(resolve_model(options.draft_model));
  local.draft_tokens = static_cast<std::size_t>(options.draft_tokens);
  if (options.pooling != "mean" && options.pooling != "last")
    return make_error(Code::kInvalidArgument, "--pooling '{}' is unknown; there are mean and last",
                      options.pooling);
  local.pooling = options.pooling == "mean" ? engine::Pooling::kMean : engine::Pooling::kLast;
  if (!options.chat_template.empty())
    local.chat_template = AQ_TRY(read_file(options.chat_template, kTemplateLimit));
  local.chat_format = options.chat_format;
  local.tool_format = options.tool_format;
  local.adapters = options.adapters;
  return local;
}

Result<std::unique_ptr<chat::Generator>> load_generator(const ModelOptions& options,
                                                        const std::string& id) {
  chat::LocalGeneratorOptions local = AQ_TRY(local_options(options, id));
  ProgressLine line;
  local.progress = [&](std::uint64_t done, std::uint64_t total) {
    line.update("loading", done, total);
  };
  return chat::make_local_generator(local);
}

}  // namespace aquilon::apps
