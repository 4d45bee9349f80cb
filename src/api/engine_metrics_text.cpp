#include "api/engine_metrics_text.h"

#include <fmt/format.h>

namespace aquilon::api {
namespace {

using engine::EngineMetrics;

struct NumberRow {
  const char* name;
  const char* type;
  const char* help;
  double (*value)(const EngineMetrics& metrics);
};

double number(const Counter& counter) {
  return static_cast<double>(counter.value());
}

// clang-format off
constexpr NumberRow kNumbers[] = {
    {"vllm:num_requests_running", "gauge", "requests in the running batch",
     [](const EngineMetrics& m) { return m.running.value(); }},
    {"vllm:num_requests_waiting", "gauge", "requests that wait for a place or for memory",
     [](const EngineMetrics& m) { return m.waiting.value(); }},
    {"vllm:kv_cache_usage_perc", "gauge", "share of the pages of keys and values that running requests hold, 0 to 1",
     [](const EngineMetrics& m) { return m.kv_usage.value(); }},
    {"vllm:gpu_cache_usage_perc", "gauge", "the same, under its older name",
     [](const EngineMetrics& m) { return m.kv_usage.value(); }},
    {"vllm:num_preemptions_total", "counter", "times that a request gave its memory to an older one",
     [](const EngineMetrics& m) { return number(m.preemptions); }},
    {"vllm:prompt_tokens_total", "counter", "tokens of prompts",
     [](const EngineMetrics& m) { return number(m.prompt_tokens); }},
    {"vllm:generation_tokens_total", "counter", "tokens of answers",
     [](const EngineMetrics& m) { return number(m.generation_tokens); }},
    {"vllm:prefix_cache_queries_total", "counter", "tokens of prompts that were looked up among those computed",
     [](const EngineMetrics& m) { return number(m.prompt_tokens); }},
    {"vllm:prefix_cache_hits_total", "counter", "tokens of prompts that were found there",
     [](const EngineMetrics& m) { return number(m.cached_tokens); }},
    {"vllm:spec_decode_num_draft_tokens_total", "counter", "guesses at answers that were checked",
     [](const EngineMetrics& m) { return number(m.guessed_tokens); }},
    {"vllm:spec_decode_num_accepted_tokens_total", "counter", "guesses at answers that were right",
     [](const EngineMetrics& m) { return number(m.accepted_tokens); }},
    {"aquilon_broken_steps_total", "counter", "steps that a broken invariant ended; what it computed was computed again",
     [](const EngineMetrics& m) { return number(m.broken_steps); }},
    {"aquilon_step_seconds", "gauge", "how long the engine's running step has taken so far; 0 between steps",
     [](const EngineMetrics& m) { return m.step_seconds(); }},
};

struct HistogramRow {
  const char* name;
  const char* help;
  Histogram EngineMetrics::*member;
};

constexpr HistogramRow kHistograms[] = {
    {"vllm:time_to_first_token_seconds", "from a request's arrival to its first token", &EngineMetrics::first_token},
    {"vllm:inter_token_latency_seconds", "between two tokens of an answer", &EngineMetrics::between_tokens},
    {"vllm:time_per_output_token_seconds", "the same, under its older name", &EngineMetrics::between_tokens},
    {"vllm:request_time_per_output_token_seconds", "a request's mean time a token after its first", &EngineMetrics::per_token},
    {"vllm:e2e_request_latency_seconds", "from a request's arrival to its end", &EngineMetrics::whole},
    {"vllm:request_queue_time_seconds", "from a request's arrival to its beginning", &EngineMetrics::queued},
    {"vllm:request_inference_time_seconds", "from a request's beginning to its end", &EngineMetrics::inference},
    {"vllm:request_prefill_time_seconds", "from a request's beginning to its first token", &EngineMetrics::prefill},
    {"vllm:request_decode_time_seconds", "from a request's first token to its last", &EngineMetrics::decode},
    {"vllm:request_prompt_tokens", "tokens of a request's prompt", &EngineMetrics::request_prompt},
    {"vllm:request_generation_tokens", "tokens of a request's answers", &EngineMetrics::request_generation},
    {"vllm:request_params_max_tokens", "max_tokens of requests", &EngineMetrics::request_max_tokens},
    {"vllm:request_params_n", "n of requests", &EngineMetrics::request_choices},
    {"vllm:iteration_tokens_total", "tokens computed in one step", &EngineMetrics::step_tokens},
};
// clang-format on

struct Told {
  std::string labels;
  std::string id;
  std::shared_ptr<const EngineMetrics> metrics;
  bool loaded;
};

std::vector<Told> told_models(const chat::ModelPool& models) {
  std::vector<Told> told;
  for (std::size_t i = 0; i < models.size(); ++i) {
    chat::ModelStatus status = models.status(i);
    if (!status.metrics) continue;
    told.push_back({MetricsText::label("model_name", status.card.id) + ",engine=\"0\"",
                    status.card.id, std::move(status.metrics),
                    status.state == chat::ModelState::kLoaded});
  }
  return told;
}

void write_endings(const std::vector<Told>& models, MetricsText& out) {
  out.family("vllm:request_success_total", "counter", "requests that ended, by how");
  for (const Told& model : models)
    for (std::size_t i = 0; i < engine::kEndingNames.size(); ++i)
      out.sample(fmt::format("{},finished_reason=\"{}\"", model.labels, engine::kEndingNames[i]),
                 number(model.metrics->endings[i]));
}

void write_states(const std::vector<Told>& models, MetricsText& out) {
  out.family("vllm:cache_config_info", "gauge", "pages of keys and values, and tokens a page");
  for (const Told& model : models)
    out.sample(fmt::format("{},block_size=\"16\",num_gpu_blocks=\"{}\"", model.labels,
                           model.metrics->kv_pages.value()),
               1);
  out.family("aquilon_model_loaded", "gauge", "1: the model is loaded");
  for (const Told& model : models) out.sample(model.labels, model.loaded ? 1 : 0);
}

}  // namespace

void write_engine_metrics(const chat::ModelPool& models, MetricsText& out) {
  const std::vector<Told> told = told_models(models);
  for (const NumberRow& row : kNumbers) {
    out.family(row.name, row.type, row.help);
    for (const Told& model : told) out.sample(model.labels, row.value(*model.metrics));
  }
  write_endings(told, out);
  for (const HistogramRow& row : kHistograms) {
    out.family(row.name, "histogram", row.help);
    for (const Told& model : told) out.histogram(model.labels, (*model.metrics).*row.member);
  }
  write_states(told, out);
}

}  // namespace aquilon::api
