#include "kernels/linear/linear_check.h"

#include <cstring>
#include <random>
#include <vector>

#include "base/check.h"

namespace aquilon::kernels {
namespace {

using quant::kGroupRows;
using quant::kTileColumns;
using quant::Packing;

constexpr std::size_t kColumns = 64;    // two tiles, so that both are found
constexpr std::size_t kLongBatch = 11;  // tiles: too many for an implementation's way for few
constexpr std::size_t kMaxTokens = 16;  // of a tile

struct Trial {
  explicit Trial(std::mt19937& rng) : x(kMaxTokens * kColumns) {
    for (float& v : x) v = static_cast<float>(static_cast<int>(rng() % 4096) - 2048) / 512.0f;
  }

  // The products of the first `tokens` tokens, as one tile that is repeated `times` times.
  std::vector<float> run(const LinearKernel& kernel, std::size_t tokens, std::size_t times) const {
    const std::size_t bytes = tokens * activation_bytes(kColumns);
    std::vector<unsigned char> q(times * bytes);
    kernel.quantize(x.data(), tokens, kColumns, q.data());
    for (std::size_t i = 1; i < times; ++i) std::memcpy(&q[i * bytes], q.data(), bytes);
    std::vector<float> out(times * tokens * rows());
    const LinearJob job{.w = w,
                        .packing = packing,
                        .rows = rows(),
                        .columns = kColumns,
                        .x = q.data(),
                        .tiles = times,
                        .tile_tokens = tokens,
                        .wider = 0,
                        .bias = nullptr,
                        .add = false,
                        .out = out.data(),
                        .out_stride = rows(),
                        .panel = panel};
    kernel.groups(job, 0, 2);
    return out;
  }
  static constexpr std::size_t rows() { return kGroupRows + 3; }

  // Two groups of random rows. Scales are halves or floats below 2, so that no sum is
  // infinite.
  void fill(Packing of, std::mt19937& rng) {
    packing = of;
    const std::size_t bytes = quant::group_bytes(packing, kColumns);
    const std::size_t header =
        quant::header_bytes(quant::packing_info(packing).header, kColumns / kTileColumns);
    AQ_CHECK(2 * bytes <= sizeof w);
    for (std::size_t i = 0; i < 2 * bytes; ++i)
      w[i] = static_cast<unsigned char>(rng() & (i % bytes < header ? 0xbf : 0xff));
  }

  Packing packing{};
  std::vector<float> x;
  alignas(64) unsigned char w[4096];
  alignas(64) mutable unsigned char panel[2 * kGroupRows * kColumns];
};

bool same_quantisation(const LinearKernel& kernel, const LinearKernel& reference,
                       const Trial& trial) {
  std::vector<unsigned char> got(kernel.max_tile * activation_bytes(kColumns)), want = got;
  kernel.quantize(trial.x.data(), kernel.max_tile, kColumns, got.data());
  reference.quantize(trial.x.data(), kernel.max_tile, kColumns, want.data());
  return got == want;
}

bool same_products(const LinearKernel& kernel, const Trial& trial, const std::vector<float>& want) {
  const auto begins_alike = [&](const std::vector<float>& got, std::size_t from, std::size_t n) {
    return std::memcmp(&got[from], want.data(), n * sizeof(float)) == 0;
  };
  for (std::size_t tokens = 1; tokens <= kernel.max_tile; ++tokens)
    if (!begins_alike(trial.run(kernel, tokens, 1), 0, tokens * Trial::rows())) return false;
  const std::vector<float> batch = trial.run(kernel, kernel.max_tile, kLongBatch);
  for (std::size_t from = 0; from < batch.size(); from += want.size())
    if (!begins_alike(batch, from, want.size())) return false;
  return true;
}

}  // namespace

std::string difference(const LinearKernel& kernel, const LinearKernel& reference) {
  AQ_CHECK(kernel.max_tile <= kMaxTokens && kernel.panel_groups <= 2);
  std::mt19937 rng(1);
  Trial trial(rng);
  if (!same_quantisation(kernel, reference, trial)) return "quantised activations";
  for (int packing = 0; packing < quant::kPackingCount; ++packing) {
    trial.fill(static_cast<Packing>(packing), rng);
    const std::vector<float> want = trial.run(reference, kernel.max_tile, 1);
    if (!same_products(kernel, trial, want))
      return "products of " + std::string(quant::kPackings[packing].name);
  }
  return {};
}

const LinearKernel& first_sound(std::span<const Impl<const LinearKernel>> table, Isa isa,
                                void (*report)(const std::string& line)) {
  const LinearKernel& reference = *table.back().fn;
  for (const Impl<const LinearKernel>& impl : table) {
    if (impl.isa > isa) continue;
    if (impl.fn == &reference) break;
    const std::string problem = difference(*impl.fn, reference);
    if (problem.empty()) return *impl.fn;
    report("this machine computes wrong " + problem + " with " + std::string(isa_name(impl.isa)) +
           "; slower kernels are used");
  }
  return reference;
}

}  // namespace aquilon::kernels
