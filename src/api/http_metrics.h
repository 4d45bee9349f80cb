// What the server counts of its requests and connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "api/metrics_text.h"
#include "base/metrics.h"

namespace aquilon::api {

// Threads: the network thread's.
class HttpMetrics {
 public:
  // `route`: the route's pattern, empty where there was none. `seconds`: from its first byte until
  // it was answered or, of a stream, until that ended.
  void observe(std::string_view route, std::string_view method, int status, double seconds);
  void write(MetricsText& out) const;

  std::size_t connections = 0;              // open
  std::uint64_t refused_connections = 0;    // beyond --max-connections
  std::uint64_t displaced_connections = 0;  // idle ones, closed in favour of new ones
  std::uint64_t failed_accepts = 0;         // no descriptors were left
  std::size_t body_bytes = 0;               // of bodies that are arriving
  std::int64_t certificate_expires = 0;     // Unix seconds; 0: there is none

 private:
  using Key = std::tuple<std::string, std::string, int>;  // route, method, status
  std::map<Key, std::uint64_t> requests_;
  std::map<std::string, std::unique_ptr<Histogram>> seconds_;  // by route
};

}  // namespace aquilon::api
