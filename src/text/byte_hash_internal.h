// Hashing of short byte strings and of pairs of ids, for the tokenizer's open-addressing tables.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace aquilon::text {

// A different number in every run, so that no model file can be made to collide on purpose.
std::uint64_t hash_seed();

inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <class T>
std::uint64_t load(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline std::uint64_t hash_pair(std::uint64_t pair, std::uint64_t seed) {
  return mix(pair ^ seed, 0x9E3779B97F4A7C15u);
}

inline std::uint64_t hash_bytes(std::string_view s, std::uint64_t seed) {
  constexpr std::uint64_t kA = 0xD6E8FEB86659FD93u;
  constexpr std::uint64_t kB = 0xA0761D6478BD642Fu;
  const char* p = s.data();
  std::size_t n = s.size();
  std::uint64_t h = seed ^ n;
  for (; n > 16; n -= 16, p += 16) {
    h = mix(load<std::uint64_t>(p) ^ kA, load<std::uint64_t>(p + 8) ^ h);
  }
  std::uint64_t a = 0, b = 0;
  if (n >= 8) {
    a = load<std::uint64_t>(p);
    b = load<std::uint64_t>(p + n - 8);
  } else if (n >= 4) {
    a = load<std::uint32_t>(p);
    b = load<std::uint32_t>(p + n - 4);
  } else if (n > 0) {
    a = load<std::uint8_t>(p) | load<std::uint8_t>(p + n / 2) << 8 |
        load<std::uint8_t>(p + n - 1) << 16;
  }
  return mix(mix(a ^ kA, b ^ h), kB);
}

}  // namespace aquilon::text
