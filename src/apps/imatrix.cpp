// `aquilon imatrix`: which columns of a model's matrices meet large activations.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/model_options.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "base/utf8.h"
#include "convert/collect.h"
#include "eval/perplexity.h"
#include "kernels/isa.h"

namespace aquilon::apps {
namespace {

struct ImatrixOptions {
  std::string model;
  std::string file;
  std::string out;
  int ctx = 512;
  int threads = 0;

  template <class V>
  void visit(V& v) {
    v(model, {.flag = "model",
              .help = "installed model, GGUF file or model folder; default: the default model",
              .unit = "NAME_OR_FILE"});
    v(file, {.flag = "file",
             .help = "a text of the kind that the model is to be good at, UTF-8",
             .unit = "FILE",
             .required = true});
    v(out, {.flag = "out", .help = "GGUF file to write", .unit = "FILE", .required = true});
    v(ctx,
      {.flag = "ctx", .help = "tokens of a chunk", .unit = "TOKENS", .min = 8, .max = 1 << 24});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
  }
};

Result<convert::Importance> collect(model::Model& model, std::span<const text::TokenId> tokens,
                                    std::size_t context) {
  const InterruptFlag interrupt;
  const auto begin = std::chrono::steady_clock::now();
  return convert::collect_importance(
      model, tokens, context, [&](std::size_t done, std::size_t total) {
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        fmt::print(stderr, "chunk {} of {}, {:.1f} s a chunk\n", done, total,
                   seconds / static_cast<double>(done));
        return !interrupt.is_set();
      });
}

Status run_imatrix(const ImatrixOptions& options) {
  if (!kernels::isa_problem().empty())
    return Error{Code::kInvalidArgument, std::string(kernels::isa_problem())};
  const std::string text = AQ_TRY(read_file(options.file));
  if (!is_utf8(text))
    return make_error(Code::kInvalidArgument, "{} is not UTF-8 text", options.file);
  const std::string path = AQ_TRY(resolve_model(options.model));
  const auto model = AQ_TRY(model::Model::load(
      path, {.threads = options.threads > 0 ? options.threads : usable_cores()}));
  const auto context = static_cast<std::size_t>(options.ctx);
  if (context > model->config().context_length)
    return make_error(Code::kInvalidArgument, "--ctx {} is more than the {} tokens of the model",
                      context, model->config().context_length);
  convert::Importance importance =
      AQ_TRY(collect(*model, eval::text_tokens(*model, text), context));
  importance.datasets = {options.file};
  AQ_RETURN_IF_ERROR(importance.write(options.out));
  fmt::print("{}: {} tensors, {} chunks of {} tokens\n", options.out, importance.tensors.size(),
             importance.chunks, importance.chunk_tokens);
  return {};
}

}  // namespace

void register_imatrix(Commands& commands) {
  commands.add<ImatrixOptions>("imatrix", "Collect an importance matrix for quantize", run_imatrix);
}

}  // namespace aquilon::apps
