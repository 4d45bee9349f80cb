// Everything between a parsed head and a handler: who may do what, and the fields that every answer
// carries. Knows no sockets.
#pragma once

#include <string>
#include <variant>

#include "api/access_policy.h"
#include "api/router.h"

namespace aquilon::api {

class Service {
 public:
  Service(AccessConfig access, bool strict, double max_seconds) : access_(std::move(access)) {
    context_.accounts = access_.accounts();
    context_.strict = strict;
    context_.max_seconds = max_seconds;
  }

  // Before the first request.
  void set_models(chat::ModelPool& models) { context_.models = &models; }

  // Decides on a head, before its body is read: host, route, origin, key, content type. Either a
  // route (with request.tail and request.tenant set) or the answer.
  std::variant<const Route*, HttpResponse> admit(HttpRequest& request) const;

  void run(const Route& route, HttpRequest request, std::shared_ptr<Exchange> exchange) {
    route.handler(context_, std::move(request), std::move(exchange));
  }

  // What the client gets as x-request-id: its own, unless it holds a key.
  std::string told_id(const HttpRequest& request) const;
  // Text from a client, for the log.
  std::string without_keys(std::string_view text) const { return access_.without_keys(text); }

  // The fields that every answer to this request carries: request ids, sniffing, CORS.
  std::vector<Header> common_headers(const HttpRequest& request) const;

  // The network thread's.
  HttpMetrics& http_metrics() { return context_.http; }
  void set_longest_step(double seconds) { context_.longest_step = seconds; }

  void set_stream_limits(const ResumableStreams::Limits& limits) {
    context_.streams.set_limits(limits);
  }

  // On the connections' thread, for requests that have not begun.
  void set_access(AccessConfig access) { access_ = AccessPolicy(std::move(access)); }
  void set_strict(bool strict) { context_.strict = strict; }

  // On the connections' thread.
  void set_stopping() {
    context_.stopping = true;
    context_.streams.stop_waiting();
  }
  bool stopping() const { return context_.stopping; }
  bool needs_key() const { return access_.needs_key(); }

 private:
  Refusal check(HttpRequest& request, const Route& route) const;
  std::variant<const Route*, HttpResponse> answer_options(const HttpRequest& request) const;

  ApiContext context_;
  Router router_;
  AccessPolicy access_;
};

// 32 lower-case hex digits from the system's random source.
std::string random_id();

}  // namespace aquilon::api
