// The bytes of one connection, plain or through TLS. Never blocks.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <span>
#include <string_view>

#include "api/tls.h"

struct ssl_st;  // OpenSSL's SSL

namespace aquilon::api {

class Transport {
 public:
  enum class Outcome {
    kDone,       // `bytes` of them
    kWantRead,   // when the socket is readable again
    kWantWrite,  // when it is writable again
    kClosed,     // the peer's end, or an error
  };
  struct Moved {
    Outcome outcome;
    std::size_t bytes = 0;
  };

  // `socket` is non-blocking and outlives the transport. `tls` may be null.
  Transport(boost::asio::ip::tcp::socket& socket, std::shared_ptr<TlsContext> tls);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // With TLS the first calls shake hands.
  Moved read(std::span<char> into);
  // Before hands are shaken: kClosed.
  Moved write(std::string_view bytes);
  // Bytes have arrived that the socket does not know of any more.
  bool has_pending() const;
  // Says that nothing more will be sent, as far as that can be said without waiting.
  void end_writing();

 private:
  bool usable() const;
  Moved outcome_of(int result, std::size_t bytes);
  void answer_plain_http();

  boost::asio::ip::tcp::socket& socket_;
  std::shared_ptr<TlsContext> tls_;
  ssl_st* ssl_ = nullptr;
};

}  // namespace aquilon::api
