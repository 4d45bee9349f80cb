#include "hub/catalogue.h"

#include <algorithm>

#include "base/check.h"
#include "hub/json_read.h"
#include "hub/model_name.h"

namespace aquilon::hub {

extern const char kCatalogueJson[];  // data/catalogue.json, embedded by the build

namespace {

Status check_model(const CatalogueModel& m) {
  const auto wrong = [&](std::string_view field) {
    return make_error(Code::kCorrupt, "catalogue: {}: '{}' is not valid", m.name, field);
  };
  if (!is_model_name(m.name)) return wrong("name");
  const auto reference = parse_hub_reference(m.repo);
  if (!reference || !reference->selector.empty()) return wrong("repo");
  if (!m.file.empty() && !is_gguf_file_name(m.file)) return wrong("file");
  if (m.file.empty() == m.quant.empty()) return wrong("quant");
  if (!m.sha256.empty() && !is_sha256(m.sha256)) return wrong("sha256");
  return {};
}

Result<CatalogueModel> read_model(const boost::json::value& value) {
  const JsonFields fields = AQ_TRY(JsonFields::of(value, "catalogue entry"));
  CatalogueModel m;
  m.name = AQ_TRY(fields.required_text("name"));
  m.repo = AQ_TRY(fields.required_text("repo"));
  m.file = AQ_TRY(fields.text_or_empty("file"));
  m.quant = AQ_TRY(fields.text_or_empty("quant"));
  m.sha256 = AQ_TRY(fields.text_or_empty("sha256"));
  m.bytes = AQ_TRY(fields.size("bytes"));
  m.params = AQ_TRY(fields.text_or_empty("params"));
  m.licence = AQ_TRY(fields.required_text("licence"));
  m.notice = AQ_TRY(fields.text_or_empty("notice"));
  m.is_default = AQ_TRY(fields.boolean("default")).value_or(false);
  AQ_RETURN_IF_ERROR(check_model(m));
  return m;
}

}  // namespace

Result<Catalogue> Catalogue::parse(std::string_view json) {
  const boost::json::value root = AQ_TRY(parse_json(json, "catalogue"));
  const JsonFields fields = AQ_TRY(JsonFields::of(root, "catalogue"));
  const boost::json::value* models = fields.find("models");
  if (models == nullptr || !models->is_array()) return fields.wrong("models", "a list");
  Catalogue catalogue;
  int defaults = 0;
  for (const boost::json::value& entry : models->get_array()) {
    CatalogueModel m = AQ_TRY(read_model(entry));
    if (catalogue.find(m.name) != nullptr)
      return make_error(Code::kCorrupt, "catalogue: '{}' stands twice", m.name);
    defaults += m.is_default ? 1 : 0;
    catalogue.models_.push_back(std::move(m));
  }
  if (defaults != 1)
    return make_error(Code::kCorrupt, "catalogue: {} default models, must be 1", defaults);
  return catalogue;
}

const Catalogue& Catalogue::built_in() {
  static const Catalogue catalogue = [] {
    Result<Catalogue> parsed = parse(kCatalogueJson);
    AQ_CHECK(parsed.ok());
    return std::move(parsed).value();
  }();
  return catalogue;
}

const CatalogueModel* Catalogue::find(std::string_view name) const {
  const auto it = std::find_if(models_.begin(), models_.end(),
                               [&](const CatalogueModel& m) { return m.name == name; });
  return it == models_.end() ? nullptr : &*it;
}

const CatalogueModel& Catalogue::default_model() const {
  const auto it = std::find_if(models_.begin(), models_.end(),
                               [](const CatalogueModel& m) { return m.is_default; });
  AQ_CHECK(it != models_.end());
  return *it;
}

std::vector<std::string> Catalogue::names() const {
  std::vector<std::string> names;
  for (const CatalogueModel& m : models_) names.push_back(m.name);
  return names;
}

}  // namespace aquilon::hub
