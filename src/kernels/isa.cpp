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
#if defined(__x86_64__)
  if (isa == Isa::kAvx2)
    return __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma");  // F16C is older than both
#endif
  return isa == Isa::kRef;
}

Choice choose_isa() {
  const Isa best = machine_has(Isa::kAvx2) ? Isa::kAvx2 : Isa::kRef;
  const char* wanted = std::getenv("AQUILON_ISA");
  if (wanted == nullptr || *wanted == '\0') return {best, {}};
  for (const Isa isa : {Isa::kRef, Isa::kAvx2}) {
    if (isa_name(isa) != wanted) continue;
    if (machine_has(isa)) return {isa, {}};
    return {best, "AQUILON_ISA=" + std::string(wanted) + ": this machine does not have it"};
  }
  return {best, "AQUILON_ISA=" + std::string(wanted) + " is unknown; known: ref, avx2"};
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
