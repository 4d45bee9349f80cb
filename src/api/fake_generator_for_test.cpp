#include "api/fake_generator_for_test.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include "base/check.h"

namespace aquilon::api {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string asked_text(const chat::Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  if (const auto* gap = std::get_if<chat::FillInPrompt>(&prompt))
    return gap->before + " <gap> " + gap->after;
  const auto* chat = std::get_if<chat::ChatPrompt>(&prompt);
  if (!chat) return {};
  const auto& messages = chat->messages;
  const auto last = messages.end() - (chat->continue_final_message && messages.size() > 1 ? 2 : 1);
  return std::string(std::string_view(last->at("content").get_string()));
}

int prompt_tokens(const chat::Prompt& prompt) {
  if (const auto* ids = std::get_if<std::vector<text::TokenId>>(&prompt))
    return static_cast<int>(ids->size());
  const auto* chat = std::get_if<chat::ChatPrompt>(&prompt);
  if (!chat) return static_cast<int>(words_of(asked_text(prompt)).size());
  int count = 0;
  for (const auto& message : chat->messages)
    count += static_cast<int>(
        words_of(std::string(std::string_view(message.at("content").get_string()))).size());
  return count;
}

chat::TokenLogprobs logprobs_of(const std::string& token, int top) {
  chat::TokenLogprobs out{
      .chosen = {.id = 7, .bytes = token, .logprob = -0.5f}, .top = {}, .rank = 1};
  for (int i = 0; i < top; ++i)
    out.top.push_back({.id = 7 + i,
                       .bytes = i == 0 ? token : " alt" + std::to_string(i),
                       .logprob = -0.5f - static_cast<float>(i)});
  return out;
}

}  // namespace

// One request's choices. `sink` runs under `mutex`, so that destroying waits for it.
struct FakeGenerator::Stream {
  struct Choice {
    std::size_t next = 0;
    std::string text;
    bool finished = false;
  };

  std::mutex mutex;
  std::atomic<std::thread::id> sink_thread;
  chat::EventSink sink;
  chat::GenerationRequest request;
  std::vector<std::string> tokens;
  std::vector<Choice> choices;
  std::vector<text::TokenId> prompt_ids;
  chat::Usage usage;
  int context = 0;
  int fail_at = -1;
  bool wait = false;
  bool half = false;
  bool thinks = false;
  bool begun = false;
  bool closed = false;

  void emit(chat::GenerationEvent event) {
    sink_thread = std::this_thread::get_id();
    sink(std::move(event));
    sink_thread = std::thread::id();
  }
  void fail() {
    closed = true;
    emit({.finish = chat::FinishReason::kError,
          .usage = usage,
          .error = make_error(Code::kInternal, "the engine broke")});
  }
  void step(std::size_t index);
  void end_with(chat::GenerationEvent event, Choice& choice);
};

void FakeGenerator::Stream::step(std::size_t index) {
  Choice& choice = choices[index];
  if (choice.finished || closed || wait) return;
  if (fail_at >= 0 && static_cast<int>(choice.next) >= fail_at) return fail();
  chat::GenerationEvent event{.choice = static_cast<int>(index)};
  if (half && index == 0 && choice.next == 1) {
    event.finish = chat::FinishReason::kError;
    event.choice_error = Error{Code::kUnsupported, "it cannot go on", "", "constraint_failed"};
    return end_with(std::move(event), choice);
  }
  if (index == 0 && choice.next == 0 && request.prompt_logprobs >= 0) {
    std::string token;  // BOS, or a word and the space before it
    for (const std::string& word : words_of(asked_text(request.prompt))) {
      token = token.empty() && word == "!front" ? "<s>" : token.empty() ? word : " " + word;
      event.prompt_logprobs.push_back(logprobs_of(token, request.prompt_logprobs));
      if (token == "<s>") event.prompt_logprobs.push_back(logprobs_of(word, 0));
    }
    event.prompt_logprobs.front().chosen.logprob = std::numeric_limits<float>::quiet_NaN();
  }
  if (request.embed) {
    event.embedding = {0.6f, 0, -0.8f};
    event.finish = chat::FinishReason::kStop;
    return end_with(std::move(event), choice);
  }
  if (request.max_tokens == 0) {
    event.finish = chat::FinishReason::kLength;
    return end_with(std::move(event), choice);
  }
  const bool ends = !request.ignore_eos && choice.next >= tokens.size() &&
                    static_cast<int>(choice.next) >= request.min_tokens;
  ++usage.completion_tokens;
  event.ids = {static_cast<text::TokenId>(choice.next)};
  const bool may_go_on = !request.may_go_on || request.may_go_on();
  if (ends) {
    event.finish = chat::FinishReason::kStop;
    if (request.top_logprobs >= 0) {
      event.logprobs = {logprobs_of("</s>", request.top_logprobs)};
      event.logprobs.front().hidden = 4;
    }
  } else {
    const std::string token = tokens[choice.next % tokens.size()];
    ++choice.next;
    event.text = token;
    if (request.top_logprobs >= 0) event.logprobs = {logprobs_of(token, request.top_logprobs)};
    for (const std::string& stop : request.stop) {
      const std::size_t at = (choice.text + token).find(stop);
      if (at == std::string::npos) continue;
      event.text = token.substr(0, at - std::min(at, choice.text.size()));
      event.finish = chat::FinishReason::kStop;
      event.stop = stop;
      break;
    }
    choice.text += token;
    if (!event.finish && (!may_go_on || request.max_tokens == static_cast<int>(choice.next)))
      event.finish = chat::FinishReason::kLength;
    if (!event.finish && usage.prompt_tokens + static_cast<int>(choice.next) >= context)
      event.finish = chat::FinishReason::kModelLength;
  }
  end_with(std::move(event), choice);
}

void FakeGenerator::Stream::end_with(chat::GenerationEvent event, Choice& choice) {
  choice.finished = event.finish.has_value();
  const bool all =
      std::all_of(choices.begin(), choices.end(), [](const Choice& c) { return c.finished; });
  if (all) {
    event.usage = usage;
    closed = true;
  }
  emit(std::move(event));
}

class FakeGenerator::Handle final : public chat::Generation {
 public:
  Handle(FakeGenerator& owner, std::shared_ptr<Stream> stream)
      : owner_(owner), stream_(std::move(stream)) {}

  ~Handle() override {
    if (stream_->sink_thread.load() == std::this_thread::get_id()) {
      stream_->closed = true;
      return;
    }
    const std::lock_guard lock(stream_->mutex);
    if (!stream_->closed) ++owner_.cancelled_;
    stream_->closed = true;
  }
  void cancel() override {
    const std::lock_guard lock(stream_->mutex);
    if (stream_->closed) return;
    ++owner_.cancelled_;
    stream_->fail();
  }
  const std::vector<text::TokenId>& prompt_ids() const override { return stream_->prompt_ids; }
  std::optional<chat::ThinkingMarks> thinking() const override {
    if (!stream_->thinks) return std::nullopt;
    return chat::ThinkingMarks{"<think>", "</think>"};
  }
  bool thinking_begun() const override { return stream_->begun; }
  std::span<const chat::Unenforced> unenforced() const override {
    static const chat::Unenforced kAny[] = {{"/a\xC3\xA9", "not", "for tests \xF0\x9F\x8C\xAC"}};
    return stream_->request.constraint.best_effort ? std::span(kAny)
                                                   : std::span<const chat::Unenforced>();
  }

 private:
  FakeGenerator& owner_;
  std::shared_ptr<Stream> stream_;
};

FakeGenerator::FakeGenerator(FakeOptions options)
    : options_(std::move(options)), ready_(options_.ready) {
  card_.id = options_.id;
  card_.created = 1700000000;
  card_.description = "words from a clock";
  card_.context_length = options_.context_length;
  card_.chat = true;
  card_.tools = true;
  card_.fill_in = true;
  thread_ = std::thread([this] { run(); });
}

FakeGenerator::~FakeGenerator() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<std::unique_ptr<chat::Generation>> FakeGenerator::start(chat::GenerationRequest request,
                                                               chat::EventSink sink) {
  auto stream = std::make_shared<Stream>();
  const std::string text = asked_text(request.prompt);
  const int count = prompt_tokens(request.prompt);
  if (count >= options_.context_length) {
    Error error =
        make_error(Code::kInvalidArgument, "the prompt has {} tokens, but the context holds {}",
                   count, options_.context_length);
    error.param = "messages";
    error.detail = "context_length_exceeded";
    return error;
  }
  AQ_CHECK(text != "!break");
  if (text.starts_with("!hold")) {
    ++held_;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, request.abandoned, [] { return false; });
    --held_;
  }
  if (text.starts_with("!full"))
    return Error{Code::kExhausted, "the queue is full: try again later", "", "queue_full"};
  if (request.adapter && request.adapter->scale != 0 && request.adapter->index != 0)
    return Error{Code::kInvalidArgument, "there is no such adapter", "lora"};
  if (request.may_begin) AQ_RETURN_IF_ERROR(request.may_begin(static_cast<std::size_t>(count)));
  stream->context = options_.context_length;
  stream->usage.prompt_tokens = count;
  for (int i = 0; i < count; ++i) stream->prompt_ids.push_back(100 + i);
  stream->wait = text.starts_with("!wait");
  stream->half = text.starts_with("!half");
  if (text.starts_with("!fail ")) stream->fail_at = std::stoi(text.substr(6));
  std::string answer = "The north wind blows over the sea.";
  if (text.starts_with("!say ")) answer = text.substr(5);
  stream->begun = text.starts_with("!begun ");
  stream->thinks = stream->begun || text.starts_with("!think ");
  if (stream->thinks) answer = text.substr(7);
  if (text.starts_with("!adapter")) {
    const double scale = request.adapter ? request.adapter->scale : 0;
    answer = scale == 0 ? "none" : fmt::format("adapter {}", scale);
  }
  for (const std::string& word : words_of(answer))
    stream->tokens.push_back((stream->tokens.empty() ? "" : " ") + word);
  if (text.starts_with("!bytes")) stream->tokens = {"a", "\xF0\x9F\x8C\xAC", "\xC3\xA9"};
  stream->choices.resize(static_cast<std::size_t>(request.n));
  stream->request = std::move(request);
  stream->sink = std::move(sink);
  ++started_;
  {
    const std::lock_guard lock(mutex_);
    streams_.push_back(stream);
  }
  wake_.notify_all();
  return std::unique_ptr<chat::Generation>(new Handle(*this, std::move(stream)));
}

Result<std::vector<text::TokenId>> FakeGenerator::prompt_ids(const chat::Prompt& prompt) const {
  return std::vector<text::TokenId>(static_cast<std::size_t>(prompt_tokens(prompt)), 'w');
}

Result<std::string> FakeGenerator::prompt_text(const chat::ChatPrompt& prompt) const {
  std::string text = "<s>";
  for (const auto& message : prompt.messages)
    text += std::string(message.at("role").as_string()) + ": " +
            std::string(message.at("content").as_string()) + "\n";
  return text;
}

Result<std::vector<text::TokenId>> FakeGenerator::encode(std::string_view text,
                                                         const chat::EncodeOptions& options) const {
  std::vector<text::TokenId> ids;
  if (options.bos) ids.push_back(256);
  while (!text.empty()) {
    const bool control = options.control && text.starts_with("<s>");
    ids.push_back(control ? 256 : static_cast<unsigned char>(text.front()));
    text.remove_prefix(control ? 3 : 1);
  }
  return ids;
}

Result<std::string> FakeGenerator::decode(std::span<const text::TokenId> ids,
                                          bool with_control) const {
  std::string text;
  for (const text::TokenId id : ids) {
    if (id > 256) return Error{Code::kInvalidArgument, "a token outside the vocabulary", "tokens"};
    if (id < 256 || with_control) text += token_bytes(id);
  }
  return text;
}

std::string FakeGenerator::token_bytes(text::TokenId id) const {
  return id == 256 ? "<s>" : std::string(1, static_cast<char>(id));
}

int FakeGenerator::running() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(streams_.size());
}

void FakeGenerator::run() {
  const auto pause = std::chrono::duration<double>(1.0 / options_.steps_per_second);
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait(lock, [this] { return stop_ || !streams_.empty(); });
    lock.unlock();
    step();
    std::this_thread::sleep_for(pause);
    lock.lock();
  }
}

void FakeGenerator::step() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    const std::lock_guard lock(mutex_);
    streams = streams_;
  }
  std::vector<std::shared_ptr<Stream>> ended;
  for (const auto& stream : streams) {
    const std::lock_guard lock(stream->mutex);
    for (std::size_t i = 0; i < stream->choices.size(); ++i) stream->step(i);
    if (!stream->closed) continue;
    stream->sink = nullptr;
    ended.push_back(stream);
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&ended](const auto& stream) {
    return std::find(ended.begin(), ended.end(), stream) != ended.end();
  });
}

}  // namespace aquilon::api
