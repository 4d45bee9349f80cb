// Loops that show what a core can do at most, as plain functions: one file an instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::bench {

// Runs `steps` steps of independent arithmetic in registers.
using ArithmeticLoop = void(std::size_t steps) noexcept;
// Reads `bytes` bytes, a multiple of 256, aligned to 64; returns their sum in some form.
using ReadLoop = std::uint64_t(const std::byte* data, std::size_t bytes) noexcept;

// Operations of a step; an FMA or a multiply-add of two integers counts as two.
static constexpr std::size_t kF32OpsGeneric = 8 * 4 * 2;
static constexpr std::size_t kF32OpsAvx2 = 12 * 8 * 2;
static constexpr std::size_t kInt8OpsAvx2 = 8 * 32 * 2;
static constexpr std::size_t kF32OpsAvx512 = 12 * 16 * 2;
static constexpr std::size_t kInt8OpsVnni = 12 * 64 * 2;
static constexpr std::size_t kBf16Ops = 12 * 32 * 2;

ArithmeticLoop f32_loop_generic;  // multiply and add apart, four lanes

#if defined(__x86_64__)
ArithmeticLoop f32_loop_avx2;
ArithmeticLoop int8_loop_avx2;  // maddubs, madd, add: as exact integer kernels use them
ArithmeticLoop f32_loop_avx512;
ArithmeticLoop int8_loop_vnni512;
ArithmeticLoop bf16_loop_avx512;
#endif

ReadLoop read_loop_generic;
#if defined(__x86_64__)
ReadLoop read_loop_avx2;
ReadLoop read_loop_avx512;
#endif

}  // namespace aquilon::bench
