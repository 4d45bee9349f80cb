// Telling models apart, whatever types their weights are stored in.
#pragma once

#include <cstdint>

#include "model/config.h"
#include "model/weights.h"

namespace aquilon::model {

// A hash of the shape and of all norms, rounded to bf16: no quantisation touches those, so that a
// model has one fingerprint in all its files, and another one after training. Cost: microseconds.
std::uint64_t fingerprint(const ModelConfig& config, const Weights& weights);

}  // namespace aquilon::model
