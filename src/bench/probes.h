// What this machine's processors can do at most: arithmetic in registers, and reading memory.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "bench/probe_impl_internal.h"
#include "bench/statistics.h"

namespace aquilon::bench {

struct ArithmeticProbe {
  std::string_view name;  // "int8 AVX2 maddubs"
  std::string_view kind;  // "f32", "int8", "bf16"
  ArithmeticLoop* loop;
  std::size_t ops_per_step;
};

// The probes that this machine can run; of each kind the fastest instruction set comes last.
std::vector<ArithmeticProbe> arithmetic_probes();
// The widest read loop that this machine can run.
ReadLoop* read_probe();

// Operations a second on these processors together. One sample takes some 5 ms.
Summary measure_arithmetic(const ArithmeticProbe& probe, const std::vector<int>& cpus,
                           int repetitions);
// Bytes a second that these processors read together, each its own share in one forward stream.
//   data  aligned to 64; larger than all caches, touched before
Summary measure_read(std::span<const std::byte> data, const std::vector<int>& cpus,
                     int repetitions);

}  // namespace aquilon::bench
