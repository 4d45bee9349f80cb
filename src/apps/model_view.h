// An installed model or a model file, as `aquilon models` shows it: for people or as JSON.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/model_summary.h"
#include "base/result.h"
#include "hub/store.h"

namespace aquilon::apps {

struct ModelView {
  hub::Manifest manifest;          // for a file of its own: only `files`, sha256 once asked for
  std::vector<std::string> paths;  // of manifest.files
  ModelSummary summary;
  std::string problem;  // why `summary` is empty, or which file is damaged

  // "Q4_K_M", by the file's name or else by its tensors.
  std::string quant() const;
  std::string licence() const;
};

// `read_text`: see summarise.
ModelView view_installed(const hub::Store& store, const hub::Manifest& manifest,
                         bool read_text = false);

// Bytes done of all; false cancels.
using HashProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// A name in the store, or the path of a file or folder, whose files are hashed. Errors: those of
// Store::resolve and formats::open_model; kCancelled.
Result<ModelView> view_model(const hub::Store& store, const std::string& name_or_path,
                             const HashProgress& progress = {});

// One line a model, under a line of headings.
std::string list_text(const std::vector<ModelView>& models);
// Everything about one model. `whole_template`: not only its first lines.
std::string show_text(const ModelView& model, bool whole_template);
boost::json::object list_json(const ModelView& model);
boost::json::object show_json(const ModelView& model);

}  // namespace aquilon::apps
