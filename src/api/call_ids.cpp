#include "api/call_ids.h"

#include <algorithm>
#include <cstdint>

namespace aquilon::api {
namespace {

constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kShort = 9;
constexpr std::size_t kLong = 24;

std::uint64_t mix(std::uint64_t h, std::uint64_t value) {
  h = (h ^ value) * 0x9E3779B97F4A7C15ULL;
  h ^= h >> 32;
  return h * 0xD6E8FEB86659FD93ULL ^ h >> 29;
}

}  // namespace

std::string call_id(std::string_view request_id, int choice, std::size_t call, bool short_form) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : request_id) hash = mix(hash, static_cast<unsigned char>(c));
  hash = mix(mix(hash, static_cast<std::uint64_t>(choice)), call);
  std::string id = short_form ? "" : "call_";
  const std::size_t digits = short_form ? kShort : kLong;
  for (std::size_t i = 0; i < digits; ++i) {
    if (i % kShort == 0) hash = mix(hash, i);
    id += kDigits[(hash >> (i % kShort * 7)) % kDigits.size()];
  }
  return id;
}

bool is_short_call_id(std::string_view id) {
  return id.size() == kShort && id.find_first_not_of(kDigits) == id.npos;
}

}  // namespace aquilon::api
