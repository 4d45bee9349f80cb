#include "engine/draft_model.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/check.h"

namespace aquilon::engine {
namespace {

using text::TokenId;
using Clock = std::chrono::steady_clock;

// More new tokens than this are a prompt to be read, not the last step's.
constexpr std::size_t kNews = 16;
constexpr std::size_t kLeastRead = 32;  // of a prompt at once, however long they take
constexpr std::size_t kMostRead = 512;
// Tokens that an answer is expected to go on for: within them what is read first has to pay.
constexpr std::size_t kExpected = 128;

}  // namespace

// What it has read of one answer: its beginning, and guesses behind that.
class DraftModel::Mind final : public Memory {
 public:
  Mind(DraftModel& owner, const Task& task)
      : owner_(owner), scope_{.salt = task.request.cache_salt}, kv_(owner.pool_) {
    const auto all_but_one = task.tokens.first(task.tokens.size() - 1);
    const std::size_t found = owner_.prefixes_.find(all_but_one, scope_, kv_);
    read_.assign(task.tokens.begin(), task.tokens.begin() + static_cast<std::ptrdiff_t>(found));
    right_ = found;
  }
  ~Mind() override {
    if (read_.size() == kv_.length()) keep();  // else a pass failed in the middle
  }

  // Forgets what turned out otherwise.
  void learn(std::span<const TokenId> tokens) {
    const std::size_t most = std::min(read_.size(), tokens.size() - 1);
    right_ = std::min(right_, most);
    while (right_ < most && read_[right_] == tokens[right_]) ++right_;
    read_.resize(right_);
    kv_.truncate(right_);
    const auto vocab = static_cast<TokenId>(owner_.model_->config().vocab_size);
    for (; seen_ < tokens.size(); ++seen_) foreign_ = foreign_ || tokens[seen_] >= vocab;
  }
  void read(std::span<const TokenId> tokens) {
    read_.insert(read_.end(), tokens.begin(), tokens.end());
  }
  // Leaves whole pages to later answers.
  void keep() { owner_.prefixes_.keep(read_, scope_, kv_); }

  model::KvCache& kv() { return kv_; }
  std::size_t length() const { return read_.size(); }
  bool foreign() const { return foreign_; }  // a token is not in its vocabulary

 private:
  DraftModel& owner_;
  const PrefixScope scope_;  // it has no adapter, whatever the request has
  model::KvCache kv_;
  std::vector<TokenId> read_;  // whose keys and values kv_ holds
  std::size_t right_ = 0;      // of them, known to be the answer's
  std::size_t seen_ = 0;
  bool foreign_ = false;
};

struct DraftModel::Batch {
  struct Answer {
    Task* task;
    Sampler sampler;
  };
  std::vector<model::Slice> slices;
  std::vector<Answer> answers;
  StepWork work;

  void add(Answer answer, std::span<const TokenId> tokens, bool whole) {
    Mind& mind = static_cast<Mind&>(*answer.task->memory);
    if (tokens.size() > kNews) {
      work.add_prompt(tokens.size(), mind.length());
    } else {
      work.add_decoding(tokens.size(), mind.length());
    }
    slices.push_back(
        {&mind.kv(), tokens, whole ? model::WantLogits::kLast : model::WantLogits::kNone});
    answers.push_back(std::move(answer));
    mind.read(tokens);
  }
};

Result<std::unique_ptr<DraftModel>> DraftModel::create(std::unique_ptr<model::Model> model,
                                                       const DraftModelOptions& options) {
  auto pool = AQ_TRY(model::KvPool::create(model->config(), options.kv_type, options.pages));
  return std::unique_ptr<DraftModel>(new DraftModel(std::move(model), std::move(pool), options));
}

DraftModel::DraftModel(std::unique_ptr<model::Model> model, std::shared_ptr<model::KvPool> pool,
                       const DraftModelOptions& options)
    : model_(std::move(model)), pool_(std::move(pool)), options_(options), prefixes_(pool_) {}

std::size_t DraftModel::offer(Task& task) {
  if (!task.memory) task.memory = std::make_unique<Mind>(*this, task);
  Mind& mind = static_cast<Mind&>(*task.memory);
  mind.learn(task.tokens);
  const std::size_t context = model_->config().context_length;
  if (mind.foreign() || task.tokens.size() >= context) return 0;
  return std::min({task.most, options_.tokens, context - task.tokens.size()});
}

double DraftModel::seconds(const Task& task, std::size_t guesses, std::size_t answers) const {
  if (guesses == 0 || !measured_) return 0;  // a first try tells
  const std::size_t length = static_cast<const Mind&>(*task.memory).length();
  StepWork pass;
  for (std::size_t i = 0; i < answers; ++i) pass.add_decoding(1, length);
  double seconds =
      static_cast<double>(guesses) * cost_.seconds(pass) / static_cast<double>(answers);
  const std::size_t news = task.tokens.size() - length;
  if (news <= kNews) return seconds;
  StepWork reading;
  reading.add_prompt(news, length);
  const std::size_t answered = task.tokens.size() - task.request.prompt.size();
  const std::size_t left = static_cast<std::size_t>(task.request.max_tokens) - answered;
  const std::size_t steps = std::max<std::size_t>(1, std::min(left, kExpected) / 2);
  return seconds + cost_.seconds(reading) / static_cast<double>(steps);
}

void DraftModel::guess(std::span<Task> tasks, double patience) {
  Batch batch;
  for (Task& task : tasks) add_news(task, patience, batch);
  while (!batch.slices.empty()) {
    run(batch);
    Batch next;
    const std::size_t vocab = model_->config().vocab_size;
    std::size_t row = 0;
    for (std::size_t i = 0; i < batch.slices.size(); ++i) {
      if (batch.slices[i].want == model::WantLogits::kNone) continue;
      const auto logits = std::span(logits_).subspan(row++ * vocab, vocab);
      Task& task = *batch.answers[i].task;
      if (!all_finite(logits)) continue;
      task.guesses.push_back(draw(logits, batch.answers[i].sampler));
      const auto last = std::span(task.guesses).last(1);
      if (task.guesses.size() == task.most || last[0] >= static_cast<TokenId>(vocab)) continue;
      next.add(std::move(batch.answers[i]), last, true);
    }
    batch = std::move(next);
  }
}

// What the model has not read yet of an answer, or as much as patience allows.
void DraftModel::add_news(Task& task, double patience, Batch& batch) {
  Mind& mind = static_cast<Mind&>(*task.memory);
  const auto news = task.tokens.subspan(mind.length());
  std::size_t n = news.size();
  if (n > kNews)
    n = std::min(n, std::max(kLeastRead,
                             cost_.prompt_within(batch.work, mind.length(), kMostRead, patience)));
  const bool whole = n == news.size();
  if (!reserve(mind.kv(), n + (whole ? task.most - 1 : 0)).ok()) return;
  task.guesses.reserve(task.most);  // slices point into it
  batch.add({&task, task.sampler}, news.first(n), whole);
}

void DraftModel::run(Batch& batch) {
  logits_.clear();
  const auto began = Clock::now();
  model_->forward().run(batch.slices, logits_);
  AQ_CHECK(!pool_->damaged());
  cost_.observe(batch.work, std::chrono::duration<double>(Clock::now() - began).count());
  measured_ = true;
  for (std::size_t i = 0; i < batch.slices.size(); ++i)
    if (batch.slices[i].tokens.size() > kNews)
      static_cast<Mind&>(*batch.answers[i].task->memory).keep();
}

void DraftModel::clear() {
  pool_->reset([this] { prefixes_.clear(); });
}

// What its memory lacks is taken from prompts that nobody uses.
Status DraftModel::reserve(model::KvCache& kv, std::size_t tokens) {
  Status status = kv.reserve(tokens);
  while (!status.ok() && prefixes_.evict()) status = kv.reserve(tokens);
  return status;
}

TokenId DraftModel::draw(std::span<const float> logits, Sampler& sampler) {
  row_.assign(options_.vocab, -std::numeric_limits<float>::infinity());
  std::copy_n(logits.begin(), std::min(logits.size(), row_.size()), row_.begin());
  return sampler.sample(row_);
}

}  // namespace aquilon::engine
