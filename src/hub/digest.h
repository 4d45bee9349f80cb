// Checksums of files, computed piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_md_ctx_st;  // EVP_MD_CTX of OpenSSL

namespace aquilon::hub {

// A running checksum. Movable, not thread-safe.
class Digest {
 public:
  // SHA-256 of the bytes.
  static Digest sha256();
  // Git's object id of a file of `bytes` bytes: SHA-1 over "blob <bytes>\0" and the contents. The
  // hub names small files so; it guards against transmission errors, not against malice.
  static Digest git_blob(std::uint64_t bytes);

  void update(const void* data, std::size_t bytes);
  // Lower-case hexadecimal. Ends the computation.
  std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  explicit Digest(const char* algorithm);
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Called with the number of bytes done; returning false cancels.
using ByteProgress = std::function<bool(std::uint64_t done)>;

// Reads all that is left of an open file into `digest`; the number of bytes read.
// Errors: kUnavailable (reading failed), kCancelled.
Result<std::uint64_t> digest_descriptor(int fd, std::string_view path, Digest& digest,
                                        const ByteProgress& progress = {});

// SHA-256 of a regular file, symbolic links not followed.
// Errors: kNotFound, kInvalidArgument, kUnavailable, kCancelled. Cost: one read of the file.
Result<std::string> sha256_file(const std::string& path, const ByteProgress& progress = {});

}  // namespace aquilon::hub
