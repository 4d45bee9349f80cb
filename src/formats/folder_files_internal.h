// The files of one folder, on disk or in memory.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace aquilon::formats {

// Lets the system take back the memory of bytes that lie in one of the maps; others stay.
void drop_bytes(std::span<const MappedFile> maps, std::span<const std::byte> bytes);

// The one folder inside a model's folder that is read, for its templates.
inline constexpr std::string_view kMoreTemplates = "additional_chat_templates/";

// Files are called by their name in the folder; nothing outside it is reachable, whatever an index
// file says. Movable; one user at a time.
class FolderFiles {
 public:
  // Errors: kNotFound, kInvalidArgument (no folder, too many files), kUnavailable.
  static Result<FolderFiles> open(const std::string& path);
  // Bytes that the caller keeps alive; `path` is for messages.
  static FolderFiles in_memory(std::string path,
                               std::map<std::string, std::span<const std::byte>> files);

  const std::string& path() const { return path_; }
  bool has(std::string_view name) const { return files_.find(name) != files_.end(); }
  std::vector<std::string> names() const;  // sorted
  std::string path_of(std::string_view name) const { return path_ + "/" + std::string(name); }

  // The bytes of a file, mapped; valid while the map lives, here or where take_maps() put it.
  Result<std::span<const std::byte>> map(std::string_view name);
  // A text file of at most `limit` bytes. Errors: kUnsupported above that.
  Result<std::string> text(std::string_view name, std::uint64_t limit) const;
  void drop(std::span<const std::byte> bytes) const { drop_bytes(maps_, bytes); }
  std::vector<MappedFile> take_maps() { return std::move(maps_); }

 private:
  FolderFiles() = default;

  std::string path_;
  bool on_disk_ = false;
  std::map<std::string, std::span<const std::byte>, std::less<>> files_;  // bytes: in memory only
  std::vector<MappedFile> maps_;
};

}  // namespace aquilon::formats
