// The processors, for the step of one engine at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace aquilon::engine {

// Engines that answer at once would each have all their threads wait for threads of the other in
// every parallel loop. Taking turns, each step has all cores, and two engines half of the speed
// each. First come, first served. Threads: safe.
class Turns {
 public:
  // Ends with its scope.
  class Turn {
   public:
    explicit Turn(Turns* turns) : turns_(turns) {
      if (turns_) turns_->begin();
    }
    ~Turn() {
      if (turns_) turns_->end();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Lets those go first that wait already.
    void pass() {
      if (!turns_ || !turns_->wanted()) return;
      turns_->end();
      turns_->begin();
    }

   private:
    Turns* turns_;  // null: nothing to share
  };

  // Somebody waits for the one whose turn it is.
  bool wanted() const {
    const std::lock_guard lock(mutex_);
    return next_ - now_ > 1;
  }

 private:
  void begin() {
    std::unique_lock lock(mutex_);
    const std::uint64_t own = next_++;
    changed_.wait(lock, [&] { return now_ == own; });
  }
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ++now_;
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;  // of who comes next
  std::uint64_t now_ = 0;   // whose turn it is
};

}  // namespace aquilon::engine
