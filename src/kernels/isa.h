// Instruction sets that kernels are written for, and how an implementation is chosen: each
// operation has a table of implementations, best first, the reference last.
// AQUILON_ISA=ref|avx2|avx512 forces one.
#pragma once

#include <span>
#include <string_view>

namespace aquilon::kernels {

// Each includes the ones before it. kAvx2: with FMA and F16C. kAvx512: F, BW, VL, DQ and VNNI.
enum class Isa { kRef, kAvx2, kAvx512 };

inline constexpr std::string_view kIsaNames[] = {"ref", "avx2", "avx512"};

constexpr std::string_view isa_name(Isa isa) {
  return kIsaNames[static_cast<int>(isa)];
}

// The best instruction set of this machine, or the one that AQUILON_ISA names. An unknown name, or
// one that this machine lacks, is reported by isa_problem() and ignored here.
Isa chosen_isa();
// Empty, or one sentence about an AQUILON_ISA that cannot be honoured.
std::string_view isa_problem();

// One implementation of an operation with the signature Fn.
template <class Fn>
struct Impl {
  Isa isa;
  Fn* fn;
};

// The first implementation of the table that the chosen instruction set allows.
template <class Fn>
Fn* choose(std::span<const Impl<Fn>> table) {
  const Isa isa = chosen_isa();
  for (const Impl<Fn>& impl : table)
    if (impl.isa <= isa) return impl.fn;
  return table.back().fn;
}

}  // namespace aquilon::kernels
