// Ends the process when an engine's step does not end, and tells the service manager that all is
// well while it is.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chat/model_pool.h"

namespace aquilon::apps {

class StepWatch {
 public:
  struct Options {
    double longest_step = 0;                   // seconds; 0: no limit
    std::chrono::milliseconds interval{1000};  // between two looks
    std::function<std::uint64_t()> heartbeat;  // of the network thread: moves on while it works
    // Called with what is wrong; does not return in the server.
    std::function<void(const std::string&)> end;
    std::function<void()> well;  // each time that engines and network were seen at work
  };

  // `models` outlive it.
  StepWatch(const chat::ModelPool& models, Options options);
  ~StepWatch();

 private:
  // A step that was running at the last look. Time in which this process did not run, because it
  // or the machine was stopped, does not count.
  struct Seen {
    double seconds = 0;  // how long it had run then
    double counted = 0;
  };

  void run();
  void look();
  void look_at(std::size_t model, double step_seconds, const std::string& name);

  const chat::ModelPool& models_;
  const Options options_;
  std::vector<Seen> seen_;  // by model
  std::uint64_t last_beat_ = 0;
  std::mutex mutex_;
  std::condition_variable stop_wanted_;
  bool stop_ = false;
  std::thread thread_;
};

// Writes the reason to stderr and ends the process with the status of an internal error, without
// waiting for anything: for Options::end.
[[noreturn]] void end_process(const std::string& reason);

}  // namespace aquilon::apps
