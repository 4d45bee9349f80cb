#include "hub/manifest.h"

#include <ctime>
#include <set>

#include "base/checked_math.h"
#include "hub/json_read.h"
#include "hub/model_name.h"

namespace aquilon::hub {
namespace {

constexpr std::uint64_t kFormat = 1;

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(text));
}

Result<ManifestFile> read_file_entry(const boost::json::value& value) {
  const JsonFields fields = AQ_TRY(JsonFields::of(value, "manifest file"));
  ManifestFile file;
  file.name = AQ_TRY(fields.required_text("name"));
  file.source = AQ_TRY(fields.text_or_empty("source"));
  file.sha256 = AQ_TRY(fields.required_text("sha256"));
  const auto bytes = AQ_TRY(fields.size("bytes"));
  if (!bytes) return fields.wrong("bytes", "a size");
  file.bytes = *bytes;
  if (!is_model_file_name(file.name)) return fields.wrong("name", "a file name");
  if (!is_sha256(file.sha256)) return fields.wrong("sha256", "a SHA-256");
  return file;
}

Status read_files(const JsonFields& fields, Manifest& manifest) {
  const boost::json::value* list = fields.find("files");
  if (list == nullptr || !list->is_array() || list->get_array().empty())
    return fields.wrong("files", "a list of files");
  std::set<std::string> names;
  CheckedSize total;
  for (const boost::json::value& entry : list->get_array()) {
    manifest.files.push_back(AQ_TRY(read_file_entry(entry)));
    total += manifest.files.back().bytes;
    if (!names.insert(manifest.files.back().name).second)
      return fields.wrong("files", "free of repeated names");
  }
  if (!total.ok()) return fields.wrong("files", "of a possible size");
  return {};
}

}  // namespace

std::uint64_t Manifest::total_bytes() const {
  std::uint64_t total = 0;  // cannot overflow: parse() checked the sum
  for (const ManifestFile& file : files) total += file.bytes;
  return total;
}

std::string Manifest::to_json() const {
  std::string list;
  for (const ManifestFile& file : files) {
    list += fmt::format("{}\n    {{\"name\": {}, \"source\": {}, \"bytes\": {}, \"sha256\": {}}}",
                        list.empty() ? "" : ",", quoted(file.name), quoted(file.source), file.bytes,
                        quoted(file.sha256));
  }
  return fmt::format(
      "{{\n  \"format\": {},\n  \"name\": {},\n  \"repo\": {},\n  \"revision\": {},\n"
      "  \"requested\": {},\n  \"licence\": {},\n  \"added\": {},\n  \"files\": [{}\n  ]\n}}\n",
      kFormat, quoted(name), quoted(repo), quoted(revision), quoted(requested), quoted(licence),
      quoted(added), list);
}

Result<Manifest> Manifest::parse(std::string_view json) {
  const boost::json::value root = AQ_TRY(parse_json(json, "manifest"));
  const JsonFields fields = AQ_TRY(JsonFields::of(root, "manifest"));
  const auto format = AQ_TRY(fields.size("format"));
  if (format != kFormat)
    return make_error(Code::kUnsupported, "manifest: format {}, this program reads {}",
                      format.value_or(0), kFormat);
  Manifest manifest;
  manifest.name = AQ_TRY(fields.required_text("name"));
  manifest.repo = AQ_TRY(fields.text_or_empty("repo"));
  manifest.revision = AQ_TRY(fields.text_or_empty("revision"));
  manifest.requested = AQ_TRY(fields.text_or_empty("requested"));
  manifest.licence = AQ_TRY(fields.text_or_empty("licence"));
  manifest.added = AQ_TRY(fields.text_or_empty("added"));
  if (!is_model_name(manifest.name)) return fields.wrong("name", "a model name");
  AQ_RETURN_IF_ERROR(read_files(fields, manifest));
  return manifest;
}

std::string utc_timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace aquilon::hub
