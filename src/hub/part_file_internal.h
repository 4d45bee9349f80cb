// The part of a file that has been downloaded, with the checksums of exactly these bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/descriptor.h"  // Descriptor
#include "base/result.h"
#include "hub/digest.h"
#include "hub/listing.h"  // RemoteFile

namespace aquilon::hub {

class PartFile {
 public:
  // Opens or creates `path`; reads what is there. Errors: kUnavailable, kCancelled.
  static Result<PartFile> open(const std::string& path, const RemoteFile& file,
                               const ByteProgress& progress);

  std::uint64_t bytes() const { return bytes_; }
  bool complete() const { return bytes_ == file_.bytes; }

  // Errors: kCorrupt when the file would become larger than announced, kUnavailable.
  Status append(std::string_view piece);
  // Back to nothing. Errors: kUnavailable.
  Status restart();
  // Syncs to the disk and compares the checksum; the SHA-256. Once, after complete().
  // Errors: kCorrupt (wrong checksum), kUnavailable.
  Result<std::string> finish();

 private:
  PartFile(std::string path, RemoteFile file) : path_(std::move(path)), file_(std::move(file)) {}
  void reset_digests();
  void update(const char* data, std::size_t bytes);

  std::string path_;
  RemoteFile file_;
  Descriptor fd_;
  std::uint64_t bytes_ = 0;
  std::optional<Digest> sha256_;
  std::optional<Digest> git_oid_;  // for files that the hub names by this alone
};

}  // namespace aquilon::hub
