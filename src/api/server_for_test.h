// A real server on a free port, with the fake generator, in this process.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "api/fake_generator_for_test.h"
#include "api/server.h"
#include "chat/adapted_generator.h"

namespace aquilon::api {

class ServerForTest {
 public:
  explicit ServerForTest(ServerConfig config = {}, FakeOptions fake = {})
      : generator_(std::make_shared<FakeGenerator>(std::move(fake))) {
    config.port = 0;
    config.on_request = [this](const AccessRecord& record) {
      const std::lock_guard lock(mutex_);
      log_.push_back(record);
    };
    auto server = Server::listen(std::move(config));
    if (!server.ok()) ADD_FAILURE() << server.error().message;
    server_ = std::move(server).value();
    port_ = server_->port();
    const std::shared_ptr<chat::Generator> adapted =
        chat::with_adapter(generator_, "fake-adapter", 0);
    add({.card = generator_->card(),
         .aliases = {"org/alias"},
         .loaded = generator_,
         .metrics = metrics_});
    add({.card = adapted->card(), .loaded = adapted});
    thread_ = std::thread([this] { server_->run(models_); });
  }
  ~ServerForTest() { stop(); }

  int port() const { return port_; }
  FakeGenerator& generator() { return *generator_; }
  engine::EngineMetrics& metrics() { return *metrics_; }  // as if of the fake's engine
  void begin_stop() { server_->stop(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void stop() {
    begin_stop();
    join();
  }
  std::vector<AccessRecord> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

 private:
  void add(chat::PooledModel model) {
    const auto added = models_.add(std::move(model));
    if (!added.ok()) ADD_FAILURE() << added.error().message;
  }

  std::mutex mutex_;
  std::vector<AccessRecord> log_;
  std::shared_ptr<FakeGenerator> generator_;
  std::shared_ptr<engine::EngineMetrics> metrics_ = std::make_shared<engine::EngineMetrics>();
  std::unique_ptr<Server> server_;
  chat::ModelPool models_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace aquilon::api
