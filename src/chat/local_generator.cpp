#include "chat/local_generator.h"

#include <algorithm>
#include <climits>
#include <ctime>
#include <optional>

#include "base/memory.h"
#include "base/thread_pool.h"  // usable_cores
#include "chat/chat_template.h"
#include "engine/engine.h"
#include "model/model.h"

namespace aquilon::chat {
namespace {

using text::TokenId;

constexpr std::uint64_t kWorkingMemory = 256u << 20;  // activations, logits, the program itself
constexpr std::size_t kLeastContext = 512;            // a default below it is of no use

class LocalGeneration final : public Generation {
 public:
  explicit LocalGeneration(std::unique_ptr<engine::Ticket> ticket) : ticket_(std::move(ticket)) {}
  void cancel() override { ticket_->cancel(); }
  const std::vector<TokenId>& prompt_ids() const override { return ticket_->prompt(); }

 private:
  std::unique_ptr<engine::Ticket> ticket_;
};

class LocalGenerator final : public Generator {
 public:
  LocalGenerator(std::unique_ptr<model::Model> model, std::shared_ptr<model::KvPool> pool,
                 std::optional<ChatTemplate> chat_template, Error template_problem, ModelCard card,
                 const engine::EngineOptions& options)
      : model_(std::move(model)),
        template_(std::move(chat_template)),
        template_problem_(std::move(template_problem)),
        card_(std::move(card)),
        engine_(*model_, std::move(pool), options) {}

  const ModelCard& card() const override { return card_; }
  bool ready() const override { return engine_.ready(); }

  Result<std::unique_ptr<Generation>> start(GenerationRequest request, EventSink sink) override {
    engine::Request r;
    r.prompt = AQ_TRY(prompt_ids(request.prompt));
    r.sampling = std::move(request.sampling);
    r.max_tokens = request.max_tokens.value_or(INT_MAX);
    r.stop = std::move(request.stop);
    r.stop_tokens = std::move(request.stop_tokens);
    r.ignore_eos = request.ignore_eos;
    r.n = request.n;
    r.top_logprobs = request.top_logprobs;
    auto ticket = engine_.submit(std::move(r), std::move(sink));
    if (!ticket.ok()) {
      Error error = std::move(ticket).error();
      if (error.param == "messages" && !std::holds_alternative<ChatPrompt>(request.prompt))
        error.param = "prompt";
      return error;
    }
    return std::unique_ptr<Generation>(new LocalGeneration(std::move(*ticket)));
  }

 private:
  Result<std::vector<TokenId>> prompt_ids(const Prompt& prompt) const {
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt)) return *ids;
    // A raw prompt is written by whoever knows the model's format: control tokens in it count.
    if (const auto* text = std::get_if<std::string>(&prompt))
      return with_bos(model_->tokenizer().encode_trusted(*text));
    return render(std::get<ChatPrompt>(prompt));
  }

  Result<std::vector<TokenId>> render(const ChatPrompt& chat) const {
    if (!template_) return template_problem_;
    const text::Tokenizer& tokenizer = model_->tokenizer();
    const auto& special = model_->special();
    TemplateInput input;
    input.messages = chat.messages;
    input.tools = chat.tools;
    input.kwargs = chat.template_kwargs;
    input.continue_final_message = chat.continue_final_message;
    input.bos_token = special.bos >= 0 ? std::string(tokenizer.token_bytes(special.bos)) : "";
    input.eos_token = special.eos >= 0 ? std::string(tokenizer.token_bytes(special.eos)) : "";
    const RenderedPrompt prompt = AQ_TRY(template_->render(input));
    return with_bos(tokenizer.encode(prompt.text, prompt.trusted));
  }

  // The model's BOS in front, unless it stands there already.
  std::vector<TokenId> with_bos(std::vector<TokenId> ids) const {
    const auto& special = model_->special();
    if (special.add_bos && (ids.empty() || ids.front() != special.bos))
      ids.insert(ids.begin(), special.bos);
    return ids;
  }

  std::unique_ptr<model::Model> model_;
  std::optional<ChatTemplate> template_;
  Error template_problem_;  // what to say where there is no template
  ModelCard card_;
  engine::Engine engine_;
};

struct Memory {
  std::size_t context;  // tokens of a sequence
  std::size_t pages;    // of keys and values
};

// What this machine can hold. By default every sequence that runs together has its whole context;
// one that is asked for has to fit once, and requests wait for pages where it does not fit more
// often.
Result<Memory> choose_memory(const LocalGeneratorOptions& options, const model::Model& model) {
  const model::ModelConfig& config = model.config();
  if (options.context > config.context_length)
    return make_error(Code::kInvalidArgument,
                      "--ctx {} is more than the {} tokens that this model was trained for",
                      options.context, config.context_length);
  if (options.context == 1)
    return make_error(Code::kInvalidArgument, "--ctx 1 has no room for a prompt and an answer");
  const std::uint64_t free = available_memory();
  const std::uint64_t fixed = model.weight_bytes(model::Arithmetic::kPacked) + kWorkingMemory;
  const std::uint64_t page = model::kv_layout(config, options.kv_type).page_bytes();
  const std::uint64_t room = free > fixed ? (free - fixed) / page : 0;
  const std::size_t least =
      options.context != 0 ? options.context : std::min(kLeastContext, config.context_length);
  const std::uint64_t least_pages = engine::pages_for_context(least);
  if (room < least_pages)
    return make_error(
        Code::kOutOfMemory,
        "not enough memory: {} needed for the model and {} tokens of context, {} free; "
        "use a smaller model, --ctx or --kv-type",
        format_bytes(fixed + least_pages * page), least, format_bytes(free));
  const std::uint64_t polite = std::max(least_pages, room / 5 * 4);  // leave a fifth to others
  std::uint64_t context = options.context;
  if (context == 0) {
    const std::uint64_t share = std::max(least_pages, polite / options.parallel) - 1;
    context = std::min<std::uint64_t>(share * kernels::kPagePositions, config.context_length);
  }
  const std::uint64_t all = options.parallel * engine::pages_for_context(context);
  return Memory{context, std::min(polite, all)};
}

struct TemplateChoice {
  std::optional<ChatTemplate> parsed;
  Error problem;
};

Result<TemplateChoice> choose_template(const LocalGeneratorOptions& options,
                                       const model::Model& model) {
  const bool own = options.chat_template.empty();
  const std::string source = own ? std::string(model.chat_template()) : options.chat_template;
  if (source.empty())
    return TemplateChoice{{},
                          {Code::kUnsupported,
                           "this model has no chat template: use /v1/completions, or give one with "
                           "--chat-template FILE",
                           "messages"}};
  auto parsed = ChatTemplate::parse(source);
  if (parsed.ok() && parsed->leaves_messages_out())
    parsed = make_error(Code::kInvalidArgument,
                        "a prompt made with it does not hold the text of the messages: it must "
                        "write message.content for each message of messages");
  if (parsed.ok()) return TemplateChoice{std::move(*parsed), {}};
  if (!own) return std::move(parsed).error().with_context("--chat-template");
  Error problem = std::move(parsed).error().with_context("the model's chat template");
  problem.code = Code::kUnsupported;
  return TemplateChoice{{}, std::move(problem)};
}

}  // namespace

Result<std::unique_ptr<Generator>> make_local_generator(const LocalGeneratorOptions& options) {
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  auto model = AQ_TRY(model::Model::open(options.path));
  const Memory memory = AQ_TRY(choose_memory(options, *model));
  AQ_RETURN_IF_ERROR(model->prepare({.threads = threads, .progress = options.progress}));
  auto pool = AQ_TRY(model::KvPool::create(model->config(), options.kv_type, memory.pages));
  TemplateChoice chat_template = AQ_TRY(choose_template(options, *model));
  ModelCard card;
  card.id = options.id;
  card.created = std::time(nullptr);
  card.description = model->config().name;
  card.context_length = static_cast<int>(memory.context);
  card.chat = chat_template.parsed.has_value();
  const engine::EngineOptions engine{memory.context, options.parallel, options.max_queue};
  return std::unique_ptr<Generator>(
      new LocalGenerator(std::move(model), std::move(pool), std::move(chat_template.parsed),
                         std::move(chat_template.problem), std::move(card), engine));
}

}  // namespace aquilon::chat
