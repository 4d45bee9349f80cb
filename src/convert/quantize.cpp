#include "convert/quantize.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "convert/output_tensor.h"
#include "convert/row_encoder_internal.h"
#include "convert/tokenizer_keys_internal.h"
#include "formats/gguf_writer.h"

namespace aquilon::convert {
namespace {

using formats::GgufFile;
using formats::GgufType;
using tensor::DType;

constexpr std::uint64_t kChunkBytes = 16u << 20;   // written at a time
constexpr std::uint64_t kQuantizationVersion = 2;  // of all block types in use

constexpr std::string_view kReplacedKeys[] = {
    "general.alignment",  // the writer's own
    "general.file_type",
    "general.quantization_version",
    "split.no",
    "split.count",
    "split.tensors.count",
    "quantize.imatrix.file",
    "quantize.imatrix.dataset",
    "quantize.imatrix.entries_count",
    "quantize.imatrix.chunks_count",
    "aquilon.hf_rows",  // rows are in GGUF's order now
};

bool is_exact(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF8_E4M3 || dtype == DType::kF8_E4M3_B128;
}

// llama.cpp ends itself at a scaling that it does not know, so that it is told there is none, which
// is so within the trained context; the factor goes into a key of ours.
constexpr std::string_view kDynamicFactor = "aquilon.rope_dynamic_factor";

class Quantizer {
 public:
  Quantizer(const QuantizeJob& job, ThreadPool& pool, const QuantizeProgress& progress)
      : job_(job), pool_(pool), progress_(progress) {}

  Result<QuantizeReport> run(const std::string& out) {
    traits_ = AQ_TRY(read_traits(*job_.file));
    traits_.has_importance = job_.importance != nullptr;
    AQ_RETURN_IF_ERROR(put_keys());
    const std::vector<OutputTensor> tensors = AQ_TRY(plan_output(*job_.file));
    for (const OutputTensor& tensor : tensors) AQ_RETURN_IF_ERROR(declare(tensor));
    report_.bytes = writer_.data_bytes();
    AQ_RETURN_IF_ERROR(writer_.begin(out));
    for (std::size_t i = 0; i < tensors.size(); ++i)
      AQ_RETURN_IF_ERROR(put_tensor(tensors[i], report_.tensors[i]));
    AQ_RETURN_IF_ERROR(writer_.finish());
    return std::move(report_);
  }

 private:
  Status put_keys() {
    const std::string scaling =
        std::string(AQ_TRY(job_.file->get_string("general.architecture"))) + ".rope.scaling.";
    const auto type = job_.file->get_string(scaling + "type");
    const bool dynamic = type.ok() && *type == "dynamic";
    for (const GgufFile::Entry& entry : job_.file->metadata()) {
      if (std::find(std::begin(kReplacedKeys), std::end(kReplacedKeys), entry.key) !=
          std::end(kReplacedKeys))
        continue;
      if (dynamic && entry.key == scaling + "type")
        AQ_RETURN_IF_ERROR(writer_.put_text(entry.key, "none"));
      else if (dynamic && entry.key == scaling + "factor")
        AQ_RETURN_IF_ERROR(writer_.put_float(kDynamicFactor, GgufType::kF32,
                                             AQ_TRY(job_.file->get_float(entry.key))));
      else
        AQ_RETURN_IF_ERROR(writer_.put(entry));
    }
    AQ_RETURN_IF_ERROR(put_tokenizer_keys(*job_.file, writer_));
    AQ_RETURN_IF_ERROR(
        writer_.put_uint("general.file_type", GgufType::kU32, job_.target->file_type));
    AQ_RETURN_IF_ERROR(
        writer_.put_uint("general.quantization_version", GgufType::kU32, kQuantizationVersion));
    if (job_.importance == nullptr) return {};
    return put_importance_keys(*job_.importance);
  }

  Status put_importance_keys(const Importance& importance) {
    AQ_RETURN_IF_ERROR(writer_.put_text("quantize.imatrix.file", importance.path));
    if (!importance.datasets.empty())
      AQ_RETURN_IF_ERROR(writer_.put_text("quantize.imatrix.dataset", importance.datasets[0]));
    AQ_RETURN_IF_ERROR(writer_.put_uint("quantize.imatrix.entries_count", GgufType::kU32,
                                        importance.tensors.size()));
    return writer_.put_uint("quantize.imatrix.chunks_count", GgufType::kU32, importance.chunks);
  }

  Status declare(const OutputTensor& tensor) {
    const DType from = tensor.stored_dtype();
    const DType to = dtype_of(*job_.target, traits_, tensor.name, tensor.dims);
    if (!is_exact(from)) ++report_.quantised_before;
    report_.tensors.push_back({.name = tensor.name, .from = from, .to = to, .dims = tensor.dims});
    return writer_.declare(tensor.name, to, tensor.dims);
  }

  Status put_tensor(const OutputTensor& tensor, TensorReport& report) {
    report.is_copied = report.from == report.to && !is_exact(report.from);
    std::vector<float> weights;
    if (job_.importance != nullptr && !is_exact(report.to) && !report.is_copied)
      weights = AQ_TRY(job_.importance->weights(tensor.name, tensor.matrices(), tensor.columns()));
    report.has_importance = !weights.empty();
    RowEncoder encoder(tensor, report.to, weights, pool_);
    const std::size_t stride = tensor::row_bytes(report.to, tensor.columns());
    const std::uint64_t chunk_rows = std::max<std::uint64_t>(1, kChunkBytes / stride);
    for (std::uint64_t row = 0; row < tensor.rows(); row += chunk_rows) {
      const std::uint64_t n = std::min(chunk_rows, tensor.rows() - row);
      chunk_.resize(n * stride);
      if (report.is_copied)
        copy_rows(tensor, row, n, stride);
      else if (Status done = encoder.run(row, n, chunk_, report); !done.ok())
        return std::move(done).error().with_context(job_.file->path());
      AQ_RETURN_IF_ERROR(writer_.write(chunk_));
      drop_rows(tensor, row, n);
      done_bytes_ += chunk_.size();
      if (!progress_(done_bytes_, report_.bytes))
        return Error{Code::kCancelled, "interrupted: nothing was written"};
    }
    return {};
  }

  void copy_rows(const OutputTensor& tensor, std::uint64_t first, std::uint64_t n,
                 std::size_t stride) {
    for (std::uint64_t i = 0; i < n; ++i)
      std::copy_n(tensor.row(first + i).data, stride, chunk_.data() + i * stride);
  }

  // Lets the system take back the pages of rows that were read, where they lie one behind the
  // other.
  void drop_rows(const OutputTensor& tensor, std::uint64_t first, std::uint64_t n) {
    if (tensor.turned_rows > 0) return;
    for (std::uint64_t end = first + n; first < end;) {
      const std::uint64_t of_part =
          tensor.parts.size() == 1
              ? end - first
              : std::min(end - first, tensor.matrix_rows() - first % tensor.matrix_rows());
      const StoredRow row = tensor.row(first);
      job_.file->drop_pages({row.data, row.dtype, of_part, tensor.columns()});
      first += of_part;
    }
  }

  const QuantizeJob& job_;
  ThreadPool& pool_;
  const QuantizeProgress& progress_;
  formats::GgufWriter writer_;
  ModelTraits traits_;
  QuantizeReport report_;
  std::vector<std::byte> chunk_;
  std::uint64_t done_bytes_ = 0;
};

}  // namespace

double TensorReport::relative_error() const {
  return squared_values > 0 ? std::sqrt(squared_error / squared_values) : 0;
}

Result<QuantizeReport> quantize(const QuantizeJob& job, const std::string& out, ThreadPool& pool,
                                const QuantizeProgress& progress) {
  return Quantizer(job, pool, progress).run(out);
}

}  // namespace aquilon::convert
