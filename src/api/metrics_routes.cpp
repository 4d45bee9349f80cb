// GET /metrics.
#include "api/engine_metrics_text.h"
#include "api/router.h"
#include "base/check.h"
#include "base/process_usage.h"

namespace aquilon::api {
namespace {

void write_process(MetricsText& out) {
  const ProcessUsage usage = process_usage();
  const auto one = [&](const char* name, const char* type, const char* help, double value) {
    out.family(name, type, help);
    out.sample("", value);
  };
  one("process_resident_memory_bytes", "gauge", "memory in use",
      static_cast<double>(usage.resident_bytes));
  one("process_virtual_memory_bytes", "gauge", "address space",
      static_cast<double>(usage.virtual_bytes));
  one("process_cpu_seconds_total", "counter", "processor time", usage.cpu_seconds);
  one("process_start_time_seconds", "gauge", "when it was started, in Unix time", usage.started);
  one("process_threads", "gauge", "threads", static_cast<double>(usage.threads));
  one("process_open_fds", "gauge", "open descriptors", static_cast<double>(usage.descriptors));
  one("process_max_fds", "gauge", "descriptors that may be open",
      static_cast<double>(usage.max_descriptors));
}

}  // namespace

void get_metrics(ApiContext& context, HttpRequest, std::shared_ptr<Exchange> exchange) {
  MetricsText text;
  write_engine_metrics(*context.models, text);
  context.http.write(text);
  text.family("aquilon_ready", "gauge", "1: /readyz says yes");
  text.sample("", unready_reason(context).empty() ? 1 : 0);
  text.family("aquilon_broken_invariants_total", "counter",
              "invariants of the server's own that were broken; the log names them");
  text.sample("", static_cast<double>(broken_invariants()));
  write_process(text);
  exchange->respond(
      {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = text.take()});
}

}  // namespace aquilon::api
