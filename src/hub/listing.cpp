#include "hub/listing.h"

#include <algorithm>

#include "hub/json_read.h"
#include "hub/model_name.h"

namespace aquilon::hub {
namespace {

bool is_git_oid(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// A path that would leave the repository's folder, or that no repository can have.
bool is_hostile(std::string_view path) {
  if (path.front() == '/' || path.size() > 1024) return true;
  const bool control = std::any_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F;
  });
  if (control) return true;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

bool is_usable(std::string_view path) {
  // The reference's own rule for selectors, so that whatever is listed can also be asked for.
  const auto reference = parse_hub_reference("o/r:" + std::string(path));
  return reference && is_gguf_file_name(path.substr(path.rfind('/') + 1));
}

Status read_checksum(const JsonFields& fields, RemoteFile& file) {
  file.git_oid = AQ_TRY(fields.required_text("oid"));
  if (!is_git_oid(file.git_oid)) return fields.wrong("oid", "a git object's name");
  const boost::json::value* lfs_value = fields.find("lfs");
  if (lfs_value == nullptr) return {};
  const JsonFields lfs = AQ_TRY(JsonFields::of(*lfs_value, "listing: 'lfs'"));
  file.sha256 = AQ_TRY(lfs.required_text("oid"));
  if (!is_sha256(file.sha256)) return lfs.wrong("oid", "a SHA-256");
  const auto bytes = AQ_TRY(lfs.size("size"));
  if (bytes && *bytes != file.bytes) return lfs.wrong("size", "the file's size");
  return {};
}

}  // namespace

Result<RepoInfo> parse_repo_info(std::string_view json) {
  const boost::json::value root = AQ_TRY(parse_json(json, "the hub's answer"));
  const JsonFields fields = AQ_TRY(JsonFields::of(root, "the hub's answer"));
  RepoInfo info;
  info.commit = AQ_TRY(fields.required_text("sha"));
  if (!is_git_oid(info.commit)) return fields.wrong("sha", "a commit");
  // false, or "auto" or "manual".
  if (const boost::json::value* gated = fields.find("gated"))
    info.gated = gated->is_string() || (gated->is_bool() && gated->get_bool());
  const boost::json::value* card = fields.find("cardData");
  if (card == nullptr || !card->is_object()) return info;
  const JsonFields card_fields = AQ_TRY(JsonFields::of(*card, "the hub's answer"));
  for (const std::string_view key : {"license_name", "license"}) {
    const boost::json::value* licence = card_fields.find(key);
    if (licence == nullptr || !licence->is_string() || !info.licence.empty()) continue;
    info.licence = std::string_view(licence->get_string()).substr(0, 200);
  }
  return info;
}

Result<std::vector<RemoteFile>> parse_listing_page(std::string_view json) {
  const boost::json::value root = AQ_TRY(parse_json(json, "the hub's listing"));
  if (!root.is_array()) return make_error(Code::kCorrupt, "the hub's listing is not a list");
  std::vector<RemoteFile> files;
  for (const boost::json::value& entry : root.get_array()) {
    const JsonFields fields = AQ_TRY(JsonFields::of(entry, "listing entry"));
    RemoteFile file;
    file.path = AQ_TRY(fields.required_text("path"));
    if (is_hostile(file.path)) return fields.wrong("path", "a path in the repository");
    if (AQ_TRY(fields.required_text("type")) != "file" || !is_usable(file.path)) continue;
    const auto bytes = AQ_TRY(fields.size("size"));
    if (!bytes || *bytes == 0) return fields.wrong("size", "a possible size");
    file.bytes = *bytes;
    AQ_RETURN_IF_ERROR(read_checksum(fields, file));
    files.push_back(std::move(file));
  }
  return files;
}

std::string next_page(std::string_view header) {
  while (!header.empty()) {
    const std::size_t open = header.find('<');
    const std::size_t close = header.find('>', open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const std::size_t end = header.find('<', close);
    const std::string_view parameters = header.substr(close + 1, end - close - 1);
    if (parameters.find("rel=\"next\"") != std::string_view::npos ||
        parameters.find("rel=next") != std::string_view::npos)
      return std::string(header.substr(open + 1, close - open - 1));
    header = end == std::string_view::npos ? std::string_view() : header.substr(end);
  }
  return {};
}

}  // namespace aquilon::hub
