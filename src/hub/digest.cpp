#include "hub/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/check.h"
#include "base/descriptor.h"

namespace aquilon::hub {

void Digest::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Digest::Digest(const char* algorithm) : context_(EVP_MD_CTX_new()) {
  AQ_CHECK(context_ != nullptr);
  const EVP_MD* md = EVP_get_digestbyname(algorithm);
  AQ_CHECK(md != nullptr && EVP_DigestInit_ex(context_.get(), md, nullptr) == 1);
}

Digest Digest::sha256() {
  return Digest("SHA256");
}

Digest Digest::git_blob(std::uint64_t bytes) {
  Digest digest("SHA1");
  const std::string header = fmt::format("blob {}", bytes);
  digest.update(header.c_str(), header.size() + 1);  // with its terminating zero
  return digest;
}

void Digest::update(const void* data, std::size_t bytes) {
  AQ_CHECK(EVP_DigestUpdate(context_.get(), data, bytes) == 1);
}

std::string Digest::finish() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  AQ_CHECK(EVP_DigestFinal_ex(context_.get(), raw, &length) == 1);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) hex += fmt::format("{:02x}", raw[i]);
  return hex;
}

Result<std::uint64_t> digest_descriptor(int fd, std::string_view path, Digest& digest,
                                        const ByteProgress& progress) {
  std::vector<char> buffer(std::size_t{1} << 20);
  std::uint64_t done = 0;
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read", path);
    if (n == 0) return done;
    digest.update(buffer.data(), static_cast<std::size_t>(n));
    done += static_cast<std::uint64_t>(n);
    if (progress && !progress(done)) return make_error(Code::kCancelled, "interrupted");
  }
}

Result<std::string> sha256_file(const std::string& path, const ByteProgress& progress) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd.ok()) return errno_error("open", path);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return errno_error("stat", path);
  if (!S_ISREG(st.st_mode))
    return make_error(Code::kInvalidArgument, "{} is not a regular file", path);
  Digest digest = Digest::sha256();
  AQ_TRY(digest_descriptor(fd.get(), path, digest, progress));
  return digest.finish();
}

}  // namespace aquilon::hub
