// The store's changing half: adding, publishing, removing.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "hub/byte_text.h"
#include "hub/folder.h"
#include "hub/model_name.h"
#include "hub/store.h"

namespace aquilon::hub {
namespace {

// What a download leaves free on the disk.
constexpr std::uint64_t kSpareBytes = 256'000'000;

Status write_all(int fd, const char* data, std::size_t bytes, const std::string& path) {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = ::write(fd, data + done, bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("write", path);
    done += static_cast<std::size_t>(n);
  }
  return {};
}

struct OpenFile {
  Descriptor fd;
  std::uint64_t bytes = 0;
};

Result<OpenFile> open_regular(const std::string& path) {
  OpenFile file;
  file.fd = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.fd.ok()) return errno_error("open", path);
  struct stat st {};
  if (::fstat(file.fd.get(), &st) != 0) return errno_error("examine", path);
  if (!S_ISREG(st.st_mode)) return make_error(Code::kInvalidArgument, "{} is not a file", path);
  file.bytes = static_cast<std::uint64_t>(st.st_size);
  return file;
}

// Copies an open file; the SHA-256 of what was copied.
Result<std::string> copy_file(const OpenFile& from, const std::string& source,
                              const std::string& to, const ByteProgress& progress) {
  const Descriptor out(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!out.ok()) return errno_error("create", to);
  Digest digest = Digest::sha256();
  std::vector<char> buffer(std::size_t{1} << 20);
  std::uint64_t done = 0;
  while (true) {
    const ssize_t n = ::read(from.fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", source);
    if (n == 0) break;
    const bool gguf = to.ends_with(".gguf");
    if (gguf && done == 0 && (n < 4 || std::memcmp(buffer.data(), "GGUF", 4) != 0))
      return make_error(Code::kCorrupt, "{} is not a GGUF file", source);
    digest.update(buffer.data(), static_cast<std::size_t>(n));
    AQ_RETURN_IF_ERROR(write_all(out.get(), buffer.data(), static_cast<std::size_t>(n), to));
    done += static_cast<std::uint64_t>(n);
    if (progress && !progress(done)) return make_error(Code::kCancelled, "interrupted");
  }
  if (done != from.bytes || done == 0)
    return make_error(Code::kCorrupt, "{} changed while it was read, or is empty", source);
  if (::fsync(out.get()) != 0) return errno_error("sync", to);
  return digest.finish();
}

// "-00002-of-00003.gguf" of a part of a split file, by which its neighbours are found; else
// ".gguf".
std::string gguf_ending(const std::string& name) {
  constexpr std::string_view kPart = "-00000-of-00000.gguf";
  if (name.size() <= kPart.size()) return ".gguf";
  const std::string ending = name.substr(name.size() - kPart.size());
  for (std::size_t i = 0; i < ending.size(); ++i) {
    const bool digit = ending[i] >= '0' && ending[i] <= '9';
    if (kPart[i] == '0' ? !digit : ending[i] != kPart[i]) return ".gguf";
  }
  return ending;
}

// What a file of a model is called in the store: the catalogue's name for the only one, or the one
// that it had, or the model's own where that one is unusual. A template's folder becomes the
// beginning of its name (formats/hf_templates.cpp), since the store has no folders in folders.
std::string stored_file_name(const std::string& path, const std::string& model, bool only) {
  const CatalogueModel* known = Catalogue::built_in().find(model);
  if (only && known != nullptr && !known->file.empty()) return known->file;
  constexpr std::string_view kTemplates = "/additional_chat_templates/";
  const std::string name = path.substr(path.rfind('/') + 1);
  if (path.find(kTemplates) != path.npos && name.ends_with(".jinja"))
    return "chat_template." + name;
  const bool gguf = only || name.ends_with(".gguf");
  if (gguf ? is_gguf_file_name(name) : is_model_file_name(name)) return name;
  return gguf ? model + gguf_ending(name) : name;
}

Manifest local_manifest(const std::string& name) {
  Manifest manifest;
  manifest.name = name;
  manifest.added = utc_timestamp();
  if (const CatalogueModel* known = Catalogue::built_in().find(name)) {
    manifest.repo = known->repo;
    manifest.licence = known->licence;
  }
  return manifest;
}

}  // namespace

Status Store::check_space(std::uint64_t bytes) const {
  const std::uint64_t free = AQ_TRY(free_disk_bytes(folder_));
  if (bytes <= free && free - bytes >= kSpareBytes) return {};
  return make_error(Code::kUnavailable,
                    "not enough disk space in {}: needs {} and {} to spare, free are {}; make room "
                    "or set AQUILON_HOME to a folder on another disk",
                    folder_, byte_text(bytes), byte_text(kSpareBytes), byte_text(free));
}

Result<Staging> Store::stage(const std::string& name) const {
  if (!is_model_name(name))
    return make_error(Code::kInvalidArgument,
                      "'{}' is not a model's name: small letters, digits, '.', '_' and '-'", name);
  Staging staging;
  staging.name_ = name;
  staging.folder_ = fmt::format("{}/.partial/{}", folder_, name);
  AQ_RETURN_IF_ERROR(make_folders(staging.folder_));
  const std::string lock = fmt::format("{}/.partial/{}.lock", folder_, name);
  staging.lock_ = Descriptor(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!staging.lock_.ok()) return errno_error("create", lock);
  if (::flock(staging.lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return make_error(Code::kUnavailable, "another process is getting '{}' already", name);
  AQ_RETURN_IF_ERROR(make_folders(staging.folder_));  // it may have been published meanwhile
  return staging;
}

Status Store::publish(Staging staging, const Manifest& manifest) const {
  for (const std::string& entry : AQ_TRY(folder_entries(staging.folder_))) {
    const bool wanted = std::any_of(manifest.files.begin(), manifest.files.end(),
                                    [&](const ManifestFile& f) { return f.name == entry; });
    if (!wanted && ::unlink((staging.folder_ + "/" + entry).c_str()) != 0)
      return errno_error("remove", staging.folder_ + "/" + entry);
  }
  AQ_RETURN_IF_ERROR(write_file_atomically(staging.folder_ + "/manifest.json", manifest.to_json()));
  AQ_RETURN_IF_ERROR(sync_folder(staging.folder_));
  AQ_RETURN_IF_ERROR(move_or_swap(staging.folder_, model_folder(staging.name_)));
  AQ_RETURN_IF_ERROR(sync_folder(folder_));
  if (open_folder(staging.folder_).ok()) return remove_folder(staging.folder_);  // the older one
  return {};
}

// Under the lock of the name's staging folder.
Status Store::check_name_free(const std::string& name) const {
  const Result<Manifest> installed = read_manifest(name);
  if (!installed.ok() && installed.error().code == Code::kNotFound) return {};
  const std::string what =
      !installed.ok() ? "damaged: " + installed.error().message
                      : fmt::format("{}, {}{}", installed->files.front().name,
                                    byte_text(installed->total_bytes()),
                                    installed->repo.empty() ? "" : " from " + installed->repo);
  return make_error(Code::kInvalidArgument,
                    "the name '{0}' is taken ({1}): choose another name, or replace that model "
                    "with `aquilon models add --replace {0} FILE`",
                    name, what);
}

Result<Manifest> Store::copy_into(const Staging& staging, const std::vector<std::string>& files,
                                  const ByteProgress& progress) const {
  Manifest manifest = local_manifest(staging.name());
  std::uint64_t before = 0;
  for (const std::string& path : files) {
    const OpenFile source = AQ_TRY(open_regular(path));
    ManifestFile entry{.name = stored_file_name(path, staging.name(), files.size() == 1),
                       .source = "",
                       .bytes = source.bytes};
    const bool twice = std::any_of(manifest.files.begin(), manifest.files.end(),
                                   [&](const ManifestFile& f) { return f.name == entry.name; });
    if (twice || !is_model_file_name(entry.name))
      return make_error(Code::kInvalidArgument, "{}: {}", path,
                        twice ? "another file of the model has this name in the store"
                              : "the store takes names of letters, digits, '.', '_', '-' and '+'");
    const auto moved = [&](std::uint64_t done) { return !progress || progress(before + done); };
    entry.sha256 = AQ_TRY(copy_file(source, path, staging.folder() + "/" + entry.name, moved));
    before += entry.bytes;
    manifest.files.push_back(std::move(entry));
  }
  const CatalogueModel* known = Catalogue::built_in().find(staging.name());
  const std::string& found = manifest.files.front().sha256;
  if (known == nullptr || known->sha256.empty() || known->sha256 == found) return manifest;
  return make_error(Code::kCorrupt,
                    "{} is not the model '{}': its SHA-256 is {}, must be {}; choose another "
                    "name for it, or get the right file",
                    files.front(), staging.name(), found, known->sha256);
}

Result<Manifest> Store::add(const std::string& name, const std::vector<std::string>& files,
                            WhenInstalled when_installed, const ByteProgress& progress) const {
  std::uint64_t bytes = 0;
  for (const std::string& path : files) bytes += AQ_TRY(open_regular(path)).bytes;
  Staging staging = AQ_TRY(stage(name));  // before anything is said of the space in it
  Status room = check_space(bytes);
  if (room.ok() && when_installed == WhenInstalled::kRefuse) room = check_name_free(name);
  if (!room.ok()) {
    AQ_RETURN_IF_ERROR(remove_folder(staging.folder()));
    return std::move(room).error();
  }
  Result<Manifest> manifest = copy_into(staging, files, progress);
  if (!manifest.ok()) {
    AQ_RETURN_IF_ERROR(remove_folder(staging.folder()));
    return manifest;
  }
  AQ_RETURN_IF_ERROR(publish(std::move(staging), *manifest));
  return manifest;
}

Status Store::remove(std::string_view name) const {
  AQ_TRY(find(name));
  const Staging staging = AQ_TRY(stage(std::string(name)));
  AQ_RETURN_IF_ERROR(remove_folder(staging.folder()));
  // Out of sight in one step; a cut while deleting leaves only what the next pull clears.
  if (::rename(model_folder(name).c_str(), staging.folder().c_str()) != 0)
    return errno_error("remove", model_folder(name));
  AQ_RETURN_IF_ERROR(sync_folder(folder_));
  return remove_folder(staging.folder());
}

}  // namespace aquilon::hub
