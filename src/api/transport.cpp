#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <utility>

#include "api/transport_internal.h"

namespace aquilon::api {
namespace {

using Outcome = Transport::Outcome;
using Moved = Transport::Moved;

bool would_block(const boost::system::error_code& ec) {
  return ec == boost::asio::error::would_block || ec == boost::asio::error::try_again;
}

}  // namespace

Transport::Transport(boost::asio::ip::tcp::socket& socket, std::shared_ptr<TlsContext> tls)
    : socket_(socket), tls_(std::move(tls)) {
  if (!tls_) return;
  ssl_ = SSL_new(tls_->native());
  if (!ssl_) return;  // out of memory: every call says kClosed
  SSL_set_fd(ssl_, socket_.native_handle());
  SSL_set_accept_state(ssl_);
}

Transport::~Transport() {
  SSL_free(ssl_);
}

// The descriptor that OpenSSL knows may be another's once the socket is closed.
bool Transport::usable() const {
  return ssl_ && socket_.is_open();
}

Moved Transport::read(std::span<char> into) {
  if (tls_) {
    if (!usable()) return {Outcome::kClosed};
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_, into.data(), into.size(), &n);
    return outcome_of(result, n);
  }
  boost::system::error_code ec;
  const std::size_t n = socket_.read_some(boost::asio::buffer(into.data(), into.size()), ec);
  if (would_block(ec)) return {Outcome::kWantRead};
  return ec ? Moved{Outcome::kClosed} : Moved{Outcome::kDone, n};
}

Moved Transport::write(std::string_view bytes) {
  if (tls_) {
    if (!usable() || SSL_is_init_finished(ssl_) == 0) return {Outcome::kClosed};
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n);
    return outcome_of(result, n);
  }
  boost::system::error_code ec;
  const std::size_t n = socket_.write_some(boost::asio::buffer(bytes), ec);
  if (would_block(ec)) return {Outcome::kWantWrite};
  return ec ? Moved{Outcome::kClosed} : Moved{Outcome::kDone, n};
}

Moved Transport::outcome_of(int result, std::size_t bytes) {
  if (result == 1) return {Outcome::kDone, bytes};
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return {Outcome::kWantRead};
    case SSL_ERROR_WANT_WRITE:
      return {Outcome::kWantWrite};
    default:
      if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_HTTP_REQUEST) answer_plain_http();
      ERR_clear_error();
      return {Outcome::kClosed};
  }
}

// Somebody wrote http:// where https:// is meant.
void Transport::answer_plain_http() {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 48\r\n"
      "Connection: close\r\n\r\nthis port speaks TLS: begin the URL with https\r\n";
  ::send(socket_.native_handle(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Transport::has_pending() const {
  return ssl_ && SSL_has_pending(ssl_) == 1;
}

void Transport::end_writing() {
  if (!usable() || SSL_is_init_finished(ssl_) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);  // sends the notice; the peer's is not waited for
  ERR_clear_error();
}

}  // namespace aquilon::api
