// A short trial of the packed product, once a process: an instruction set that this machine's
// processor, hypervisor or emulator gets wrong is not used.
#pragma once

#include <span>
#include <string>

#include "kernels/isa.h"
#include "kernels/linear/linear_impl_internal.h"

namespace aquilon::kernels {

// Small products of every packing, of tiles of every width and of a long batch, by `kernel` and by
// `reference`. Empty if all are the same bits, else what was not. Cost: about a millisecond.
std::string difference(const LinearKernel& kernel, const LinearKernel& reference);

// The first of the table that `isa` allows and that agrees with the last, the reference. Those
// refused are told to `report`, one line each.
const LinearKernel& first_sound(std::span<const Impl<const LinearKernel>> table, Isa isa,
                                void (*report)(const std::string& line));

}  // namespace aquilon::kernels
