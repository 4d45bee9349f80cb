#include "chat/local_generator.h"

#include <algorithm>
#include <climits>
#include <ctime>
#include <functional>
#include <numeric>
#include <optional>

#include "base/memory.h"
#include "base/thread_pool.h"  // usable_cores
#include "chat/prompt_writer.h"
#include "chat/tools/call_watch.h"
#include "chat/tools/tool_constraint.h"
#include "chat/tools/tool_prompt.h"
#include "engine/draft_model.h"
#include "engine/engine.h"
#include "model/model.h"

namespace aquilon::chat {
namespace {

using text::TokenId;

constexpr std::uint64_t kWorkingMemory = 256u << 20;  // activations, logits, the program itself
constexpr std::size_t kLeastContext = 512;            // a default below it is of no use

// Of the model's probability, that of the tools' names together. Qwen2.5-Coder 1.5B then calls for
// 13 of 16 requests that a tool fits and for 2 of 16 that none does, 0.5B for 11 and 6: requests
// beside those that docs/FUNCTION-CALLING.md reports.
constexpr double kLeastCall = 0.95;

using Adapters = std::vector<std::shared_ptr<const model::Adapter>>;

class LocalGeneration final : public Generation {
 public:
  LocalGeneration(std::unique_ptr<engine::Ticket> ticket,
                  std::shared_ptr<const std::vector<Unenforced>> unenforced,
                  std::optional<ThinkingMarks> thinking, bool thinking_begun)
      : ticket_(std::move(ticket)),
        unenforced_(std::move(unenforced)),
        thinking_(thinking),
        thinking_begun_(thinking_begun) {}
  void cancel() override { ticket_->cancel(); }
  const std::vector<TokenId>& prompt_ids() const override { return ticket_->prompt(); }
  std::span<const Unenforced> unenforced() const override {
    return unenforced_ ? std::span(*unenforced_) : std::span<const Unenforced>();
  }
  std::optional<ThinkingMarks> thinking() const override { return thinking_; }
  bool thinking_begun() const override { return thinking_begun_; }

 private:
  std::unique_ptr<engine::Ticket> ticket_;
  std::shared_ptr<const std::vector<Unenforced>> unenforced_;  // may be null
  std::optional<ThinkingMarks> thinking_;
  bool thinking_begun_;
};

class LocalGenerator final : public Generator {
 public:
  LocalGenerator(std::unique_ptr<model::Model> model, std::shared_ptr<model::KvPool> pool,
                 PromptWriter writer, ModelCard card, engine::Pooling pooling, Adapters adapters,
                 const engine::EngineOptions& options, std::unique_ptr<engine::GuessSource> draft)
      : model_(std::move(model)),
        writer_(std::move(writer)),
        pooling_(pooling),
        card_(std::move(card)),
        adapters_(std::move(adapters)),
        constraints_(model_->tokenizer(), model_->special().ends),
        engine_(*model_, std::move(pool), options, std::move(draft)) {}

  const ModelCard& card() const override { return card_; }
  bool ready() const override { return engine_.ready(); }

  Result<std::unique_ptr<Generation>> start(GenerationRequest request, EventSink sink) override {
    engine::Request r;
    AQ_RETURN_IF_ERROR(choose_adapter(request, r));
    r.prompt = AQ_TRY(request.embed ? text_ids(request.prompt) : prompt_ids(request.prompt));
    r.sampling = std::move(request.sampling);
    r.max_tokens = request.max_tokens.value_or(INT_MAX);
    r.min_tokens = request.min_tokens;
    r.stop = std::move(request.stop);
    r.stop_tokens = std::move(request.stop_tokens);
    r.ignore_eos = request.ignore_eos;
    r.n = request.n;
    r.may_go_on = std::move(request.may_go_on);
    r.top_logprobs = request.top_logprobs;
    r.prompt_logprobs = request.prompt_logprobs;
    r.follows = request.follows;
    r.tenant = request.tenant;
    r.cache_salt = request.cache_salt;
    r.waited_seconds = request.waited_seconds;
    if (!request.prediction.empty()) r.prediction = model_->tokenizer().encode(request.prediction);
    const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
    const Thinking thinking = chat ? writer_.thinking_after(*chat, r.prompt) : Thinking::kNone;
    auto unenforced = AQ_TRY(constrain(request, thinking, r));
    if (chat) show_thinking(r);
    if (request.embed) {
      r.pooling = pooling_;
      r.max_tokens = 0;
    }
    // Where texts are encoded with a space in front, an answer begins with it.
    r.drop_first_space =
        chat && !chat->continue_final_message && model_->tokenizer().traits().space_in_front;
    if (request.may_begin) AQ_RETURN_IF_ERROR(request.may_begin(r.prompt.size()));
    auto ticket = engine_.submit(std::move(r), std::move(sink));
    if (!ticket.ok()) {
      Error error = std::move(ticket).error();
      if (error.param == "messages" && !std::holds_alternative<ChatPrompt>(request.prompt))
        error.param = "prompt";
      return error;
    }
    return std::unique_ptr<Generation>(new LocalGeneration(
        std::move(*ticket), std::move(unenforced), chat ? writer_.thinking() : std::nullopt,
        thinking == Thinking::kBegun));
  }

  Result<std::vector<TokenId>> prompt_ids(const Prompt& prompt) const override {
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt)) return *ids;
    // A raw prompt is written by whoever knows the model's format: control tokens in it count.
    if (const auto* text = std::get_if<std::string>(&prompt))
      return with_bos(model_->tokenizer().encode_trusted(*text));
    if (const auto* gap = std::get_if<FillInPrompt>(&prompt))
      return writer_.fill_in(gap->before, gap->after);
    return writer_.write(std::get<ChatPrompt>(prompt));
  }

  Result<std::string> prompt_text(const ChatPrompt& prompt) const override {
    return text::decode(model_->tokenizer(), AQ_TRY(writer_.write(prompt)), true);
  }

  Result<std::vector<TokenId>> encode(std::string_view text,
                                      const EncodeOptions& options) const override {
    const text::Tokenizer& tokenizer = model_->tokenizer();
    auto ids = options.control ? tokenizer.encode_trusted(text) : tokenizer.encode(text);
    return options.bos ? with_bos(std::move(ids)) : std::move(ids);
  }

  Result<std::string> decode(std::span<const TokenId> ids, bool with_control) const override {
    const text::Tokenizer& tokenizer = model_->tokenizer();
    for (const TokenId id : ids)
      if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocab_size()) {
        Error error =
            make_error(Code::kInvalidArgument, "token {} is outside this model's vocabulary of {}",
                       id, tokenizer.vocab_size());
        error.param = "tokens";
        return error;
      }
    return text::decode(tokenizer, ids, with_control);
  }

  TokenizerInfo tokenizer_info() const override {
    const auto& special = model_->special();
    return {.bos = written(special.bos),
            .eos = written(special.eos),
            .adds_bos = special.add_bos,
            .chat_template = std::string(model_->chat_template())};
  }

  const Dialect& dialect() const override { return writer_.dialect(); }

  std::string token_bytes(TokenId id) const override {
    return std::string(model_->tokenizer().token_bytes(id));
  }

 private:
  std::string written(TokenId id) const { return id < 0 ? std::string() : token_bytes(id); }

  // What the answer is held to: calls, the form that is asked for, or either; thoughts may come
  // first. What of it is not enforced, null where nothing is.
  Result<std::shared_ptr<const std::vector<Unenforced>>> constrain(const GenerationRequest& request,
                                                                   Thinking thinking,
                                                                   engine::Request& r) {
    AnswerConstraint wanted = request.constraint;
    const bool form = wanted.kind != AnswerConstraint::Kind::kNone;
    if (!form && !request.tools.any()) return std::shared_ptr<const std::vector<Unenforced>>();
    if (thinking != Thinking::kNone) {
      const ThinkingMarks& marks = *writer_.thinking();
      wanted.frame.name = fmt::format("{}{};", marks.open, static_cast<int>(thinking));
      wanted.frame.before =
          std::make_shared<const constraint::Part>(thinking_part(marks, thinking));
    }
    constraint::CompileBudget budget{.stop = request.abandoned};
    if (request.tools.any()) return hold_to_tools(request, wanted, budget, r);
    CompiledConstraint made = AQ_TRY(constraints_.compile(wanted, budget));
    AQ_RETURN_IF_ERROR(begin_within(made.matcher, request.prompt));
    r.constraint = std::move(made.matcher);
    return std::move(made.left_out);
  }

  // Marks that are control tokens reach the text, where their reader finds them.
  void show_thinking(engine::Request& r) const {
    const auto& marks = writer_.thinking();
    if (!marks || !marks->controls) return;
    for (const std::string_view mark : {marks->open, marks->close})
      r.shown_tokens.push_back(model_->tokenizer().find_token(mark));
  }

  // An answer that has begun goes on within its constraint.
  static Status begin_within(constraint::Matcher& matcher, const Prompt& prompt) {
    const auto* chat = std::get_if<ChatPrompt>(&prompt);
    if (chat == nullptr || !chat->continue_final_message) return {};
    const auto* content = chat->messages.back().get_object().if_contains("content");
    if (content == nullptr || !content->is_string() || content->get_string().empty()) return {};
    if (matcher.accept_bytes(std::string_view(content->get_string()))) return {};
    return Error{Code::kInvalidArgument,
                 "the answer's beginning that was given leaves what its constraint allows",
                 "messages"};
  }

  // `wanted`: the form of an answer without calls, and what comes before either.
  Result<std::shared_ptr<const std::vector<Unenforced>>> hold_to_tools(
      const GenerationRequest& request, const AnswerConstraint& wanted,
      constraint::CompileBudget& budget, engine::Request& out) {
    const Dialect& dialect = writer_.dialect();
    const text::Tokenizer& tokenizer = model_->tokenizer();
    const bool form = wanted.kind != AnswerConstraint::Kind::kNone;
    ToolUse use = request.tools;
    out.shown_tokens = control_tokens(dialect, tokenizer);
    out.watch = [&dialect, names = use.names()] { return watch_calls(dialect, names); };
    const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
    if (use.choice == ToolChoice::kAuto && chat && writer_.offers_no_call(*chat) &&
        !wanted.frame.before)
      AQ_RETURN_IF_ERROR(weigh_call(use, budget, out));
    if (out.branch) use.choice = ToolChoice::kDeclined;
    CompiledConstraint made =
        AQ_TRY(out.branch && form
                   ? constraints_.compile(wanted, budget)
                   : tool_constraint(dialect, use, wanted, tokenizer, constraints_, budget));
    if (form) AQ_RETURN_IF_ERROR(begin_within(made.matcher, request.prompt));
    out.constraint = std::move(made.matcher);
    return std::move(made.left_out);
  }

  // The model says by itself whether the answer calls. No branch: its calls begin otherwise.
  Status weigh_call(const ToolUse& use, constraint::CompileBudget& budget, engine::Request& out) {
    const Dialect& dialect = writer_.dialect();
    const text::Tokenizer& tokenizer = model_->tokenizer();
    ToolUse demanded = use;
    demanded.choice = ToolChoice::kRequired;
    CompiledConstraint calls =
        AQ_TRY(tool_constraint(dialect, demanded, {}, tokenizer, constraints_, budget));
    constraint::Matcher behind = calls.matcher;
    std::vector<TokenId> ids = tokenizer.encode_trusted(beginning_of_call(dialect));
    const bool follows =
        std::all_of(ids.begin(), ids.end(), [&](TokenId id) { return behind.accept(id); });
    if (follows)
      out.branch =
          engine::Branch{std::move(ids), std::move(behind), std::move(calls.matcher), kLeastCall};
    return {};
  }

  Status choose_adapter(const GenerationRequest& request, engine::Request& out) const {
    if (!request.adapter) return {};
    if (request.adapter->index >= adapters_.size()) {
      Error error = make_error(Code::kInvalidArgument,
                               "there is no adapter {}: this model has {} (serve --lora)",
                               request.adapter->index, adapters_.size());
      error.param = "lora";
      return error;
    }
    out.adapter = adapters_[request.adapter->index];
    out.adapter_scale = static_cast<float>(request.adapter->scale);
    return {};
  }

  // What is embedded: no control tokens of the text's own; BOS, and EOS where the model wants it.
  Result<std::vector<TokenId>> text_ids(const Prompt& prompt) const {
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&prompt)) return *ids;
    std::vector<TokenId> ids = with_bos(model_->tokenizer().encode(std::get<std::string>(prompt)));
    const auto& special = model_->special();
    const bool ends = special.add_eos || writer_.format_name().starts_with("mistral-");
    if (ends && special.eos >= 0) ids.push_back(special.eos);
    return ids;
  }

  // The model's BOS in front, unless it stands there already.
  std::vector<TokenId> with_bos(std::vector<TokenId> ids) const {
    const auto& special = model_->special();
    if (special.add_bos && (ids.empty() || ids.front() != special.bos))
      ids.insert(ids.begin(), special.bos);
    return ids;
  }

  std::unique_ptr<model::Model> model_;
  PromptWriter writer_;
  engine::Pooling pooling_;
  ModelCard card_;
  Adapters adapters_;
  ConstraintCompiler constraints_;
  engine::Engine engine_;
};

// In pages of keys and values.
struct PageNeeds {
  std::uint64_t page_bytes;
  std::size_t least_tokens;  // of a context that is asked for, or one that is of use
  std::uint64_t least;       // for them
  std::uint64_t context;     // for that asked for, or the model's
};

Result<PageNeeds> page_needs(const LocalGeneratorOptions& options,
                             const model::ModelConfig& config) {
  if (options.context > config.context_length)
    return make_error(Code::kInvalidArgument,
                      "--ctx {} is more than the {} tokens that this model was trained for",
                      options.context, config.context_length);
  if (options.context == 1)
    return make_error(Code::kInvalidArgument, "--ctx 1 has no room for a prompt and an answer");
  const bool asked = options.context != 0;
  const std::size_t least =
      asked ? options.context : std::min(kLeastContext, config.context_length);
  return PageNeeds{model::kv_layout(config, options.kv_type).page_bytes(), least,
                   engine::pages_for_context(least),
                   engine::pages_for_context(asked ? options.context : config.context_length)};
}

struct Memory {
  std::size_t context;  // tokens of a sequence
  std::size_t pages;    // of keys and values
};

// What this machine can hold. By default every sequence that runs together has its whole context;
// one that is asked for has to fit once, and requests wait for pages where it does not fit more
// often. A draft model has as many pages of its own.
//   draft  may be null
Result<Memory> choose_memory(const LocalGeneratorOptions& options, const model::Model& model,
                             const model::Model* draft) {
  const model::ModelConfig& config = model.config();
  const PageNeeds needs = AQ_TRY(page_needs(options, config));
  const std::uint64_t free = available_memory();
  std::uint64_t fixed = model.weight_bytes(model::Arithmetic::kPacked) + kWorkingMemory;
  std::uint64_t page = needs.page_bytes;
  if (draft != nullptr) {
    fixed += draft->weight_bytes(model::Arithmetic::kPacked);
    page += model::kv_layout(draft->config(), options.kv_type).page_bytes();
  }
  const std::uint64_t room = free > fixed ? (free - fixed) / page : 0;
  if (room < needs.least)
    return make_error(
        Code::kOutOfMemory,
        "not enough memory: {} needed for the model{} and {} tokens of context, {} free; "
        "use a smaller model, --ctx or --kv-type",
        format_bytes(fixed + needs.least * page), draft != nullptr ? "s" : "", needs.least_tokens,
        format_bytes(free));
  std::uint64_t polite = std::max(needs.least, room / 5 * 4);  // leave a fifth to others
  if (options.memory > 0) {
    const std::uint64_t taken = fixed - kWorkingMemory;
    const std::uint64_t share = options.memory > taken ? (options.memory - taken) / page : 0;
    polite = std::max(needs.least, std::min(room, share));
  }
  std::uint64_t context = options.context;
  if (context == 0) {
    const std::uint64_t share = std::max(needs.least, polite / options.parallel) - 1;
    context = std::min<std::uint64_t>(share * kernels::kPagePositions, config.context_length);
  }
  const std::uint64_t all = options.parallel * engine::pages_for_context(context);
  return Memory{context, std::min(polite, all)};
}

Result<std::unique_ptr<model::Model>> open_draft(const LocalGeneratorOptions& options) {
  if (!options.speculate)
    return Error{Code::kInvalidArgument,
                 "a draft model guesses at answers, which --no-speculate forbids"};
  auto draft = model::Model::open(options.draft_path);
  if (!draft.ok()) return std::move(draft).error().with_context("the draft model");
  const Status has_tokens = (*draft)->require_tokenizer();
  if (!has_tokens.ok()) return Error(has_tokens.error()).with_context("the draft model");
  return draft;
}

Result<std::unique_ptr<engine::GuessSource>> prepare_draft(const LocalGeneratorOptions& options,
                                                           const model::Model& model,
                                                           std::unique_ptr<model::Model> draft,
                                                           int threads, const Memory& memory) {
  Status ready = draft->prepare({.threads = threads, .progress = options.progress});
  if (!ready.ok()) return Error(ready.error()).with_context("the draft model");
  AQ_RETURN_IF_ERROR(engine::check_same_vocabulary(model.tokenizer(), options.path,
                                                   draft->tokenizer(), options.draft_path));
  auto source =
      AQ_TRY(engine::DraftModel::create(std::move(draft), {.vocab = model.config().vocab_size,
                                                           .pages = memory.pages,
                                                           .tokens = options.draft_tokens,
                                                           .kv_type = options.kv_type}));
  return std::unique_ptr<engine::GuessSource>(std::move(source));
}

std::uint64_t parameters_of(const model::Model& model) {
  std::uint64_t sum = 0;
  for (const auto& tensor : model.file().tensors())
    sum += std::accumulate(tensor.dims.begin(), tensor.dims.end(), std::uint64_t{1},
                           std::multiplies<>());
  return sum;
}

Result<PromptWriter> choose_writer(const LocalGeneratorOptions& options,
                                   const model::Model& model) {
  const auto& special = model.special();
  return PromptWriter::choose({.tokenizer = model.tokenizer(),
                               .bos = special.bos,
                               .eos = special.eos,
                               .add_bos = special.add_bos,
                               .fill_in = special.fill_in,
                               .own_template = model.chat_template(),
                               .tool_template = model.tool_template(),
                               .chat_template = options.chat_template,
                               .chat_format = options.chat_format,
                               .tool_format = options.tool_format,
                               .parameters = parameters_of(model)});
}

}  // namespace

Result<LocalModelOutline> outline_local_model(const LocalGeneratorOptions& options) {
  const auto model = AQ_TRY(model::Model::open(options.path));
  AQ_RETURN_IF_ERROR(model->require_tokenizer());
  const model::ModelConfig& config = model->config();
  const PageNeeds needs = AQ_TRY(page_needs(options, config));
  LocalModelOutline outline;
  outline.card.id = options.id;
  outline.card.created = std::time(nullptr);
  outline.card.description = config.name;
  outline.card.context_length =
      static_cast<int>(options.context != 0 ? options.context : config.context_length);
  // What a template is worth, and a format known by its vocabulary, shows when it is loaded.
  outline.card.chat = model->file().find("tokenizer.chat_template") != nullptr ||
                      !options.chat_template.empty() || !options.chat_format.empty();
  outline.weight_bytes = model->weight_bytes(model::Arithmetic::kPacked);
  outline.least_kv_bytes = needs.least * needs.page_bytes;
  outline.most_kv_bytes = options.parallel * needs.context * needs.page_bytes;
  return outline;
}

Result<std::unique_ptr<Generator>> make_local_generator(const LocalGeneratorOptions& options) {
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  auto model = AQ_TRY(model::Model::open(options.path));
  AQ_RETURN_IF_ERROR(model->require_tokenizer());
  Adapters adapters;
  for (const AdapterSource& source : options.adapters)
    adapters.push_back(AQ_TRY(model->load_adapter(source.path)));
  std::unique_ptr<model::Model> draft;
  if (!options.draft_path.empty()) draft = AQ_TRY(open_draft(options));
  const Memory memory = AQ_TRY(choose_memory(options, *model, draft.get()));
  {
    // While it is packed, those that answer have their turns between two batches.
    engine::Turns::Turn turn(options.turns.get());
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
      turn.pass();
      if (options.progress) options.progress(done, total);
    };
    AQ_RETURN_IF_ERROR(model->prepare({.threads = threads, .progress = progress}));
  }
  auto pool = AQ_TRY(model::KvPool::create(model->config(), options.kv_type, memory.pages));
  PromptWriter writer = AQ_TRY(choose_writer(options, *model));
  ModelCard card;
  card.id = options.id;
  card.created = std::time(nullptr);
  card.description = model->config().name;
  card.context_length = static_cast<int>(memory.context);
  card.whole_contexts = static_cast<int>(memory.pages / engine::pages_for_context(memory.context));
  card.chat = writer.can_chat();
  card.tools = writer.can_chat();
  card.fill_in = writer.can_fill_in();
  card.reasoning = writer.takes_reasoning_effort();
  const engine::EngineOptions engine{.context = memory.context,
                                     .parallel = options.parallel,
                                     .max_queue = options.max_queue,
                                     .speculation = options.speculate
                                                        ? engine::Speculation::kWherePays
                                                        : engine::Speculation::kOff,
                                     .max_seconds = options.max_seconds,
                                     .max_tenant_queue = options.max_tenant_queue,
                                     .turns = options.turns,
                                     .metrics = options.metrics};
  std::unique_ptr<engine::GuessSource> guesses;
  if (draft) guesses = AQ_TRY(prepare_draft(options, *model, std::move(draft), threads, memory));
  return std::unique_ptr<Generator>(
      new LocalGenerator(std::move(model), std::move(pool), std::move(writer), std::move(card),
                         options.pooling, std::move(adapters), engine, std::move(guesses)));
}

}  // namespace aquilon::chat
