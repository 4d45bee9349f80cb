#include <algorithm>
#include <vector>

#include "model/weights.h"

namespace aquilon::model {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

template <class W, class F>
void for_each_packable(W& weights, const F& f) {
  for_each_matrix(weights, [&](auto& m) {
    if (has_packing(m.stored)) f(m);
  });
}

// What a group of 16 rows of a matrix that has a packing takes.
std::size_t packed_group_bytes(const tensor::MatrixView& stored) {
  return quant::float_packing_of(stored)
             ? quant::float_group_bytes(stored.columns)
             : quant::group_bytes(*quant::packing_of(stored.dtype), stored.columns);
}

std::size_t groups_of(const tensor::MatrixView& stored) {
  static_assert(quant::kGroupRows == quant::kFloatRows);
  return (stored.rows + quant::kGroupRows - 1) / quant::kGroupRows;
}

// Matrices that are packed in one parallel loop. A task is what begins in one huge page: threads
// that touch a new page together would both clear one, and that takes as long as packing does.
class Batch {
 public:
  explicit Batch(std::byte* to) : to_(to) {}

  std::size_t done() const { return done_; }
  std::size_t bytes() const { return bytes_; }

  void add(WeightMatrix& m) {
    const std::size_t place = done_ + bytes_;
    const tensor::MatrixView& stored = m.stored;
    if (const auto packing = quant::float_packing_of(stored))
      m.floats = {to_ + place, *packing, stored.rows, stored.columns};
    else
      m.packed = {to_ + place, *quant::packing_of(stored.dtype), stored.rows, stored.columns};
    const std::size_t group = packed_group_bytes(stored);
    const std::size_t groups = groups_of(stored);
    for (std::size_t begin = 0, end = 0; begin < groups; begin = end) {
      const std::size_t page = (place + begin * group) / kHugePage;
      end = std::min(groups, ((page + 1) * kHugePage - place + group - 1) / group);
      if (tasks_.empty() || page != last_page_) tasks_.push_back(pieces_.size());
      last_page_ = page;
      pieces_.push_back({&m.stored, begin, end, to_ + place});
    }
    bytes_ += groups * group;
  }
  // Packs what was added, and lets the system take back the file's pages behind it.
  void run(const formats::GgufFile& file, ThreadPool& pool) {
    const std::size_t tasks = tasks_.size();
    tasks_.push_back(pieces_.size());
    // Each thread in a stretch of its own, so that it alone comes to the next page.
    const auto threads = static_cast<std::size_t>(pool.threads());
    const std::size_t stretch = (tasks + threads - 1) / threads;
    pool.run(threads * stretch, [&](std::size_t i) {
      const std::size_t task = i % threads * stretch + i / threads;
      if (task >= tasks) return;
      for (std::size_t p = tasks_[task]; p < tasks_[task + 1]; ++p) {
        const Piece& piece = pieces_[p];
        if (quant::float_packing_of(*piece.matrix))
          quant::pack_float_groups(*piece.matrix, piece.begin, piece.end, piece.to);
        else
          quant::pack_groups(*piece.matrix, piece.begin, piece.end, piece.to);
        file.drop_pages(rows_of(piece));
      }
    });
    pieces_.clear();
    tasks_.clear();
    done_ += bytes_;
    bytes_ = 0;
  }

 private:
  // Groups [begin, end) of a matrix; `to`: the whole matrix's place.
  struct Piece {
    const tensor::MatrixView* matrix;
    std::size_t begin;
    std::size_t end;
    std::byte* to;
  };

  static tensor::MatrixView rows_of(const Piece& piece) {
    const tensor::MatrixView& m = *piece.matrix;
    const std::size_t first = piece.begin * quant::kGroupRows;
    const std::size_t last = std::min(piece.end * quant::kGroupRows, m.rows);
    return {m.row(first), m.dtype, last - first, m.columns};
  }

  std::byte* to_;
  std::size_t done_ = 0;   // bytes of earlier batches
  std::size_t bytes_ = 0;  // of this one
  std::size_t last_page_ = 0;
  std::vector<Piece> pieces_;
  std::vector<std::size_t> tasks_;  // the first piece of each, then the end
};

}  // namespace

bool has_packing(const tensor::MatrixView& matrix) {
  return quant::packing_of(matrix.dtype).has_value() || quant::float_packing_of(matrix).has_value();
}

std::size_t packed_weights_bytes(const Weights& weights) {
  std::size_t bytes = 0;
  for_each_packable(weights, [&](const WeightMatrix& m) {
    bytes += groups_of(m.stored) * packed_group_bytes(m.stored);
  });
  return bytes;
}

Status pack_weights(const formats::GgufFile& file, ThreadPool& pool, Weights& weights,
                    const PackProgress& progress, std::size_t batch_bytes) {
  const std::size_t total = packed_weights_bytes(weights);
  weights.packed = AQ_TRY(tensor::HugeBuffer::create(total));
  std::vector<WeightMatrix*> matrices;
  for_each_packable(weights, [&](WeightMatrix& m) { matrices.push_back(&m); });
  Batch batch(weights.packed.data());
  for (WeightMatrix* m : matrices) {
    batch.add(*m);
    if (batch.bytes() / static_cast<std::size_t>(pool.threads()) < batch_bytes &&
        m != matrices.back())
      continue;
    batch.run(file, pool);
    if (progress) AQ_RETURN_IF_ERROR(progress(batch.done(), total));
  }
  return {};
}

}  // namespace aquilon::model
