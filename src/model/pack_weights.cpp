#include <algorithm>

#include "model/weights.h"

namespace aquilon::model {
namespace {

constexpr std::size_t kTaskRows = 256;  // of a matrix: what one thread packs in one go

template <class W, class F>
void for_each_packable(W& weights, const F& f) {
  for_each_matrix(weights, [&](auto& m) {
    if (quant::packing_of(m.stored.dtype)) f(m);
  });
}

void pack(ThreadPool& pool, WeightMatrix& m, std::byte* to) {
  const quant::PackedMatrix packed{to, *quant::packing_of(m.stored.dtype), m.stored.rows,
                                   m.stored.columns};
  constexpr std::size_t kGroups = kTaskRows / quant::kGroupRows;
  pool.run((packed.groups() + kGroups - 1) / kGroups, [&](std::size_t task) {
    quant::pack_groups(m.stored, task * kGroups, std::min((task + 1) * kGroups, packed.groups()),
                       to);
  });
  m.packed = packed;
}

}  // namespace

std::size_t packed_weights_bytes(const Weights& weights) {
  std::size_t bytes = 0;
  for_each_packable(weights,
                    [&](const WeightMatrix& m) { bytes += quant::packed_bytes(m.stored); });
  return bytes;
}

Status pack_weights(const formats::GgufFile& file, ThreadPool& pool, Weights& weights,
                    const PackProgress& progress) {
  const std::size_t total = packed_weights_bytes(weights);
  weights.packed = AQ_TRY(tensor::HugeBuffer::create(total));
  std::byte* to = weights.packed.data();
  std::size_t done = 0;
  for_each_packable(weights, [&](WeightMatrix& m) {
    pack(pool, m, to + done);
    file.drop_pages(m.stored);
    done += quant::packed_bytes(m.stored);
    if (progress) progress(done, total);
  });
  return {};
}

}  // namespace aquilon::model
