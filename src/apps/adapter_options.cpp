#include "apps/adapter_options.h"

#include <filesystem>

namespace aquilon::apps {

Result<chat::AdapterSource> adapter_source(const std::string& text) {
  auto [name, path] = split_name(text);
  if (name.empty() && !path.empty()) {
    std::error_code ec;
    const std::filesystem::path whole = std::filesystem::weakly_canonical(path, ec);
    name = (whole.extension() == ".gguf" ? whole.stem() : whole.filename()).string();
  }
  if (name.empty() || path.empty())
    return make_error(Code::kInvalidArgument, "--lora '{}' is neither NAME=PATH nor a path", text);
  return chat::AdapterSource{.name = std::move(name), .path = std::move(path)};
}

Status AdapterOptions::add_to(ModelOptions& model) const {
  if (!lora.empty()) model.adapters = {AQ_TRY(adapter_source(lora))};
  return {};
}

}  // namespace aquilon::apps
