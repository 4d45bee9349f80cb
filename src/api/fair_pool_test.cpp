#include "api/fair_pool.h"

#include <gtest/gtest.h>

#include <latch>
#include <string>

namespace aquilon::api {
namespace {

// What ran, in order.
class Record {
 public:
  std::function<void()> piece(std::string name) {
    return [this, name] {
      const std::lock_guard lock(mutex_);
      names_.push_back(name);
    };
  }
  std::vector<std::string> names() {
    const std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> names_;
};

TEST(FairPool, TenantsTakeTurns) {
  Record record;
  std::latch begun(1), go(1);
  FairPool pool(1, 1);
  pool.post(1, [&] {
    begun.count_down();
    go.wait();
  });
  begun.wait();
  for (const char* name : {"a1", "a2", "a3"}) pool.post(1, record.piece(name));
  for (const char* name : {"b1", "b2"}) pool.post(2, record.piece(name));
  pool.post(3, record.piece("c1"));
  go.count_down();
  pool.join();
  EXPECT_EQ(record.names(), (std::vector<std::string>{"b1", "c1", "a1", "b2", "a2", "a3"}));
}

TEST(FairPool, ATenantHasItsThreadsAlone) {
  for (const int most : {1, 2}) {
    Record record;
    std::latch begun(most), go(1), served(1);
    FairPool pool(3, most);
    for (int i = 0; i < most; ++i)
      pool.post(1, [&] {
        begun.count_down();
        go.wait();
      });
    begun.wait();
    pool.post(1, record.piece("late"));
    pool.post(2, record.piece("other"));
    pool.post(2, [&] { served.count_down(); });
    served.wait();  // "late" had a free thread all the while
    EXPECT_EQ(record.names(), std::vector<std::string>{"other"}) << most;
    go.count_down();
    pool.join();
    EXPECT_EQ(record.names(), (std::vector<std::string>{"other", "late"})) << most;
  }
}

TEST(FairPool, JoinDoesWhatIsThere) {
  std::atomic<int> done = 0;
  FairPool pool(2, 1);
  for (std::uint64_t i = 0; i < 200; ++i) pool.post(i % 7, [&] { ++done; });
  pool.join();
  EXPECT_EQ(done, 200);
}

}  // namespace
}  // namespace aquilon::api
