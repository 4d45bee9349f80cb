#include "engine/fair_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/job_internal.h"

namespace aquilon::engine {
namespace {

std::shared_ptr<Job> job_of(std::uint64_t tenant, std::size_t tokens) {
  Request request;
  request.tenant = tenant;
  request.prompt.resize(tokens);
  return std::make_shared<Job>(
      std::move(request), [](Event) {}, 0, Job::Clock::time_point::max());
}

void push(FairQueue& queue, std::uint64_t tenant, std::size_t tokens) {
  queue.push(job_of(tenant, tokens), tenant, tokens);
}

std::uint64_t pop(FairQueue& queue) {
  return queue.pop()->request().tenant;
}

TEST(FairQueue, OneTenantIsServedInOrder) {
  FairQueue queue;
  for (std::size_t n : {3, 1, 2}) push(queue, 1, n);
  for (std::size_t n : {3u, 1u, 2u}) EXPECT_EQ(queue.pop()->request().prompt.size(), n);
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, SharesAreTokensNotRequests) {
  FairQueue queue;
  for (int i = 0; i < 100; ++i) push(queue, 1, 1000);
  for (int i = 0; i < 1000; ++i) push(queue, 2, 100);
  std::map<std::uint64_t, int> tokens;
  for (int i = 0; i < 550; ++i) {
    const auto job = queue.pop();
    tokens[job->request().tenant] += static_cast<int>(job->request().prompt.size());
  }
  EXPECT_NEAR(tokens[1], tokens[2], 1000);
}

TEST(FairQueue, ALateComerIsNextButHasSavedNothingUp) {
  FairQueue queue;
  for (int i = 0; i < 10; ++i) push(queue, 1, 100);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pop(queue), 1u);
  for (int i = 0; i < 5; ++i) push(queue, 2, 100);
  int second = 0;
  for (int i = 0; i < 4; ++i) second += pop(queue) == 2 ? 1 : 0;
  EXPECT_GE(second, 2);
  EXPECT_LE(second, 3);
}

TEST(FairQueue, WhatRunsCounts) {
  FairQueue queue;
  push(queue, 1, 10);
  push(queue, 2, 10);
  queue.charge(1, 500);  // a long answer of its
  for (int i = 0; i < 20; ++i) push(queue, 2, 20);
  push(queue, 1, 10);
  int before = 0;
  while (pop(queue) != 1) ++before;
  EXPECT_GE(before, 20);
}

TEST(FairQueue, TakesOut) {
  FairQueue queue;
  for (std::uint64_t tenant : {1, 2, 1, 3}) push(queue, tenant, 5);
  EXPECT_EQ(queue.take_out([](const Job& job) { return job.request().tenant == 1; }).size(), 2u);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(pop(queue), 2u);
  EXPECT_EQ(pop(queue), 3u);
  EXPECT_TRUE(queue.take_out([](const Job&) { return true; }).empty());
}

}  // namespace
}  // namespace aquilon::engine
