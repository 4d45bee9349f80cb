// API keys: made of random bytes, known afterwards by a keyed hash alone.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::store {

// "aq-" and 52 letters and digits: 256 bits of the system's random source.
Result<std::string> make_key();
// HMAC-SHA256 in hexadecimal. Without the pepper it tells nothing of the key.
std::string key_hash(std::string_view pepper, std::string_view key);
// The first letters of a key, for lists: "aq-3f7k2m".
std::string key_prefix(std::string_view key);

}  // namespace aquilon::store
