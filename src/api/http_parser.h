// HTTP/1.1 grammar (Boost.Beast's parser) behind a small face, so that one source alone pays for
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "api/http_head.h"

namespace aquilon::api {

// Reads one request: first its head, then its body. Not thread-safe.
class HttpParser {
 public:
  HttpParser();
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;

  // `head`: one complete head, as scan_head found it.
  Refusal read_head(std::string_view head, RawHead& out);

  // Feeds bytes of the body; `used` of them are done with, the rest must be given again with what
  // follows. Errors: 413 beyond `limit` bytes of body, 400 for broken chunks.
  Refusal read_body(std::string_view bytes, std::uint64_t limit, std::size_t& used);

  // The whole request has been read.
  bool done() const;
  std::string take_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aquilon::api
