#include "api/http_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace aquilon::api {
namespace {

constexpr double kBounds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300};

// Clients can make up methods, and every label is memory.
std::string_view method_label(std::string_view method) {
  constexpr std::array<std::string_view, 7> kKnown = {"GET",    "HEAD",  "POST", "OPTIONS",
                                                      "DELETE", "PATCH", "PUT"};
  const bool known = std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end();
  return known ? method : "other";
}

std::string handler(std::string_view route) {
  return MetricsText::label("handler", route.empty() ? "none" : route);
}

}  // namespace

void HttpMetrics::observe(std::string_view route, std::string_view method, int status,
                          double seconds) {
  ++requests_[{std::string(route), std::string(method_label(method)), status}];
  auto& histogram = seconds_[std::string(route)];
  if (!histogram) histogram = std::make_unique<Histogram>(kBounds);
  histogram->observe(seconds);
}

void HttpMetrics::write(MetricsText& out) const {
  out.family("http_requests_total", "counter",
             "requests answered, by route; status 499: the client left before");
  for (const auto& [key, count] : requests_) {
    const auto& [route, method, status] = key;
    out.sample(fmt::format("{},{},{}", handler(route), MetricsText::label("method", method),
                           MetricsText::label("status", fmt::to_string(status))),
               static_cast<double>(count));
  }
  out.family("http_request_duration_seconds", "histogram",
             "from a request's first byte to its answer, or a stream's end");
  for (const auto& [route, histogram] : seconds_) out.histogram(handler(route), *histogram);
  out.family("aquilon_open_connections", "gauge", "client connections");
  out.sample("", static_cast<double>(connections));
  out.family("aquilon_refused_connections_total", "counter",
             "connections closed at once: --max-connections are open, and none is idle");
  out.sample("", static_cast<double>(refused_connections));
  out.family("aquilon_displaced_connections_total", "counter",
             "idle connections closed in favour of new ones: --max-connections are open");
  out.sample("", static_cast<double>(displaced_connections));
  out.family("aquilon_failed_accepts_total", "counter",
             "times that no descriptor was left for a connection");
  out.sample("", static_cast<double>(failed_accepts));
  out.family("aquilon_arriving_body_bytes", "gauge", "bytes of request bodies that are arriving");
  out.sample("", static_cast<double>(body_bytes));
  out.family("aquilon_certificate_expires_seconds", "gauge",
             "when the TLS certificate ends, in Unix time; without TLS there is none");
  if (certificate_expires != 0) out.sample("", static_cast<double>(certificate_expires));
}

}  // namespace aquilon::api
