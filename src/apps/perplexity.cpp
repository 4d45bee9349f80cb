// `aquilon perplexity`: how well a model predicts a text, and how far from a saved run it is.
#include "eval/perplexity.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "apps/command.h"
#include "apps/interrupt.h"
#include "apps/model_options.h"
#include "base/file.h"
#include "base/output_file.h"
#include "base/thread_pool.h"
#include "base/utf8.h"
#include "eval/base_file.h"
#include "eval/divergence.h"
#include "eval/running_mean.h"
#include "kernels/isa.h"
#include "model/fingerprint.h"

namespace aquilon::apps {
namespace {

struct PerplexityOptions {
  std::string model;
  std::string file;
  int ctx = 512;
  int threads = 0;
  std::string kv_type;
  bool reference = false;
  std::string save_base;
  std::string base;
  bool json = false;

  template <class V>
  void visit(V& v) {
    v(model, {.flag = "model",
              .help = "installed model, GGUF file or model folder; default: the default model",
              .unit = "NAME_OR_FILE"});
    v(file,
      {.flag = "file", .help = "the text, UTF-8; -: stdin", .unit = "FILE", .required = true});
    v(ctx, {.flag = "ctx",
            .help = "tokens of a chunk; the second half of each is scored",
            .unit = "TOKENS",
            .min = 8,
            .max = 1 << 24});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
    v(kv_type, {.flag = "kv-type",
                .help = "how keys and values are stored: bf16, f16 or f32; default: bf16, with "
                        "--reference f32",
                .unit = "TYPE"});
    v(reference,
      {.flag = "reference", .help = "compute in f32 with every weight decoded: exact and slow"});
    v(save_base, {.flag = "save-base",
                  .help = "write the predictions to a file, to compare other runs with",
                  .unit = "FILE"});
    v(base, {.flag = "base", .help = "compare with the predictions in this file", .unit = "FILE"});
    v(json, {.flag = "json", .help = "print the result as JSON"});
  }
};

// What a run gathers.
struct Tally {
  eval::RunningMean nll;      // of the text's tokens, in nats
  std::vector<double> after;  // perplexity after each chunk
  std::optional<eval::Divergence> divergence;
  double seconds = 0;
  bool whole = true;  // not interrupted

  double perplexity() const { return std::exp(nll.mean()); }
  double error() const { return perplexity() * nll.standard_error(); }
};

// A file to compare with, and one to write.
struct BaseFiles {
  std::optional<eval::BaseFile> read;
  std::optional<eval::BaseWriter> write;
};

// Before the model is loaded: what is wrong with the paths.
Result<BaseFiles> open_base(const PerplexityOptions& options) {
  BaseFiles files;
  if (!options.base.empty()) files.read = AQ_TRY(eval::BaseFile::open(options.base));
  if (!options.save_base.empty()) AQ_RETURN_IF_ERROR(OutputFile::check(options.save_base));
  return files;
}

Status begin_base(const PerplexityOptions& options, const model::Model& model,
                  std::span<const text::TokenId> tokens, BaseFiles& files) {
  const auto context = static_cast<std::size_t>(options.ctx);
  const std::size_t vocab = model.config().vocab_size;
  const std::uint64_t print = model::fingerprint(model.config(), model.weights());
  if (files.read) AQ_RETURN_IF_ERROR(files.read->check_same_run(tokens, context, vocab, print));
  if (!options.save_base.empty())
    files.write =
        AQ_TRY(eval::BaseWriter::create(options.save_base, tokens, context, vocab, print));
  return {};
}

Result<std::string> read_stdin() {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // as read_file
  std::string text;
  std::string block(std::size_t{1} << 20, '\0');
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), stdin)) {
    text.append(block, 0, n);
    if (text.size() > kMost)
      return make_error(Code::kInvalidArgument, "stdin has more than {} bytes", kMost);
  }
  return text;
}

// The text: whole, and text.
Result<std::string> read_text(const std::string& path) {
  const bool standard = path == "-";
  const std::string text = standard ? AQ_TRY(read_stdin()) : AQ_TRY(read_file(path));
  std::string_view rest = text;
  while (const std::size_t length = utf8_length(rest)) rest.remove_prefix(length);
  if (rest.empty()) return text;
  return make_error(Code::kInvalidArgument, "{} is not UTF-8 text: byte {} begins no character",
                    standard ? "stdin" : path, text.size() - rest.size());
}

// How far a run is: a line that is written over on a terminal, one a chunk elsewhere.
class ChunkLine {
 public:
  ~ChunkLine() {
    if (terminal_ && drawn_) fmt::print(stderr, "\n");
  }
  void show(const std::string& text) {
    if (terminal_)
      fmt::print(stderr, "\r{}\x1b[K", text);
    else
      fmt::print(stderr, "{}\n", text);
    std::fflush(stderr);
    drawn_ = true;
  }

 private:
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool drawn_ = false;
};

Result<Tally> run_chunks(model::Model& model, std::span<const text::TokenId> tokens,
                         std::size_t context, model::KvType kv_type, BaseFiles& files) {
  const InterruptFlag interrupt;
  model.forward().stop_when(&interrupt.flag());
  ChunkLine line;
  const auto begin = std::chrono::steady_clock::now();
  Tally tally;
  if (files.read) tally.divergence.emplace();
  const auto on_prediction = [&](const eval::Prediction& prediction) -> Status {
    if (files.read) tally.divergence->add(files.read->record(tally.nll.count()), prediction);
    tally.nll.add(-prediction.logprob(prediction.next));
    return files.write ? files.write->add(prediction) : Status();
  };
  const auto on_chunk = [&](std::size_t done, std::size_t total) {
    tally.after.push_back(tally.perplexity());
    tally.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    line.show(fmt::format("chunk {} of {}: perplexity {:.4f} so far, {:.1f} s a chunk", done, total,
                          tally.perplexity(), tally.seconds / static_cast<double>(done)));
    return !interrupt.is_set();
  };
  const Status done =
      eval::predict_chunks(model, tokens, context, kv_type, on_prediction, on_chunk);
  tally.whole = done.ok();
  if (!done.ok() && (done.error().code != Code::kCancelled || tally.after.empty()))
    return done.error();
  if (files.write && tally.whole) AQ_RETURN_IF_ERROR(files.write->finish());
  return tally;
}

boost::json::object divergence_json(const eval::Divergence& d) {
  return {
      {"kl", d.kl().mean()},
      {"kl_error", d.kl().standard_error()},
      {"kl_max", d.kl().max()},
      {"logprob_distance", d.logprob_distance().mean()},
      {"logprob_distance_max", d.logprob_distance().max()},
      {"same_best", d.same_best().mean()},
      {"perplexity_ratio", std::exp(d.log_ratio().mean())},
      {"perplexity_ratio_error", std::exp(d.log_ratio().mean()) * d.log_ratio().standard_error()},
      {"mass_outside", d.outside().mean()}};
}

void print_json(const PerplexityOptions& options, const Tally& tally) {
  boost::json::array after(tally.after.begin(), tally.after.end());
  boost::json::object out{{"perplexity", tally.perplexity()},
                          {"error", tally.error()},
                          {"ctx", options.ctx},
                          {"chunks", tally.after.size()},
                          {"scored_tokens", tally.nll.count()},
                          {"after_chunk", std::move(after)},
                          {"seconds", tally.seconds}};
  if (tally.divergence) out["base"] = divergence_json(*tally.divergence);
  fmt::print("{}\n", boost::json::serialize(out));
}

void print_text(const Tally& tally) {
  fmt::print("perplexity {:.4f} +- {:.4f} over {} tokens in {} chunks\n", tally.perplexity(),
             tally.error(), tally.nll.count(), tally.after.size());
  if (!tally.divergence) return;
  const eval::Divergence& d = *tally.divergence;
  const double ratio = std::exp(d.log_ratio().mean());
  fmt::print("against the base:\n");
  fmt::print("  perplexity ratio             {:.5f} +- {:.5f}\n", ratio,
             ratio * d.log_ratio().standard_error());
  fmt::print("  mean KL divergence           {:.3e} +- {:.1e}, at most {:.3e}\n", d.kl().mean(),
             d.kl().standard_error(), d.kl().max());
  fmt::print("  mean |log-probability off|   {:.3e} +- {:.1e}, at most {:.3e}\n",
             d.logprob_distance().mean(), d.logprob_distance().standard_error(),
             d.logprob_distance().max());
  fmt::print("  same best token              {:.2f} %\n", 100 * d.same_best().mean());
  fmt::print("  base's mass outside its ids  {:.2f} %\n", 100 * d.outside().mean());
}

Status perplexity(const PerplexityOptions& options) {
  if (!kernels::isa_problem().empty())
    return Error{Code::kInvalidArgument, std::string(kernels::isa_problem())};
  const model::KvType kv_type =
      AQ_TRY(model::parse_kv_type(!options.kv_type.empty() ? options.kv_type
                                  : options.reference      ? "f32"
                                                           : "bf16"));
  const std::string text = AQ_TRY(read_text(options.file));
  BaseFiles files = AQ_TRY(open_base(options));
  const std::string path = AQ_TRY(resolve_model(options.model));
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  const auto arithmetic =
      options.reference ? model::Arithmetic::kReference : model::Arithmetic::kPacked;
  const auto model =
      AQ_TRY(model::Model::load(path, {.threads = threads, .arithmetic = arithmetic}));
  AQ_RETURN_IF_ERROR(model->require_tokenizer());
  const auto context = static_cast<std::size_t>(options.ctx);
  if (context > model->config().context_length)
    return make_error(Code::kInvalidArgument, "--ctx {} is more than the {} tokens of the model",
                      context, model->config().context_length);
  const std::vector<text::TokenId> tokens = eval::text_tokens(*model, text);
  AQ_RETURN_IF_ERROR(begin_base(options, *model, tokens, files));
  const Tally tally = AQ_TRY(run_chunks(*model, tokens, context, kv_type, files));
  if (!std::isfinite(tally.nll.mean()))
    return make_error(Code::kCorrupt, "{}: the predictions are no numbers; is the file damaged?",
                      path);
  if (options.json)
    print_json(options, tally);
  else
    print_text(tally);
  if (tally.whole) return {};
  return Error{Code::kCancelled, "interrupted: this is what was measured until then"};
}

}  // namespace

void register_perplexity(Commands& commands) {
  commands.add<PerplexityOptions>("perplexity", "Measure how well a model predicts a text",
                                  perplexity);
}

}  // namespace aquilon::apps
