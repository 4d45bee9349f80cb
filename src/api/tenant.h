// Whose request it is, and with whose requests it may share what is computed.
#pragma once

#include <cstdint>
#include <string_view>

namespace aquilon::api {

// A number that stands for an API key: the same in every process, never 0, and of no use to find
// the key (of SHA-256).
std::uint64_t tenant_of_key(std::string_view key);

// The same of a key's name, for keys that have one: the keys that follow each other under a name
// are one tenant.
std::uint64_t tenant_of_name(std::string_view name);

// The salt of a tenant's computed prompts, or of those that asked for one of their own besides.
std::uint64_t cache_salt_of(std::uint64_t tenant, std::string_view salt);

}  // namespace aquilon::api
