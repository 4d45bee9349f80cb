// The server's certificate and key, ready for connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace aquilon::api {

struct TlsFiles {
  std::string
      certificate;  // PEM, the server's own first, then those that lead to a root; empty: none
  std::string key;  // PEM, without a pass phrase
};

// TLS 1.2 and 1.3, HTTP/1.1 by ALPN. Threads: safe; connections that use it keep it alive.
class TlsContext {
 public:
  // Errors: kInvalidArgument names the file that cannot be used, or says that key and certificate
  // do not belong together.
  static Result<std::shared_ptr<TlsContext>> load(const TlsFiles& files);
  ~TlsContext();

  ssl_ctx_st* native() const { return context_; }
  std::int64_t expires() const { return expires_; }  // Unix seconds

 private:
  TlsContext() = default;

  ssl_ctx_st* context_ = nullptr;
  std::int64_t expires_ = 0;
};

}  // namespace aquilon::api
