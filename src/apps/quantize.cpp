// `aquilon quantize`: a model into a GGUF file of another type.
#include "convert/quantize.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/model_options.h"
#include "apps/progress_line.h"
#include "base/thread_pool.h"
#include "formats/model_folder.h"
#include "hub/byte_text.h"
#include "kernels/isa.h"
#include "model/tokenizer_loader.h"

namespace aquilon::apps {
namespace {

namespace fs = std::filesystem;

struct QuantizeOptions {
  std::string in;
  std::string out;
  std::string type;
  std::string imatrix;
  bool force = false;
  int threads = 0;
  bool json = false;

  template <class V>
  void visit(V& v) {
    v(in, {.flag = "IN",
           .help = "installed model, GGUF file (of a split one the first) or model folder",
           .positional = true,
           .required = true});
    v(out, {.flag = "OUT", .help = "GGUF file to write", .positional = true, .required = true});
    v(type, {.flag = "TYPE",
             .help = "one of F16, BF16, Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q4_0 and Q4_1",
             .positional = true,
             .required = true});
    v(imatrix, {.flag = "imatrix",
                .help = "importance matrix of this model, from `aquilon imatrix` or llama-imatrix",
                .unit = "FILE"});
    v(force, {.flag = "force", .help = "replace OUT if it is there"});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
    v(json, {.flag = "json", .help = "print what became of each tensor as JSON"});
  }
};

Status check_output(const QuantizeOptions& options, const std::string& in,
                    const formats::GgufFile& file) {
  std::error_code ec;
  std::vector<std::string> inputs = file.weight_paths();
  inputs.push_back(in);
  for (const std::string& input : inputs)
    if (fs::equivalent(input, options.out, ec))
      return make_error(Code::kInvalidArgument, "{} is what is read; write to another file",
                        options.out);
  if (fs::exists(options.out, ec) && fs::is_regular_file(options.out, ec) && !options.force)
    return make_error(Code::kInvalidArgument, "{} is there already; --force replaces it",
                      options.out);
  return {};
}

std::string_view type_name(tensor::DType dtype) {
  return tensor::dtype_info(dtype).name;
}

void print_json(const QuantizeOptions& options, const convert::Target& target,
                const convert::QuantizeReport& report, double seconds) {
  boost::json::array tensors;
  for (const convert::TensorReport& t : report.tensors)
    tensors.push_back(
        boost::json::object{{"name", t.name},
                            {"from", type_name(t.from)},
                            {"to", type_name(t.to)},
                            {"dims", boost::json::array(t.dims.begin(), t.dims.end())},
                            {"relative_error", t.relative_error()},
                            {"importance", t.has_importance},
                            {"copied", t.is_copied}});
  const boost::json::object out{{"file", options.out},
                                {"type", target.name},
                                {"bytes", report.bytes},
                                {"seconds", seconds},
                                {"tensors", std::move(tensors)}};
  fmt::print("{}\n", boost::json::serialize(out));
}

// "Q4_K 120, Q6_K 25, F32 73"
std::string count_types(const convert::QuantizeReport& report) {
  std::string text;
  for (const tensor::DTypeInfo& info : tensor::kDTypes) {
    const auto n = std::count_if(report.tensors.begin(), report.tensors.end(),
                                 [&](const auto& t) { return t.to == info.type; });
    if (n > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", info.name, n);
  }
  return text;
}

void print_text(const QuantizeOptions& options, const convert::QuantizeReport& report,
                double seconds) {
  double error = 0;  // of the tensors that are rounded
  std::size_t rounded = 0;
  for (const convert::TensorReport& t : report.tensors)
    if (t.to != tensor::DType::kF32) {
      error += t.relative_error();
      ++rounded;
    }
  fmt::print("{}: {} in {:.1f} s, {:.2f} % off on average ({})\n", options.out,
             hub::byte_text(report.bytes), seconds,
             100 * error / static_cast<double>(std::max<std::size_t>(1, rounded)),
             count_types(report));
}

// One line where errors of an earlier rounding stay, one where there is no tokenizer.
void warn(const formats::GgufFile& file, const convert::Target& target) {
  if (!model::has_tokenizer(file))
    fmt::print(stderr,
               "warning: {} has no tokenizer, so that the new file knows token ids only; put "
               "tokenizer.json, tekken.json or tokenizer.model beside its weights\n",
               file.path());
  std::uint64_t rounded = 0;
  for (const formats::GgufTensor& t : file.tensors())
    if (t.dims.size() > 1 && t.dtype != target.dtype &&
        tensor::dtype_info(t.dtype).block_size > 1 && t.dtype != tensor::DType::kF8_E4M3_B128)
      ++rounded;
  if (rounded > 0)
    fmt::print(stderr,
               "warning: {} of {} tensors are quantised already and keep those errors; the "
               "original weights give a better file\n",
               rounded, file.tensors().size());
}

Status run_quantize(const QuantizeOptions& options) {
  if (!kernels::isa_problem().empty())
    return Error{Code::kInvalidArgument, std::string(kernels::isa_problem())};
  const convert::Target* const target = AQ_TRY(convert::find_target(options.type));
  const std::string in = AQ_TRY(resolve_model(options.in));
  const formats::GgufFile file = AQ_TRY(formats::open_model(in));
  AQ_RETURN_IF_ERROR(check_output(options, in, file));
  std::optional<convert::Importance> importance;
  if (!options.imatrix.empty()) importance = AQ_TRY(convert::Importance::read(options.imatrix));
  warn(file, *target);
  ThreadPool pool(options.threads > 0 ? options.threads : usable_cores());
  const InterruptFlag interrupt;
  ProgressLine line;
  const auto begin = std::chrono::steady_clock::now();
  const auto report =
      convert::quantize({&file, target, importance ? &*importance : nullptr}, options.out, pool,
                        [&](std::uint64_t done, std::uint64_t total) {
                          line.update("quantizing", done, total);
                          return !interrupt.is_set();
                        });
  line.clear();
  if (!report.ok()) return report.error();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (options.json)
    print_json(options, *target, *report, seconds);
  else
    print_text(options, *report, seconds);
  return {};
}

}  // namespace

void register_quantize(Commands& commands) {
  commands.add<QuantizeOptions>("quantize", "Write a model as a GGUF file of another type",
                                run_quantize);
}

}  // namespace aquilon::apps
