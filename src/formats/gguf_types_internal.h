// Numbers and names of the GGUF format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "formats/gguf.h"

namespace aquilon::formats {

inline constexpr std::string_view kGgufMagic = "GGUF";
inline constexpr std::uint64_t kGgufDefaultAlignment = 32;

// Limits of what we accept. Those without a reason beside them are the format's own.
inline constexpr std::uint64_t kGgufMaxKeyBytes = 65535;
inline constexpr std::uint64_t kGgufMaxNameBytes = 64;
inline constexpr std::uint64_t kGgufMaxDims = 4;
inline constexpr std::uint64_t kGgufMinAlignment = 8;
inline constexpr std::uint64_t kGgufMaxAlignment = 1 << 16;  // padding stays small
inline constexpr std::uint64_t kGgufMaxEntries = 1 << 16;    // real files have dozens
inline constexpr std::uint64_t kGgufMaxTensors = 1 << 18;    // real files have hundreds
// Over all arrays of a file; 16 bytes of memory each. Real files have some hundred thousand.
inline constexpr std::uint64_t kGgufMaxArrayStrings = 1 << 23;

// The fewest bytes that an entry (key of one byte, type, u8) and a tensor (name of one byte, count
// of dimensions, one dimension, type, offset) take in the file.
inline constexpr std::uint64_t kGgufMinEntryBytes = 8 + 1 + 4 + 1;
inline constexpr std::uint64_t kGgufMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

// Bytes of a number or bool; 0 for strings, arrays and numbers that are no GgufType.
std::size_t gguf_type_bytes(std::uint32_t type);

// "u32"; "type 13" for a number that is no GgufType.
std::string gguf_type_name(std::uint32_t type);

// "Q8_K" for a tensor type that the format has and we don't read; empty for an unknown number.
std::string_view unread_tensor_type_name(std::uint32_t type);

// "F32, F16, ...": the tensor types that we read.
std::string readable_tensor_types();

}  // namespace aquilon::formats
