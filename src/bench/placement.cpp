#include "bench/placement.h"

#include <cstring>

#include "bench/pinned_run.h"
#include "bench/probes.h"

namespace aquilon::bench {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 20;  // beyond the caches
constexpr int kRounds = 3;

const ArithmeticProbe& best_f32(const std::vector<ArithmeticProbe>& probes) {
  const ArithmeticProbe* best = probes.data();
  for (const ArithmeticProbe& probe : probes)
    if (probe.kind == "f32") best = &probe;
  return *best;
}

}  // namespace

std::string_view classify(std::size_t cpus, double f32_gain, double read_gain) {
  if (cpus <= 1) return "ONE-CPU";
  if (cpus > 2) return f32_gain >= 0.8 * static_cast<double>(cpus) ? "ALL-CORES" : "MOVED";
  if (f32_gain < 1.25) return "SIBLING";
  if (f32_gain < 1.75) return "MOVED";
  if (read_gain < 1.4) return "ONE-CCD";
  return read_gain < 1.65 ? "MOVED" : "TWO-CCD";
}

Result<PlacementProbe> PlacementProbe::create() {
  PlacementProbe probe;
  probe.buffer_ = AQ_TRY(tensor::HugeBuffer::create(kReadBytes));
  std::memset(probe.buffer_.data(), 1, kReadBytes);  // or all pages would be the one of zeros
  return probe;
}

Summary PlacementProbe::read(const std::vector<int>& cpus) const {
  return measure_read({buffer_.data(), buffer_.size()}, cpus, kRounds);
}

Placement PlacementProbe::run() const {
  const std::vector<int> cpus = usable_cpus();
  const std::vector<ArithmeticProbe> probes = arithmetic_probes();
  const ArithmeticProbe& f32 = best_f32(probes);
  Placement placement;
  placement.f32_rate = measure_arithmetic(f32, {cpus[0]}, kRounds).median;
  placement.read_rate = read({cpus[0]}).median;
  if (cpus.size() > 1) {
    placement.f32_gain = measure_arithmetic(f32, cpus, kRounds).median / placement.f32_rate;
    placement.read_gain = read(cpus).median / placement.read_rate;
  }
  placement.label = classify(cpus.size(), placement.f32_gain, placement.read_gain);
  return placement;
}

}  // namespace aquilon::bench
