// `aquilon logits`: the logits of a prompt at every position, for comparing engines.
#include "apps/command.h"
#include "apps/id_list.h"
#include "apps/interrupt.h"
#include "apps/model_options.h"
#include "base/output_file.h"
#include "base/thread_pool.h"
#include "model/model.h"

namespace aquilon::apps {
namespace {

constexpr std::size_t kSlice = 64;  // tokens a pass

struct LogitsOptions {
  std::string model;
  std::string ids;
  std::string ids_file;
  std::string out;
  int threads = 0;
  std::string kv_type = "f32";
  bool reference = false;

  template <class V>
  void visit(V& v) {
    v(model, {.flag = "model",
              .help = "installed model, GGUF file or model folder; default: the default model",
              .unit = "NAME_OR_FILE"});
    v(ids, {.flag = "ids", .help = "the prompt as token ids", .unit = "1,2,3"});
    v(ids_file, {.flag = "ids-file", .help = "the prompt as int32, little-endian", .unit = "FILE"});
    v(out, {.flag = "out",
            .help = "file to write: float32 little-endian, [positions, vocabulary]",
            .unit = "FILE",
            .required = true});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
    v(kv_type, {.flag = "kv-type",
                .help = "how keys and values are stored: bf16, f16 or f32",
                .unit = "TYPE"});
    v(reference,
      {.flag = "reference", .help = "compute in f32 with every weight decoded: exact and slow"});
  }
};

Result<std::vector<text::TokenId>> read_prompt(const LogitsOptions& options) {
  if (options.ids.empty() == options.ids_file.empty())
    return Error{Code::kInvalidArgument, "give the prompt as --ids 1,2,3 or --ids-file FILE"};
  return options.ids.empty() ? read_ids_file(options.ids_file) : parse_ids(options.ids, "--ids");
}

Status check_prompt(const std::vector<text::TokenId>& ids, const model::ModelConfig& config) {
  if (ids.empty()) return Error{Code::kInvalidArgument, "the prompt has no ids"};
  if (ids.size() > config.context_length)
    return make_error(Code::kInvalidArgument, "the prompt has {} tokens, the model's context {}",
                      ids.size(), config.context_length);
  for (const text::TokenId id : ids)
    if (id < 0 || static_cast<std::size_t>(id) >= config.vocab_size)
      return make_error(Code::kInvalidArgument, "{} is no token id; this model has {}", id,
                        config.vocab_size);
  return {};
}

// Runs the prompt slice by slice, so that only kSlice rows are in memory.
Status write_logits(model::Model& model, std::span<const text::TokenId> ids, model::KvType type,
                    OutputFile& file) {
  model::KvCache kv = AQ_TRY(model::KvCache::create(model.config(), ids.size(), type));
  std::vector<float> logits;
  for (std::size_t at = 0; at < ids.size(); at += kSlice) {
    const std::size_t n = std::min(kSlice, ids.size() - at);
    model::Slice slice{&kv, ids.subspan(at, n), model::WantLogits::kAll};
    logits.clear();
    model.forward().run({&slice, 1}, logits);
    if (model.forward().stopped()) return Error{Code::kCancelled, "interrupted"};
    AQ_RETURN_IF_ERROR(file.write(logits.data(), logits.size() * sizeof(float)));
  }
  return {};
}

Status logits(const LogitsOptions& options) {
  const std::vector<text::TokenId> ids = AQ_TRY(read_prompt(options));
  const model::KvType type = AQ_TRY(model::parse_kv_type(options.kv_type));
  AQ_RETURN_IF_ERROR(OutputFile::check(options.out));  // before anything is computed
  const std::string path = AQ_TRY(resolve_model(options.model));
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  const auto arithmetic =
      options.reference ? model::Arithmetic::kReference : model::Arithmetic::kPacked;
  const auto model =
      AQ_TRY(model::Model::load(path, {.threads = threads, .arithmetic = arithmetic}));
  AQ_RETURN_IF_ERROR(check_prompt(ids, model->config()));
  const InterruptFlag interrupt;  // so that no half of a file is left
  model->forward().stop_when(&interrupt.flag());
  OutputFile file = AQ_TRY(OutputFile::create(options.out));
  AQ_RETURN_IF_ERROR(write_logits(*model, ids, type, file));
  return file.finish();
}

}  // namespace

void register_logits(Commands& commands) {
  commands.add<LogitsOptions>("logits", "Write the logits of a prompt to a file", logits);
}

}  // namespace aquilon::apps
