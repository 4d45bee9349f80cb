#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/connection_internal.h"

// GCC 12 destroys temporaries of a co_await expression twice in some cases: only plain calls with
// named arguments stand in one here.

namespace aquilon::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Of requests sent ahead while one is being answered; beyond it the client has to wait.
constexpr std::size_t kMaxInboxBytes = 128 * 1024;
// Of a refused request's body, read and thrown away so that the refusal arrives.
constexpr std::size_t kMaxLingerBytes = std::size_t{8} << 20;
constexpr std::chrono::seconds kLingerTime{2};

ApiError timeout_error(std::string_view what) {
  return {.status = 408,
          .type = "invalid_request_error",
          .message = fmt::format("{} did not arrive in time", what),
          .code = "request_timeout"};
}

bool would_block(const boost::system::error_code& ec) {
  return ec == asio::error::would_block || ec == asio::error::try_again;
}

}  // namespace

Connection::Connection(tcp::socket socket, ServerShared& shared)
    : socket_(std::move(socket)), shared_(shared), timer_(shared.io) {
  shared_.connections.insert(this);
}

Connection::~Connection() {
  if (exchange_) exchange_->detach();
  shared_.connections.erase(this);
  if (shared_.connections.empty() && shared_.on_empty) shared_.on_empty();
}

void Connection::start() {
  boost::system::error_code ec;
  socket_.non_blocking(true, ec);
  socket_.set_option(tcp::no_delay(true), ec);
  auto self = shared_from_this();
  const auto ended = [self](std::exception_ptr) { self->close(); };
  asio::co_spawn(shared_.io, run(self), ended);
}

void Connection::end_answer() {
  if (exchange_) exchange_->abandon(AbandonReason::kShutdown);
  signal();
}

void Connection::close() {
  if (exchange_) {
    exchange_->abandon(AbandonReason::kClientGone);
    exchange_->detach();
    exchange_.reset();
  }
  boost::system::error_code ec;
  socket_.close(ec);
  peer_closed_ = true;
  signal();
}

asio::awaitable<void> Connection::run(std::shared_ptr<Connection> self) {
  bool open = true;
  while (open) open = co_await self->serve_one();
  self->close();
}

asio::awaitable<bool> Connection::serve_one() {
  HttpParser parser;
  RequestHead head;
  const bool have_head = co_await read_head(parser, head);
  if (!have_head) co_return false;
  common_headers_ = shared_.service.common_headers(head.request);
  const auto admitted = shared_.service.admit(head.request);
  const bool has_body = head.chunked || head.content_length > 0;
  if (const auto* response = std::get_if<HttpResponse>(&admitted)) {
    if (has_body) co_return co_await refuse(*response);
    const ResponseFraming framing{.http11 = head.http11, .keep_alive = head.keep_alive};
    const bool written = co_await write_whole(*response, framing, head.request.method != "HEAD");
    co_return written&& head.keep_alive;
  }
  if (has_body) {
    const bool have_body = co_await read_body(parser, head);
    if (!have_body) co_return false;
  }
  co_return co_await answer(*std::get<const Route*>(admitted), head);
}

asio::awaitable<bool> Connection::read_head(HttpParser& parser, RequestHead& head) {
  record_ = {.method = "-", .path = "-", .request_id = random_id()};
  common_headers_ = {{"x-request-id", record_.request_id}};
  begun_ = Clock::now();
  std::string bytes;
  const bool arrived = co_await wait_for_head(bytes);
  if (!arrived) co_return false;
  RawHead raw;
  Refusal refusal = parser.read_head(bytes, raw);
  if (!refusal) refusal = check_head(std::move(raw), head);
  if (refusal) co_return co_await refuse(*refusal);
  served_any_ = true;
  head.request.id = record_.request_id;
  record_.method = head.request.method;
  record_.path = head.request.path;
  co_return true;
}

asio::awaitable<bool> Connection::wait_for_head(std::string& bytes) {
  const ServerConfig& config = shared_.config;
  bool begun = !inbox_.empty();
  auto deadline = begun_ + (served_any_ && !begun ? config.idle_timeout : config.head_timeout);
  while (true) {
    const HeadScan scan = scan_head(inbox_);
    inbox_.erase(0, scan.skip);
    if (scan.refusal) co_return co_await refuse(*scan.refusal);
    if (scan.size > 0) {
      bytes = inbox_.substr(0, scan.size);
      inbox_.erase(0, scan.size);
      if (inbox_.empty()) inbox_.shrink_to_fit();
      co_return true;
    }
    if (peer_closed_ || (shared_.service.stopping() && inbox_.empty())) co_return false;
    arm_read();
    const bool in_time = co_await wait(deadline);
    if (!in_time && inbox_.empty()) co_return false;
    if (!in_time) {
      const ApiError late = timeout_error("the request's head");
      co_return co_await refuse(late);
    }
    if (!begun && !inbox_.empty()) {
      begun = true;
      begun_ = Clock::now();
      deadline = begun_ + config.head_timeout;
    }
  }
}

asio::awaitable<bool> Connection::read_body(HttpParser& parser, RequestHead& head) {
  const std::uint64_t limit = shared_.config.max_body_bytes;
  if (head.content_length > limit) {
    const ApiError error{
        .status = 413,
        .type = "invalid_request_error",
        .message = fmt::format("the body has {} bytes, more than the {} that this server accepts "
                               "(--max-body-bytes)",
                               head.content_length, limit),
        .code = "body_too_large"};
    co_return co_await refuse(error);
  }
  if (head.expects_continue && inbox_.empty()) {
    const bool written = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return false;
  }
  const auto deadline = Clock::now() + shared_.config.body_timeout;
  while (true) {
    std::size_t used = 0;
    const Refusal refusal = parser.read_body(inbox_, limit, used);
    if (refusal) co_return co_await refuse(*refusal);
    inbox_.erase(0, used);
    if (parser.done()) break;
    if (peer_closed_) co_return false;
    arm_read();
    const bool in_time = co_await wait(deadline);
    if (!in_time) {
      const ApiError late = timeout_error("the request's body");
      co_return co_await refuse(late);
    }
  }
  head.request.body = parser.take_body();
  if (inbox_.empty()) inbox_.shrink_to_fit();
  co_return true;
}

asio::awaitable<bool> Connection::answer(const Route& route, RequestHead& head) {
  const bool with_body = head.request.method != "HEAD";
  const auto exchange = std::make_shared<ServerExchange>(
      shared_.io, shared_.pool, shared_.config.max_unsent_bytes, [this] { signal(); });
  exchange_ = exchange;
  shared_.service.run(route, std::move(head.request), exchange);
  bool kept = co_await wait_for_answer(*exchange);
  if (kept) {
    const ResponseFraming framing{.http11 = head.http11,
                                  .keep_alive = head.keep_alive && !shared_.service.stopping() &&
                                                (head.http11 || !exchange->is_stream())};
    if (exchange->is_stream()) {
      kept = co_await write_stream(*exchange, framing);
    } else {
      kept = co_await write_whole(exchange->response(), framing, with_body);
    }
    kept = kept && framing.keep_alive;
  } else {
    log(499);
  }
  if (!kept) exchange->abandon(AbandonReason::kClientGone);
  exchange->detach();
  exchange_.reset();
  co_return kept;
}

asio::awaitable<bool> Connection::wait_for_answer(ServerExchange& exchange) {
  while (!exchange.answered()) {
    if (peer_closed_) exchange.abandon(AbandonReason::kClientGone);
    if (exchange.ended()) co_return exchange.answered();
    arm_read();
    co_await wait(Clock::time_point::max());
  }
  co_return true;
}

asio::awaitable<bool> Connection::write_whole(const HttpResponse& response, ResponseFraming framing,
                                              bool with_body) {
  const std::string_view body = body_view(response.body);
  framing.length = body.size();
  std::string head = response_head(response, common_headers_, framing);
  log(response.status);
  const bool with_it = with_body && response.status != 204 && response.status != 304;
  if (with_it && body.size() <= 64 * 1024) head += body;
  bool written = co_await write_all(head);
  if (written && with_it && body.size() > 64 * 1024) written = co_await write_all(body);
  co_return written;
}

asio::awaitable<bool> Connection::write_stream(ServerExchange& exchange, ResponseFraming framing) {
  const auto heartbeat = shared_.config.heartbeat;
  std::string out = response_head(exchange.response(), common_headers_, framing);
  while (true) {
    if (peer_closed_) exchange.abandon(AbandonReason::kClientGone);
    const bool last = exchange.ended();
    const std::string events = exchange.take_unsent();
    if (!events.empty() && framing.http11) out += fmt::format("{:x}\r\n", events.size());
    out += events;
    if (!events.empty() && framing.http11) out += "\r\n";
    if (last && framing.http11) out += "0\r\n\r\n";
    const bool complete = last && !exchange.overflown() && !peer_closed_;
    const bool written = co_await write_all(out);
    if (last || !written) {
      log(complete && written ? exchange.response().status : 499);
      co_return complete&& written;
    }
    out.clear();
    arm_read();
    const bool news = co_await wait(Clock::now() + heartbeat);
    if (!news) out = framing.http11 ? "e\r\n: keep-alive\n\n\r\n" : ": keep-alive\n\n";
  }
}

asio::awaitable<bool> Connection::refuse(const ApiError& error) {
  const HttpResponse response = error_response(error);
  co_return co_await refuse(response);
}

asio::awaitable<bool> Connection::refuse(const HttpResponse& response) {
  const ResponseFraming framing{.keep_alive = false};
  const bool written = co_await write_whole(response, framing, true);
  if (written) co_await linger();
  co_return false;
}

asio::awaitable<void> Connection::linger() {
  boost::system::error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  const auto deadline = Clock::now() + kLingerTime;
  std::size_t discarded = 0;
  bool in_time = true;
  while (in_time && !peer_closed_ && discarded < kMaxLingerBytes) {
    discarded += inbox_.size();
    inbox_.clear();
    arm_read();
    in_time = co_await wait(deadline);
    in_time = in_time && Clock::now() < deadline;
  }
}

asio::awaitable<bool> Connection::write_all(std::string_view bytes) {
  auto deadline = Clock::now() + shared_.config.write_timeout;
  while (!bytes.empty()) {
    boost::system::error_code ec;
    const std::size_t n = socket_.write_some(asio::buffer(bytes), ec);
    if (ec && !would_block(ec)) co_return false;
    if (n > 0) {
      bytes.remove_prefix(n);
      deadline = Clock::now() + shared_.config.write_timeout;
      continue;
    }
    if (Clock::now() >= deadline) co_return false;
    arm_write();
    co_await wait(deadline);
  }
  co_return true;
}

asio::awaitable<bool> Connection::wait(Clock::time_point deadline) {
  if (!signalled_) {
    timer_.expires_at(deadline);
    boost::system::error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    co_await timer_.async_wait(token);
  }
  co_return std::exchange(signalled_, false);
}

void Connection::signal() {
  signalled_ = true;
  timer_.cancel();
}

void Connection::arm_read() {
  if (reading_ || peer_closed_ || inbox_.size() >= kMaxInboxBytes) return;
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& ec) {
                       self->reading_ = false;
                       if (!ec) self->on_readable();
                     });
}

void Connection::arm_write() {
  if (writing_) return;
  writing_ = true;
  socket_.async_wait(tcp::socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code&) {
                       self->writing_ = false;
                       self->signal();
                     });
}

void Connection::on_readable() {
  boost::system::error_code ec;
  const std::size_t n = socket_.read_some(asio::buffer(shared_.scratch), ec);
  if (would_block(ec)) {
    arm_read();
    return;
  }
  inbox_.append(shared_.scratch.data(), n);
  if (ec) {
    peer_closed_ = true;
    if (exchange_) exchange_->abandon(AbandonReason::kClientGone);
  }
  signal();
}

void Connection::log(int status) {
  if (!shared_.config.on_request) return;
  record_.status = status;
  record_.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - begun_).count();
  shared_.config.on_request(record_);
}

}  // namespace aquilon::api
