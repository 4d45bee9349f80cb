// An invariant of ours that breaks in work on one request: what becomes of its answer.
#include <gtest/gtest.h>

#include "api/server_exchange_internal.h"
#include "base/check.h"

namespace aquilon::api {
namespace {

// Runs `begin` of a handler and then what was posted, among it work that fails.
struct Failing {
  boost::asio::io_context io;
  WorkerPools workers{1};
  std::shared_ptr<ServerExchange> exchange =
      std::make_shared<ServerExchange>(io, workers, 0, 1 << 20, nullptr, "its-id");
  std::vector<AbandonReason> told;

  std::string run(bool on_worker) {
    const auto work = [] { AQ_CHECK(false); };
    testing::internal::CaptureStderr();
    if (on_worker) {
      exchange->offload(work);
    } else {
      exchange->post(work);
    }
    workers.join();
    io.run_one();
    io.poll();
    return testing::internal::GetCapturedStderr();
  }
};

TEST(ServerExchangeTest, WithoutAnAnswerItIsA500) {
  for (const bool on_worker : {false, true}) {
    Failing f;
    f.exchange->on_abandoned([&](AbandonReason reason) { f.told.push_back(reason); });
    const std::string said = f.run(on_worker);
    EXPECT_NE(said.find("broken invariant: false in request its-id"), said.npos) << said;
    ASSERT_TRUE(f.exchange->answered() && f.exchange->ended() && f.exchange->failed());
    EXPECT_EQ(f.exchange->response().status, 500);
    EXPECT_NE(body_view(f.exchange->response().body).find("\"internal\""), std::string_view::npos);
    EXPECT_EQ(f.told, std::vector{AbandonReason::kFailed});
  }
}

TEST(ServerExchangeTest, AStreamMayTellItsClient) {
  Failing f;
  f.exchange->begin_events({});
  f.exchange->send_event("1", {}, {});
  f.exchange->on_abandoned([&](AbandonReason) {
    f.exchange->send_event("failed", "error", {});
    f.exchange->end_events();
  });
  f.run(false);
  EXPECT_EQ(f.exchange->take_unsent(), "data: 1\n\nevent: error\ndata: failed\n\n");
  EXPECT_TRUE(f.exchange->ended() && f.exchange->failed());
  EXPECT_FALSE(f.exchange->overflown());
}

// Or its handler fails once more: then the stream must not look whole.
TEST(ServerExchangeTest, AStreamThatCannotTellIsCutOff) {
  for (const bool handler_fails : {false, true}) {
    Failing f;
    f.exchange->begin_events({});
    if (handler_fails)
      f.exchange->on_abandoned([&](AbandonReason) { AQ_CHECK(f.told.size() > 9); });
    f.run(true);
    EXPECT_TRUE(f.exchange->ended() && f.exchange->overflown() && f.exchange->failed());
  }
}

}  // namespace
}  // namespace aquilon::api
