#include "api/tenant.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace aquilon::api {
namespace {

// `purpose` keeps the numbers of different uses apart.
std::uint64_t digest(std::string purpose, std::string_view text) {
  purpose.append(1, '\0').append(text);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash;
  SHA256(reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(), hash.data());
  std::uint64_t number = 0;
  std::memcpy(&number, hash.data(), sizeof number);
  return std::max<std::uint64_t>(number, 1);
}

}  // namespace

std::uint64_t tenant_of_key(std::string_view key) {
  return digest("aquilon tenant", key);
}

std::uint64_t tenant_of_name(std::string_view name) {
  return digest("aquilon key name", name);
}

std::uint64_t cache_salt_of(std::uint64_t tenant, std::string_view salt) {
  if (salt.empty()) return tenant;
  return digest("aquilon salt " + std::to_string(tenant), salt);
}

}  // namespace aquilon::api
