// The models that can be pulled by a short name: data/catalogue.json, built into the program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::hub {

struct CatalogueModel {
  std::string name;    // as in `aquilon pull NAME`
  std::string repo;    // org/repo on the hub
  std::string file;    // file in the repository, empty when only the quant is known
  std::string quant;   // "Q4_K_M", empty when the file is known
  std::string sha256;  // of the file, empty when unknown
  std::optional<std::uint64_t> bytes;
  std::string params;   // "135M"
  std::string licence;  // "Apache-2.0"
  std::string notice;   // to be shown before downloading, empty for free licences
  bool is_default = false;
};

class Catalogue {
 public:
  // The program's own.
  static const Catalogue& built_in();
  // Errors: kCorrupt, naming model and field; names are unique, and exactly one model is the
  // default.
  static Result<Catalogue> parse(std::string_view json);

  const std::vector<CatalogueModel>& models() const { return models_; }
  // Null when absent.
  const CatalogueModel* find(std::string_view name) const;
  // The model that a bare `aquilon serve` uses.
  const CatalogueModel& default_model() const;
  std::vector<std::string> names() const;

 private:
  std::vector<CatalogueModel> models_;
};

}  // namespace aquilon::hub
