#include "kernels/isa.h"

#include <cstdlib>
#include <string>

namespace aquilon::kernels {
namespace {

struct Choice {
  Isa isa = Isa::kRef;
  std::string problem;
};

bool machine_has(Isa isa) {
#if defined(__x86_64__)  // the compiler's table also asks the system whether it saves the registers
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");  // F16C is older than both
  if (isa == Isa::kAvx2) return avx2;
  if (isa == Isa::kAvx512)
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
#endif
  return isa == Isa::kRef;
}

Choice choose_isa() {
  Isa best = Isa::kRef;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512})
    if (machine_has(isa)) best = isa;
  const char* wanted = std::getenv("AQUILON_ISA");
  if (wanted == nullptr || *wanted == '\0') return {best, {}};
  for (const Isa isa : {Isa::kRef, Isa::kAvx2, Isa::kAvx512}) {
    if (isa_name(isa) != wanted) continue;
    if (machine_has(isa)) return {isa, {}};
    return {best, "AQUILON_ISA=" + std::string(wanted) + ": this machine does not have it"};
  }
  return {best, "AQUILON_ISA=" + std::string(wanted) + " is unknown; known: ref, avx2, avx512"};
}

const Choice& choice() {
  static const Choice instance = choose_isa();
  return instance;
}

}  // namespace

Isa chosen_isa() {
  return choice().isa;
}
std::string_view isa_problem() {
  return choice().problem;
}

}  // namespace aquilon::kernels
