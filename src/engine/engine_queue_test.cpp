// Requests that wait, end late or are given up.
#include <atomic>
#include <climits>
#include <future>

#include "engine/engine_for_test.h"

namespace aquilon::engine {
namespace {

using text::TokenId;

TEST_F(EngineTest, RequestsEndWhenTheirTimeIsOver) {
  EngineOptions options{8192, 1, 4};
  options.max_seconds = 0.2;
  start(options);
  std::vector<Collector> collectors(2);  // one runs, one waits
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (Collector& collector : collectors)
    tickets.push_back(engine_->submit(request({1}, INT_MAX), collector.sink()).value());
  for (Collector& collector : collectors) {
    const Collected got = collector.wait();
    EXPECT_EQ(got.finish.at(0), FinishReason::kError);
    EXPECT_EQ(got.error->code, Code::kDeadline);
    EXPECT_NE(got.error->message.find("0.2 s"), std::string::npos) << got.error->message;
  }
  EXPECT_EQ(run(request({1}, 1)).finish.at(0), FinishReason::kLength);
}

// One tenant asks for much, another for little: the little one does not wait for all of the much.
TEST_F(EngineTest, TenantsShare) {
  start({256, 1, 64});
  std::vector<Collector> many(12);
  Collector one;
  std::vector<std::unique_ptr<Ticket>> tickets;
  std::atomic<int> done{0};
  int before = -1;
  for (Collector& collector : many) {
    collector.on_event = [&] { ++done; };
    Request r = request({1, 2, 3}, 40);
    r.tenant = 1;
    tickets.push_back(engine_->submit(std::move(r), collector.sink()).value());
  }
  one.on_event = [&] {
    if (before < 0) before = done;
  };
  Request r = request({4, 5, 6}, 40);
  r.tenant = 2;
  tickets.push_back(engine_->submit(std::move(r), one.sink()).value());
  EXPECT_FALSE(one.wait().error);
  for (Collector& collector : many) collector.wait();
  EXPECT_EQ(done, 12 * 40);
  EXPECT_LE(before, 3 * 40);  // of what ran when it came, and of what came first
}

TEST_F(EngineTest, OneTenantCannotFillTheQueue) {
  start({.context = 256, .parallel = 1, .max_queue = 6, .max_tenant_queue = 3});
  std::vector<std::unique_ptr<Ticket>> tickets;
  const auto submit = [&](std::uint64_t tenant) -> std::string {
    Request r = request({1}, INT_MAX);
    r.tenant = tenant;
    auto ticket = engine_->submit(std::move(r), [](Event) {});
    if (!ticket.ok()) return ticket.error().message;
    tickets.push_back(std::move(*ticket));
    return {};
  };
  std::string refused;
  for (int i = 0; i < 5 && refused.empty(); ++i) refused = submit(1);  // one runs, three wait
  EXPECT_NE(refused.find("3 requests of this key"), std::string::npos) << refused;
  EXPECT_EQ(submit(2), "");
  EXPECT_EQ(submit(3), "");
}

TEST_F(EngineTest, EnginesThatTakeTurnsAnswerAsAlone) {
  const Collected alone = run(request({1, 2, 3}, 60));
  const std::string path = model::oracle_folder_for_test("llama-gqa") + "/model-f32.gguf";
  const auto other_model = model::Model::load(path, {.threads = 2}).value();
  EngineOptions options{.context = 256, .parallel = 2, .turns = std::make_shared<Turns>()};
  start(options);
  Engine other(
      *other_model,
      model::KvPool::create(other_model->config(), model::KvType::kF32, 2 * pages_for_context(256))
          .value(),
      options);
  std::vector<Collector> collectors(4);
  std::vector<std::unique_ptr<Ticket>> tickets;
  for (std::size_t i = 0; i < collectors.size(); ++i)
    tickets.push_back((i % 2 == 0 ? *engine_ : other)
                          .submit(request({1, 2, 3}, 60), collectors[i].sink())
                          .value());
  for (Collector& collector : collectors) EXPECT_EQ(collector.wait().ids, alone.ids);
}

TEST_F(EngineTest, TimeSpentBeforeTheQueueCounts) {
  start({.context = 256, .parallel = 1, .max_seconds = 100});
  Request r = request({1, 2, 3}, 200);
  r.waited_seconds = 100;
  const Collected got = run(std::move(r));
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->code, Code::kDeadline);
}

TEST_F(EngineTest, QueueIsBoundedAndCancelFreesIt) {
  start({8192, 3, 4});  // none ends by itself
  struct Start {
    std::promise<void> promise;
    bool told = false;
  };
  std::vector<Start> starts(3);
  std::vector<Collector> collectors(3);
  std::vector<std::unique_ptr<Ticket>> tickets;
  // Three run. The queue takes four more; wait until the first three have left it.
  for (std::size_t i = 0; i < 3; ++i) {
    collectors[i].on_event = [&start = starts[i]] {
      if (!std::exchange(start.told, true)) start.promise.set_value();
    };
    tickets.push_back(engine_->submit(request({1}, INT_MAX), collectors[i].sink()).value());
    starts[i].promise.get_future().wait();
    EXPECT_TRUE(engine_->ready());
  }
  bool full = false;
  for (std::size_t i = 0; i < 5 && !full; ++i) {
    auto ticket = engine_->submit(request({1}, INT_MAX), [](Event) {});
    if (ticket.ok()) {
      tickets.push_back(std::move(*ticket));
      continue;
    }
    full = true;
    EXPECT_EQ(ticket.error().code, Code::kExhausted);
  }
  EXPECT_TRUE(full);
  tickets[0]->cancel();
  const Collected got = collectors[0].wait();
  EXPECT_EQ(got.finish.at(0), FinishReason::kError);
  EXPECT_EQ(got.error->code, Code::kCancelled);
  EXPECT_EQ(got.usage->completion_tokens, static_cast<int>(got.ids.at(0).size()));
  tickets.clear();  // no event may come after this
}

// The first choice is done, the others have not begun: they still end.
TEST_F(EngineTest, CancellingBetweenTwoChoicesEndsAll) {
  start({256, 1, 4});
  Request r = request({1, 2, 3}, 2);
  r.n = 3;
  Collector collector;
  std::promise<Ticket*> given;
  const std::shared_future<Ticket*> ticket_of = given.get_future().share();
  const auto ticket = engine_->submit(r, [&, inner = collector.sink()](Event event) {
    const bool first_is_done = event.finish && event.choice == 0;
    inner(std::move(event));
    if (first_is_done) ticket_of.get()->cancel();
  });
  given.set_value(ticket.value().get());
  const Collected got = collector.wait();
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kCancelled);
  EXPECT_EQ(got.finish.size(), 3u);
}

TEST_F(EngineTest, TicketMayDieInItsOwnSink) {
  std::promise<void> gone;
  std::unique_ptr<Ticket> ticket;
  std::promise<void> submitted;
  auto ready = submitted.get_future().share();
  ticket = engine_
               ->submit(request({1, 2}, INT_MAX),
                        [&, ready, told = false](Event) mutable {
                          ready.wait();
                          if (std::exchange(told, true)) ADD_FAILURE() << "an event after the end";
                          ticket.reset();
                          gone.set_value();
                        })
               .value();
  submitted.set_value();
  gone.get_future().wait();
  EXPECT_EQ(run(request({1, 2, 3}, 4)).ids.at(0).size(), 4u);  // the engine goes on
}

TEST_F(EngineTest, StoppingEndsWhatRuns) {
  start({8192, 1, 1});
  Collector running;
  auto ticket = engine_->submit(request({1}, INT_MAX), running.sink()).value();
  engine_.reset();
  EXPECT_EQ(running.wait().error->code, Code::kUnavailable);
}

}  // namespace
}  // namespace aquilon::engine
