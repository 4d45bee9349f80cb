#include "store/key_hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>

#include "base/check.h"
#include "base/descriptor.h"

namespace aquilon::store {
namespace {

constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";  // base 32
constexpr std::string_view kMark = "aq-";
constexpr std::size_t kPrefixLetters = 6;

}  // namespace

Result<std::string> make_key() {
  std::array<unsigned char, 52> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return errno_error("read", "the system's random source");
  std::string key(kMark);
  for (const unsigned char byte : bytes) key += kDigits[byte % kDigits.size()];
  return key;
}

std::string key_hash(std::string_view pepper, std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  AQ_CHECK(HMAC(EVP_sha256(), pepper.data(), static_cast<int>(pepper.size()),
                reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data(),
                &size) != nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

std::string key_prefix(std::string_view key) {
  return std::string(key.substr(0, kMark.size() + kPrefixLetters));
}

}  // namespace aquilon::store
