// The options of `aquilon bench serve`, and what they ask for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/bench_output.h"
#include "base/options.h"
#include "base/result.h"
#include "bench/load_report.h"

namespace aquilon::apps {

struct BenchServeOptions {
  std::string url = "http://127.0.0.1:8080";
  std::string model;
  std::string key;
  std::string route = "completions";
  std::string clients;
  std::string rate;
  int prompt = 128;
  int generate = 64;
  int shared_prefix = 0;
  double shared_part = 100;
  int join = 0;
  int requests = 0;
  double seconds = 0;
  int warm_up = 1;
  int limit_s = 600;
  std::int64_t seed = 0;
  std::vector<std::string> goodput;
  bool detailed = false;
  BenchOutput output;

  template <class V>
  void visit(V& v) {
    v(url, {.flag = "url", .help = "the server", .unit = "URL"});
    v(model, {.flag = "model",
              .help = "what the server calls the model; default: the first that it lists",
              .unit = "NAME"});
    v(key, {.flag = "key",
            .help = "API key that the server asks for; better given as AQUILON_KEY",
            .unit = "KEY",
            .secret = true});
    v(route, {.flag = "route", .help = "chat or completions", .unit = "ROUTE"});
    v(limit_s, {.flag = "limit",
                .help = "time after which a request counts as failed",
                .unit = "SECONDS",
                .min = 1,
                .max = 86400});
    v.section("Load");
    v(clients, {.flag = "clients",
                .help = "so many requests under way together, each followed by the next; several "
                        "numbers are several loads; without --rate: 1",
                .unit = "LIST"});
    v(rate, {.flag = "rate",
             .help = "requests a second, arriving at random whatever the server does; several are "
                     "several loads",
             .unit = "LIST"});
    v(requests, {.flag = "requests",
                 .help = "requests of a load; 0: eight a client, or as many as fit --seconds",
                 .min = 0,
                 .max = 1 << 24});
    v(seconds, {.flag = "seconds",
                .help = "no request is sent later; 0: no limit",
                .unit = "SECONDS",
                .min = 0,
                .max = 1'000'000});
    v(warm_up, {.flag = "warm-up",
                .help = "requests before each load that do not count",
                .min = 0,
                .max = 1 << 20});
    v(join, {.flag = "join",
             .help = "instead of a load: a prompt of so many tokens joins --clients streams (3), "
                     "--requests times (3); the streams are asked for as many tokens, --generate "
                     "at least",
             .unit = "TOKENS",
             .min = 0,
             .max = 1 << 20});
    v.section("Requests");
    v(prompt, {.flag = "prompt", .help = "tokens of a prompt", .min = 1, .max = 1 << 20});
    v(generate,
      {.flag = "generate", .help = "tokens that are asked for", .min = 1, .max = 1 << 20});
    v(shared_prefix, {.flag = "shared-prefix",
                      .help = "further tokens that all prompts of a load begin with; in a chat the "
                              "system message",
                      .unit = "TOKENS",
                      .min = 0,
                      .max = 1 << 20});
    v(shared_part, {.flag = "shared-part",
                    .help = "of the requests that begin with them",
                    .unit = "PERCENT",
                    .min = 0,
                    .max = 100});
    v(seed,
      {.flag = "seed",
       .help = "of prompts and arrivals; 0: another one each time, so that no earlier run has "
               "left its prompts in the server's cache",
       .min = 0});
    v.section("Result");
    v(goodput,
      {.flag = "goodput",
       .help = "count requests within bounds in ms: ttft:MS, tpot:MS, e2el:MS, with commas "
               "between",
       .unit = "BOUNDS"});
    v(detailed, {.flag = "detailed", .help = "with --json: every request as well"});
    output.visit(v);
  }
};

// The loads, each with what is asked of each server: requests and bounds; no seed yet, and neither
// the model nor the scale that the server decides. Errors: kInvalidArgument that names the flag.
Result<std::vector<bench::LoadCase>> choose_loads(const BenchServeOptions& options);

}  // namespace aquilon::apps
