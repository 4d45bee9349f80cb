#include <filesystem>
#include <functional>

#include "formats/folder_files_internal.h"

namespace aquilon::formats {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 1 << 16;

}  // namespace

void drop_bytes(std::span<const MappedFile> maps, std::span<const std::byte> bytes) {
  const std::less_equal<const std::byte*> no_later;
  for (const MappedFile& map : maps) {
    const std::span<const std::byte> all = map.bytes();
    if (!no_later(all.data(), bytes.data())) continue;
    if (no_later(bytes.data() + bytes.size(), all.data() + all.size())) return map.drop(bytes);
  }
}

Result<FolderFiles> FolderFiles::open(const std::string& path) {
  FolderFiles folder;
  folder.path_ = path;
  while (folder.path_.size() > 1 && folder.path_.ends_with('/')) folder.path_.pop_back();
  folder.on_disk_ = true;
  std::error_code ec;
  for (fs::directory_iterator at(path, ec), end; !ec && at != end; at.increment(ec)) {
    std::error_code of_entry;
    if (!at->is_regular_file(of_entry)) continue;
    if (folder.files_.size() == kMaxFiles)
      return make_error(Code::kInvalidArgument, "{}: holds more than {} files; no model folder",
                        path, kMaxFiles);
    folder.files_.emplace(at->path().filename().string(), std::span<const std::byte>());
  }
  if (ec == std::errc::no_such_file_or_directory)
    return make_error(Code::kNotFound, "{}: there is no such folder", path);
  if (ec) return make_error(Code::kUnavailable, "cannot list {}: {}", path, ec.message());
  const std::string more(kMoreTemplates);
  std::error_code none;  // there is no such folder
  for (fs::directory_iterator at(folder.path_of(more), none), end; !none && at != end;
       at.increment(none)) {
    std::error_code of_entry;
    if (at->is_regular_file(of_entry) && folder.files_.size() < kMaxFiles)
      folder.files_.emplace(more + at->path().filename().string(), std::span<const std::byte>());
  }
  return folder;
}

FolderFiles FolderFiles::in_memory(std::string path,
                                   std::map<std::string, std::span<const std::byte>> files) {
  FolderFiles folder;
  folder.path_ = std::move(path);
  for (auto& [name, bytes] : files) folder.files_.emplace(name, bytes);
  return folder;
}

std::vector<std::string> FolderFiles::names() const {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files_) names.push_back(name);
  return names;
}

Result<std::span<const std::byte>> FolderFiles::map(std::string_view name) {
  const auto at = files_.find(name);
  if (at == files_.end())
    return make_error(Code::kNotFound, "{}: the file {} is missing", path_, name);
  if (!on_disk_) return at->second;
  MappedFile map = AQ_TRY(MappedFile::open(path_of(name)));
  maps_.push_back(std::move(map));
  return maps_.back().bytes();
}

Result<std::string> FolderFiles::text(std::string_view name, std::uint64_t limit) const {
  const auto at = files_.find(name);
  if (at == files_.end())
    return make_error(Code::kNotFound, "{}: the file {} is missing", path_, name);
  if (on_disk_) {
    auto text = read_file(path_of(name), limit);
    if (!text.ok() && text.error().code == Code::kInvalidArgument)
      return Error{Code::kUnsupported, text.error().message};
    return text;
  }
  if (at->second.size() > limit)
    return make_error(Code::kUnsupported, "{} is too large: {} bytes, at most {}", path_of(name),
                      at->second.size(), limit);
  return std::string(reinterpret_cast<const char*>(at->second.data()), at->second.size());
}

}  // namespace aquilon::formats
