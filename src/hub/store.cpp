#include "hub/store.h"

#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "base/nearest.h"
#include "hub/folder.h"
#include "hub/model_name.h"

namespace aquilon::hub {
namespace {

constexpr std::uint64_t kMaxManifestBytes = 1 << 20;
constexpr std::string_view kManifestName = "manifest.json";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::string> home_folder() {
  if (std::string home = environment("AQUILON_HOME"); !home.empty()) return home;
  // The XDG rule: a relative path is to be ignored.
  if (std::string data = environment("XDG_DATA_HOME"); data.starts_with('/'))
    return data + "/aquilon";
  if (std::string home = environment("HOME"); !home.empty()) return home + "/.local/share/aquilon";
  return make_error(Code::kInvalidArgument,
                    "no home folder for models: set AQUILON_HOME to a folder of your own");
}

// A file of the model as the disk has it: a regular file, not a link to one.
Status check_size(const std::string& path, const Manifest& manifest, const ManifestFile& file) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 && errno != ENOENT) return errno_error("examine", path);
  const std::string repair =
      manifest.repo.empty() ? fmt::format("aquilon models add --replace {} FILE", manifest.name)
                            : fmt::format("aquilon pull {}", manifest.name);
  if (st.st_mode == 0)
    return make_error(Code::kCorrupt, "model '{}': {} is missing; repair it with `{}`",
                      manifest.name, path, repair);
  if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != file.bytes)
    return make_error(Code::kCorrupt,
                      "model '{}': {} has {} bytes, must have {}; repair it with `{}`",
                      manifest.name, path, st.st_size, file.bytes, repair);
  return {};
}

Result<std::string> resolve_path(std::string_view text) {
  const std::string path(text);
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) {
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) return path;
    return make_error(Code::kInvalidArgument,
                      "{} is not a file: give a GGUF file, a model's folder or its name", path);
  }
  if (errno == EACCES) return errno_error("open", path);
  const auto reference = parse_hub_reference(text);
  if (reference && !text.ends_with(".gguf"))
    return make_error(Code::kNotFound,
                      "no file {}; if you mean the repository on the hub: `aquilon pull {}`", path,
                      path);
  return make_error(Code::kNotFound, "no file {}", path);
}

// What stands here under a name that is no installed model's.
std::string perhaps_here(std::string_view name) {
  struct stat st {};
  const std::string path(name);
  const bool here = ::stat(path.c_str(), &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
  return here ? fmt::format("; for the {} here say ./{}", S_ISDIR(st.st_mode) ? "folder" : "file",
                            path)
              : std::string();
}

}  // namespace

bool is_model_path(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(".gguf") || text == "." ||
         text == "..";
}

Result<Store> Store::open() {
  return Store(AQ_TRY(home_folder()) + "/models");
}

Store Store::at(std::string folder) {
  return Store(std::move(folder));
}

std::string Store::model_folder(std::string_view name) const {
  return fmt::format("{}/{}", folder_, name);
}

std::string Store::path_of(const Manifest& manifest, const ManifestFile& file) const {
  return model_folder(manifest.name) + "/" + file.name;
}

Result<Manifest> Store::read_manifest(std::string_view name) const {
  const std::string folder = model_folder(name);
  AQ_TRY(open_folder(folder));
  const std::string path = fmt::format("{}/{}", folder, kManifestName);
  Result<std::string> text = read_file(path, kMaxManifestBytes);
  if (!text.ok()) return std::move(text).error();
  Result<Manifest> manifest = Manifest::parse(*text);
  if (!manifest.ok()) return std::move(manifest).error().with_context(path);
  if (manifest->name != name)
    return make_error(Code::kCorrupt, "{} is the manifest of '{}'", path, manifest->name);
  return manifest;
}

Result<std::vector<Manifest>> Store::list(std::vector<std::string>* problems) const {
  Result<std::vector<std::string>> names = folder_entries(folder_);
  if (!names.ok() && names.error().code == Code::kNotFound) return std::vector<Manifest>();
  if (!names.ok()) return std::move(names).error();
  std::vector<Manifest> models;
  for (const std::string& name : *names) {
    if (!is_model_name(name)) continue;
    Result<Manifest> manifest = read_manifest(name);
    if (manifest.ok())
      models.push_back(std::move(manifest).value());
    else if (problems != nullptr)
      problems->push_back(manifest.error().message);
  }
  return models;
}

Error Store::no_such_model(std::string_view name) const {
  const Catalogue& catalogue = Catalogue::built_in();
  if (catalogue.find(name) != nullptr)
    return make_error(Code::kNotFound, "model '{}' is not installed; get it with `aquilon pull {}`",
                      name, name);
  std::vector<std::string> installed;
  if (const auto models = list(); models.ok())
    for (const Manifest& m : *models) installed.push_back(m.name);
  std::vector<std::string> known = catalogue.names();
  known.insert(known.end(), installed.begin(), installed.end());
  return make_error(Code::kNotFound,
                    "no model named '{}'; installed: {}; more with `aquilon pull NAME`{}{}", name,
                    installed.empty() ? "none" : fmt::format("{}", fmt::join(installed, ", ")),
                    did_you_mean(name, known), perhaps_here(name));
}

Result<Manifest> Store::find(std::string_view name) const {
  if (!is_model_name(name))
    return make_error(Code::kInvalidArgument,
                      "'{}' is not a model's name: small letters, digits, '.', '_' and '-'{}", name,
                      perhaps_here(name));
  Result<Manifest> manifest = read_manifest(name);
  if (manifest.ok() || manifest.error().code != Code::kNotFound) return manifest;
  return no_such_model(name);
}

Result<std::string> Store::resolve_default() const {
  const CatalogueModel& wanted = Catalogue::built_in().default_model();
  if (read_manifest(wanted.name).ok()) return wanted.name;
  const std::vector<Manifest> models = AQ_TRY(list());
  if (models.size() == 1) return models.front().name;
  return make_error(Code::kNotFound,
                    "no model was named, and the default one is not installed; get it with "
                    "`aquilon pull {}`, or name one of those that `aquilon models list` shows",
                    wanted.name);
}

Result<std::string> Store::resolve(std::string_view name_or_path) const {
  if (is_model_path(name_or_path)) return resolve_path(name_or_path);
  const std::string name =
      name_or_path.empty() ? AQ_TRY(resolve_default()) : std::string(name_or_path);
  const Manifest manifest = AQ_TRY(find(name));
  AQ_RETURN_IF_ERROR(check_sizes(manifest));
  return path_to_open(manifest);
}

std::string Store::path_to_open(const Manifest& manifest) const {
  const ManifestFile& first = manifest.files.front();
  return first.name.ends_with(".gguf") ? path_of(manifest, first) : model_folder(manifest.name);
}

Status Store::check_sizes(const Manifest& manifest) const {
  for (const ManifestFile& file : manifest.files)
    AQ_RETURN_IF_ERROR(check_size(path_of(manifest, file), manifest, file));
  return {};
}

Status Store::verify(const Manifest& manifest, const ByteProgress& progress) const {
  AQ_RETURN_IF_ERROR(check_sizes(manifest));
  std::uint64_t before = 0;
  for (const ManifestFile& file : manifest.files) {
    const std::string path = path_of(manifest, file);
    const auto moved = [&](std::uint64_t done) { return !progress || progress(before + done); };
    const std::string found = AQ_TRY(sha256_file(path, moved));
    if (found != file.sha256)
      return make_error(Code::kCorrupt, "model '{}': {} is damaged: SHA-256 {}, must be {}",
                        manifest.name, path, found, file.sha256);
    before += file.bytes;
  }
  return {};
}

}  // namespace aquilon::hub
