#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>

#include "bench/external_run.h"
#include "bench/kernel_speed.h"
#include "bench/model_speed.h"
#include "bench/pinned_run.h"
#include "bench/placement.h"
#include "bench/probes.h"
#include "bench/speeds.h"
#include "bench/statistics.h"
#include "bench/synthetic_matrix.h"
#include "kernels/linear/linear.h"
#include "quant/decode.h"
#include "quant/random_blocks.h"

namespace aquilon::bench {
namespace {

TEST(Statistics, MedianAndRange) {
  const Summary odd = summarize({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 3);
  EXPECT_EQ(summarize({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(summarize({}).samples, 0u);
  EXPECT_EQ(rates(10, {1, 2, 5}).median, 5);
}

TEST(Placement, LabelsFollowTheGains) {
  struct Case {
    std::size_t cpus;
    double f32_gain, read_gain;
    std::string_view label;
  };
  for (const Case& c : std::vector<Case>{
           {1, 1, 1, "ONE-CPU"},
           {2, 1.0, 1.0, "SIBLING"},
           {2, 1.01, 1.9, "SIBLING"},
           {2, 1.5, 1.5, "MOVED"},
           {2, 2.0, 1.1, "ONE-CCD"},
           {2, 1.99, 1.3, "ONE-CCD"},
           {2, 2.0, 1.5, "MOVED"},
           {2, 2.0, 2.0, "TWO-CCD"},
           {16, 15.5, 3, "ALL-CORES"},
           {16, 8, 3, "MOVED"},
       })
    EXPECT_EQ(classify(c.cpus, c.f32_gain, c.read_gain), c.label) << c.f32_gain;
}

TEST(Probes, EveryLoopRunsAndIsFasterThanNothing) {
  const std::vector<int> one = {usable_cpus()[0]};
  double f32 = 0;
  for (const ArithmeticProbe& probe : arithmetic_probes()) {
    const double rate = measure_arithmetic(probe, one, 1).median;
    EXPECT_GT(rate, 1e8) << probe.name;
    EXPECT_LT(rate, 1e13) << probe.name;  // a loop that the compiler removed
    if (probe.kind == "f32") f32 = std::max(f32, rate);
  }
  EXPECT_GT(f32, 0);
}

TEST(Probes, ReadingReadsEveryByte) {
  alignas(64) static std::byte data[4096];
  for (std::size_t i = 0; i < sizeof data; i += 8) data[i] = std::byte{3};  // the low byte
  std::vector<ReadLoop*> loops = {read_loop_generic, read_probe()};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) loops.push_back(read_loop_avx2);
#endif
  for (ReadLoop* read : loops) EXPECT_EQ(read(data, sizeof data), 3u * sizeof data / 8);
}

TEST(SyntheticMatrices, BlocksDecodeToOrdinaryNumbers) {
  for (const tensor::DType type : packed_types()) {
    const std::vector<std::byte> blocks = quant::random_blocks(type, 1024, 7);
    std::vector<float> values(1024);
    quant::decode(type, blocks.data(), 1024, values.data());
    double squares = 0;
    for (const float v : values) {
      ASSERT_TRUE(std::isfinite(v)) << tensor::dtype_info(type).name;
      squares += static_cast<double>(v) * static_cast<double>(v);
    }
    const double rms = std::sqrt(squares / 1024);
    EXPECT_GT(rms, 1e-3) << tensor::dtype_info(type).name;
    EXPECT_LT(rms, 10) << tensor::dtype_info(type).name;
  }
}

// A matrix that is made by repetition gives what its first rows give.
TEST(SyntheticMatrices, RepeatsItsFirstRows) {
  ThreadPool pool(1);
  const auto matrices = SyntheticMatrices::create(tensor::DType::kQ5_K, 520, 256, 2);
  ASSERT_TRUE(matrices.ok());
  std::vector<float> x(256), out(520);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) - 8;
  kernels::QuantizedRows rows;
  rows.quantize(pool, x.data(), 1, 256);
  const kernels::Linear one{.w = &(*matrices)[1], .out = out.data(), .out_stride = 520};
  kernels::linear(pool, {&one, 1}, rows);
  // Each matrix has 33 groups of 16 rows, and 16 groups repeat: the second one starts at group 1.
  for (std::size_t r = 0; r + 256 < 520; ++r) EXPECT_EQ(out[r], out[r + 256]) << r;
  EXPECT_NE(out[0], out[1]);
}

TEST(KernelSpeed, CountsTheWorkOfExperts) {
  ThreadPool pool(1);
  const auto dense = measure_kernel(pool, tensor::DType::kQ4_0, {64, 128}, {1, 3}, 1, 0.01);
  ASSERT_TRUE(dense.ok());
  EXPECT_EQ((*dense)[1].operations, 2.0 * 64 * 128 * 3);
  EXPECT_EQ((*dense)[0].bytes, (*dense)[1].bytes);
  const auto mixture = measure_kernel(pool, tensor::DType::kQ4_0, {64, 128, 4, 2}, {1, 6}, 1, 0.01);
  ASSERT_TRUE(mixture.ok());
  EXPECT_EQ((*mixture)[0].operations, 2.0 * 64 * 128 * 2);      // one token, two experts
  EXPECT_EQ((*mixture)[1].operations, 2.0 * 64 * 128 * 2 * 6);  // all four, three tokens each
  EXPECT_EQ((*mixture)[1].bytes, 2 * (*mixture)[0].bytes);
  int left = 20;
  const auto stopped = measure_kernel(pool, tensor::DType::kQ4_0, {64, 128}, {1, 3}, 1000, 1000,
                                      [&] { return --left < 0; });
  ASSERT_TRUE(stopped.ok());
  EXPECT_TRUE(stopped->empty());
  const auto broken = measure_kernel(pool, tensor::DType::kQ4_K, {64, 100}, {1}, 1, 1);
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("packed by 256 columns"), std::string::npos);
}

TEST(ModelSpeed, EndsWithinATestWhenStopped) {
  const auto model = model::Model::load(
      AQUILON_SOURCE_DIR "/tests/data/oracle/llama-gqa/model-f32.gguf", {.threads = 1});
  ASSERT_TRUE(model.ok()) << model.error().message;
  std::atomic<bool> stop = false;
  (*model)->forward().stop_when(&stop);
  const auto begin = std::chrono::steady_clock::now();
  const auto results = measure_model(**model, {{.prompt = 16}, {.generate = 16000}, {.prompt = 16}},
                                     {.repetitions = 2}, [&](const ModelTest& test, int) {
                                       stop = test.generate > 0;
                                       return true;
                                     });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(results.ok()) << results.error().message;
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(results->front().test.name(), "pp16");
  EXPECT_EQ(results->front().tokens_s.samples, 2u);
  EXPECT_LT(seconds.count(), 1);
}

TEST(SplitCommand, QuotesAndBackslashes) {
  const auto words = split_command(R"(  a "b c" 'd "e' f\ g h"i"j '' )");
  ASSERT_TRUE(words.ok());
  EXPECT_EQ(*words, (std::vector<std::string>{"a", "b c", "d \"e", "f g", "hij", ""}));
  EXPECT_FALSE(split_command("a 'b").ok());
  EXPECT_FALSE(split_command("  ").ok());
}

const auto kGoOn = [] { return true; };

TEST(RunExternal, GivesOutputAndTime) {
  const auto run = run_external({"sh", "-c", "printf abc; sleep 0.05"}, 30, kGoOn);
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_EQ(run->out, "abc");
  EXPECT_GE(run->seconds, 0.05);
}

TEST(RunExternal, FailuresAreTold) {
  EXPECT_EQ(run_external({"/nowhere/at/all"}, 5, kGoOn).error().code, Code::kNotFound);
  const auto failed = run_external({"sh", "-c", "echo one >&2; echo why >&2; exit 3"}, 5, kGoOn);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "sh ended with status 3: why");
  // Children that keep the pipe open end with it.
  const auto late = run_external({"sh", "-c", "sleep 60 & sleep 60"}, 0.2, kGoOn);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::kDeadline);
  const auto stopped = run_external({"sleep", "60"}, 60, [] { return false; });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

TEST(Speeds, EveryToolIsRead) {
  const auto own = parse_speeds(BenchTool::kAquilon,
                                R"({"tables":{"tests":[{"test":"pp512","tokens_s":100.5}]}})");
  ASSERT_TRUE(own.ok());
  EXPECT_EQ(*own, (Speeds{{"pp512", 100.5}}));
  const auto llama = parse_speeds(BenchTool::kLlamaBench, R"([
      {"n_prompt": 512, "n_gen": 0, "n_depth": 0, "avg_ts": 7},
      {"n_prompt": 0, "n_gen": 128, "n_depth": 4096, "avg_ts": 2.5},
      {"n_prompt": 512, "n_gen": 128, "n_depth": 0, "avg_ts": 3}])");
  ASSERT_TRUE(llama.ok());
  EXPECT_EQ(*llama, (Speeds{{"pp512", 7}, {"tg128@4096", 2.5}}));
  const auto batched = parse_speeds(BenchTool::kLlamaBatchedBench,
                                    "main: n_kv_max = 1\n"
                                    "{\"pp\": 16, \"tg\": 32, \"pl\": 1, \"speed_tg\": 4.0}\n"
                                    "{\"pp\": 16, \"tg\": 32, \"pl\": 8, \"speed_tg\": 9.0}\n");
  ASSERT_TRUE(batched.ok());
  EXPECT_EQ(*batched, (Speeds{{"tg32@16", 4}, {"tg32@16x8", 9}}));
}

TEST(Speeds, AnythingElseIsAnError) {
  for (const char* text :
       {"", "null", "[1, {}]", "{\"tables\": 3}", "{\"tables\": {\"tests\": [1]}}",
        "[{\"n_prompt\": 512, \"avg_ts\": \"fast\"}]", "{\"pp\""})
    for (const BenchTool tool :
         {BenchTool::kAquilon, BenchTool::kLlamaBench, BenchTool::kLlamaBatchedBench})
      EXPECT_EQ(parse_speeds(tool, text).error().code, Code::kCorrupt) << text;
  EXPECT_EQ(parse_speeds(BenchTool::kOther, "{}").error().code, Code::kUnsupported);
  EXPECT_EQ(tool_of({"/usr/bin/llama-bench"}), BenchTool::kLlamaBench);
  EXPECT_EQ(tool_of({"llama-bench.sh"}), BenchTool::kOther);
  EXPECT_EQ(tool_of({"x/llama-server", "-m"}), BenchTool::kServer);
  EXPECT_EQ(tool_of({"aquilon", "serve"}), BenchTool::kServer);
  EXPECT_EQ(tool_of({"aquilon", "bench", "serve"}), BenchTool::kAquilon);
}

}  // namespace
}  // namespace aquilon::bench
