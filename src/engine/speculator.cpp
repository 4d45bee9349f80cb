#include "engine/speculator.h"

#include <optional>

#include "engine/forced_source.h"
#include "engine/job_internal.h"
#include "engine/ngram_source.h"

namespace aquilon::engine {

// The best that the sources have for one sequence.
struct Speculator::Choice {
  std::size_t source = 0;
  std::optional<GuessSource::Task> task;  // empty: none
  Worth worth;
  double chance = 0;
  double seconds = 0;  // of guessing
};

Speculator::Speculator(Speculation when, std::unique_ptr<GuessSource> draft) : when_(when) {
  sources_.push_back(std::make_unique<ForcedSource>());
  sources_.push_back(std::make_unique<NgramSource>());
  if (draft) sources_.push_back(std::move(draft));
}

Speculator::Choice Speculator::choose(Sequence& sequence, const StepCost& cost, const Plan& plan) {
  Choice best;
  const std::size_t most = sequence.guess_room(kMostGuesses);
  for (std::size_t s = 0; most > 0 && s < sources_.size(); ++s) {
    GuessSource& source = *sources_[s];
    Sequence::Guessing& guessing = sequence.guessing(s, source.priors());
    GuessSource::Task task = sequence.guess_task(guessing, most);
    const std::size_t offered = source.offer(task);
    const double chance = guessing.records[task.kind].chance();
    const auto seconds = [&](std::size_t guesses) {
      StepWork more = plan.work;
      more.add_decoding(guesses, sequence.fed());
      return cost.seconds(more) + plan.seconds + source.seconds(task, guesses, plan.answers);
    };
    Worth worth = worth_checking(chance, plan.tokens, offered, seconds);
    if (when_ == Speculation::kAlways) worth = {offered, static_cast<double>(offered)};
    if (worth.guesses == 0 || worth.rate <= best.worth.rate) continue;
    task.most = worth.guesses;
    best.source = s;
    best.worth = worth;
    best.chance = chance;
    best.seconds = source.seconds(task, worth.guesses, plan.answers);
    best.task.emplace(std::move(task));
  }
  return best;
}

void Speculator::plan(std::span<const std::unique_ptr<Sequence>> running, const StepCost& cost,
                      StepWork& work) {
  if (when_ == Speculation::kOff) return;
  const double patience = cost.seconds(work);
  Plan plan{work, static_cast<double>(work.decoding), 0, running.size()};
  std::vector<std::vector<GuessSource::Task>> tasks(sources_.size());
  std::vector<std::vector<Sequence*>> owners(sources_.size());
  for (const auto& sequence : running) {
    Choice choice = choose(*sequence, cost, plan);
    if (!choice.task) continue;
    plan.tokens += expected_right(choice.chance, choice.worth.guesses);
    plan.work.add_decoding(choice.worth.guesses, sequence->fed());
    plan.seconds += choice.seconds;
    tasks[choice.source].push_back(std::move(*choice.task));
    owners[choice.source].push_back(sequence.get());
  }
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    if (tasks[s].empty()) continue;
    sources_[s]->guess(tasks[s], patience);
    for (std::size_t i = 0; i < tasks[s].size(); ++i) {
      owners[s][i]->check(s, tasks[s][i]);
      work.add_decoding(tasks[s][i].guesses.size(), owners[s][i]->fed());
    }
  }
}

void Speculator::clear() {
  for (const auto& source : sources_) source->clear();
}

}  // namespace aquilon::engine
