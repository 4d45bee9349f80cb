// Files: read-only memory maps, whole-file reads, atomic writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/mapping_guard.h"
#include "base/result.h"

namespace aquilon {

// A regular file mapped read-only. The bytes stay valid while the object lives. Movable.
// Errors: kNotFound, kInvalidArgument (a directory, a device), kUnavailable (I/O).
// Threads: safe to read from any. Of a file that another process shortens meanwhile, what is gone
// reads as zeros, and damaged() says so; one that is rewritten in place reads as it is. Model files
// are replaced by rename, never rewritten.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }
  const std::string& path() const { return path_; }
  // Bytes were read that the file no longer had.
  bool damaged() const { return guard_.damaged(); }
  // Lets the system take back the memory of these bytes; they are read again when touched.
  void drop(std::span<const std::byte> bytes) const;

 private:
  struct Unmap {
    std::size_t size;  // zero until a map is owned
    void operator()(const std::byte* p) const;
  };
  MappedFile() = default;

  std::string path_;
  std::unique_ptr<const std::byte[], Unmap> data_;
  std::size_t size_ = 0;
  MappingGuard guard_;  // of data_, which outlives it
};

// The whole file, at most `limit` bytes. Errors: kNotFound, kInvalidArgument (too large),
// kUnavailable.
Result<std::string> read_file(const std::string& path, std::uint64_t limit = 1u << 30);

// Replaces `path` by `contents`: written beside it, synced, renamed. Errors: kUnavailable.
Status write_file_atomically(const std::string& path, std::string_view contents);

}  // namespace aquilon
