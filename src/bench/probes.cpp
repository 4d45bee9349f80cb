#include "bench/probes.h"

#include <algorithm>
#include <atomic>

#include "bench/pinned_run.h"

namespace aquilon::bench {
namespace {

constexpr double kSampleSeconds = 0.005;
constexpr std::size_t kTrialSteps = 20000;
constexpr std::size_t kReadUnit = 4096;  // of shares

#if defined(__x86_64__)
// All that files named *_avx512.cpp are compiled for.
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx2") &&
         __builtin_cpu_supports("fma");
}
#endif

std::atomic<std::uint64_t> sink;  // what was read is used

}  // namespace

std::vector<ArithmeticProbe> arithmetic_probes() {
  std::vector<ArithmeticProbe> probes = {
      {"f32 four lanes", "f32", f32_loop_generic, kF32OpsGeneric}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    probes.push_back({"f32 AVX2 FMA", "f32", f32_loop_avx2, kF32OpsAvx2});
    probes.push_back({"int8 AVX2 maddubs", "int8", int8_loop_avx2, kInt8OpsAvx2});
  }
  if (has_avx512()) {
    probes.push_back({"f32 AVX-512 FMA", "f32", f32_loop_avx512, kF32OpsAvx512});
    probes.push_back({"int8 AVX-512 VNNI", "int8", int8_loop_vnni512, kInt8OpsVnni});
  }
  if (has_avx512() && __builtin_cpu_supports("avx512bf16"))
    probes.push_back({"bf16 AVX-512", "bf16", bf16_loop_avx512, kBf16Ops});
#endif
  return probes;
}

ReadLoop* read_probe() {
#if defined(__x86_64__)
  if (has_avx512()) return read_loop_avx512;
  if (__builtin_cpu_supports("avx2")) return read_loop_avx2;
#endif
  return read_loop_generic;
}

Summary measure_arithmetic(const ArithmeticProbe& probe, const std::vector<int>& cpus,
                           int repetitions) {
  const double trial = run_pinned({cpus[0]}, [&](std::size_t) { probe.loop(kTrialSteps); });
  const auto steps = static_cast<std::size_t>(
      std::max(1.0, static_cast<double>(kTrialSteps) * kSampleSeconds / std::max(trial, 1e-9)));
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i)
    seconds.push_back(run_pinned(cpus, [&](std::size_t) { probe.loop(steps); }));
  return rates(static_cast<double>(steps * probe.ops_per_step * cpus.size()), seconds);
}

Summary measure_read(std::span<const std::byte> data, const std::vector<int>& cpus,
                     int repetitions) {
  ReadLoop* const read = read_probe();
  const std::size_t share = data.size() / cpus.size() / kReadUnit * kReadUnit;
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i)
    seconds.push_back(run_pinned(
        cpus, [&](std::size_t thread) { sink += read(data.data() + thread * share, share); }));
  return rates(static_cast<double>(share * cpus.size()), seconds);
}

}  // namespace aquilon::bench
