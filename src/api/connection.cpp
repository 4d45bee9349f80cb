#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "api/connection_internal.h"
#include "api/limits.h"
#include "api/trace_context.h"
#include "base/check.h"

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

ApiError cut_error(std::string_view part) {
  return {.status = 400,
          .type = "invalid_request_error",
          .message =
              fmt::format("the connection's sending side was closed within the request's {}", part),
          .code = "bad_http_request"};
}

// A body's part of the bytes that all connections' bodies take while they arrive.
class ArrivingBytes {
 public:
  explicit ArrivingBytes(std::size_t& all) : all_(all) {}
  ~ArrivingBytes() { drop(); }
  ArrivingBytes(const ArrivingBytes&) = delete;
  ArrivingBytes& operator=(const ArrivingBytes&) = delete;

  // False: all together are more than `limit`.
  bool add(std::size_t bytes, std::size_t limit) {
    own_ += bytes;
    all_ += bytes;
    return all_ <= limit;
  }
  void drop() { all_ -= std::exchange(own_, 0); }

 private:
  std::size_t& all_;
  std::size_t own_ = 0;
};

}  // namespace

Connection::Connection(tcp::socket socket, ServerShared& shared, bool spare)
    : socket_(std::move(socket)),
      transport_(socket_, shared.tls),
      shared_(shared),
      timer_(shared.io),
      spare_(spare) {
  shared_.connections.insert(this);
  shared_.service.http_metrics().connections = shared_.connections.size();
}

Connection::~Connection() {
  if (exchange_) exchange_->detach();
  leave();
  if (shared_.connections.empty() && shared_.on_empty) shared_.on_empty();
}

// Room for another, at once.
void Connection::leave() {
  idle_.leave();
  shared_.connections.erase(this);
  shared_.service.http_metrics().connections = shared_.connections.size();
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
  transport_.end_writing();
  boost::system::error_code ec;
  socket_.close(ec);
  leave();
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
  const auto admitted = admit(head);
  account_ = head.request.account;
  known_ = known_ || account_;
  if (account_) idle_.leave();
  if (account_) record_.key = account_->name;
  const bool has_body = head.chunked || head.content_length > 0;
  if (const auto* response = std::get_if<HttpResponse>(&admitted)) {
    if (has_body) co_return co_await refuse(*response);
    const bool keep = may_keep(head);
    const ResponseFraming framing{.http11 = head.http11, .keep_alive = keep};
    const bool written = co_await write_whole(*response, framing, head.request.method != "HEAD");
    co_return written&& keep;
  }
  const Route& route = *std::get<const Route*>(admitted);
  record_.route = route.pattern;
  if (spare_ && route.scope != Scope::kPublic) {
    const ApiError crowded{.status = 503,
                           .message = "too many connections are open: try again later",
                           .code = "overloaded"};
    co_return co_await refuse(crowded);
  }
  if (has_body) {
    const bool have_body = co_await read_body(parser, head);
    if (!have_body) co_return false;
  }
  co_return co_await answer(route, head);
}

asio::awaitable<bool> Connection::read_head(HttpParser& parser, RequestHead& head) {
  record_ = {.method = "-", .path = "-"};
  record_.id = record_.request_id = random_id();
  outcome_.reset();
  account_ = nullptr;
  common_headers_ = {{"x-request-id", record_.request_id}};
  begun_ = Clock::now();
  std::string bytes;
  const bool arrived = co_await wait_for_head(bytes);
  if (!arrived) co_return false;
  const Refusal refusal = parse_head(parser, bytes, head);
  if (refusal) co_return co_await refuse(*refusal);
  served_any_ = true;
  head.request.id = record_.id;
  outcome_ = head.request.outcome = std::make_shared<AnswerOutcome>();
  head.request.told_id = shared_.service.told_id(head.request);
  record_.method = shared_.service.without_keys(head.request.method);
  record_.path = shared_.service.without_keys(head.request.path);
  record_.request_id = head.request.told_id;
  if (const auto trace = trace_context(head.request)) {
    record_.trace_id = trace->trace_id;
    record_.span_id = span_id(record_.id);
  }
  co_return true;
}

asio::awaitable<bool> Connection::wait_for_head(std::string& bytes) {
  const ServerConfig& config = shared_.config;
  bool begun = !inbox_.empty();
  wait_for_client();
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
    if (peer_closed_ && !inbox_.empty() && socket_.is_open()) {
      const ApiError cut = cut_error("head");
      co_return co_await refuse(cut);
    }
    if (peer_closed_) co_return false;
    // A server that stops still answers what is on its way: a client cannot know that it stops.
    if (shared_.service.stopping() && inbox_.empty())
      deadline = std::min(deadline, shared_.quiet_after);
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
      wait_for_client();
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
  ArrivingBytes arriving(shared_.service.http_metrics().body_bytes);
  while (true) {
    std::size_t used = 0;
    const Refusal refusal = take_body(parser, limit, used);
    if (refusal) co_return co_await refuse(*refusal);
    inbox_.erase(0, used);
    if (!arriving.add(used, shared_.config.max_arriving_bytes)) {
      const ApiError crowded{.status = 503,
                             .message = "too many request bodies arrive at once: try again later",
                             .code = "overloaded"};
      arriving.drop();
      parser = HttpParser();
      co_return co_await refuse(crowded);
    }
    if (parser.done()) break;
    if (peer_closed_ && !socket_.is_open()) co_return false;
    if (peer_closed_) {
      const ApiError cut = cut_error("body");
      co_return co_await refuse(cut);
    }
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
  idle_.leave();
  const auto exchange = std::make_shared<ServerExchange>(
      shared_.io, shared_.workers, head.request.tenant, shared_.config.max_unsent_bytes,
      [this] { signal(); }, record_.id);
  exchange_ = exchange;
  exchange->contain([&] { shared_.service.run(route, std::move(head.request), exchange); });
  bool kept = co_await wait_for_answer(*exchange);
  if (kept) {
    const ResponseFraming framing{
        .http11 = head.http11,
        .keep_alive = may_keep(head) && (head.http11 || !exchange->is_stream())};
    if (exchange->is_stream()) {
      kept = co_await write_stream(*exchange, framing);
    } else {
      kept = co_await write_whole(exchange->response(), framing, with_body);
    }
    kept = kept && framing.keep_alive;
  } else {
    log(exchange->failed() ? 500 : 499);
    co_await tell_closed();
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

asio::awaitable<void> Connection::tell_closed() {
  const HttpResponse response = error_response(
      {.status = 400,
       .type = "invalid_request_error",
       .message = "the connection's sending side was closed before the answer was there, which "
                  "ends the request: keep it open until the answer has come",
       .code = "client_closed_request"});
  const ResponseFraming framing{.keep_alive = false, .length = body_view(response.body).size()};
  std::string out = response_head(response, common_headers_, framing);
  out += body_view(response.body);
  wait_for_client();
  co_await write_all(out);
}

asio::awaitable<bool> Connection::write_whole(const HttpResponse& response, ResponseFraming framing,
                                              bool with_body) {
  const std::string_view body = body_view(response.body);
  framing.length = body.size();
  if (!account_) wait_for_client();
  append_limit_headers(account_.get(), common_headers_);
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
  append_limit_headers(account_.get(), common_headers_);
  std::string out = response_head(exchange.response(), common_headers_, framing);
  while (true) {
    if (peer_closed_) exchange.abandon(AbandonReason::kClientGone);
    const bool last = exchange.ended();
    if (last && !account_) wait_for_client();
    const std::string events = exchange.take_unsent();
    if (!events.empty() && framing.http11) out += fmt::format("{:x}\r\n", events.size());
    out += events;
    if (!events.empty() && framing.http11) out += "\r\n";
    if (last && framing.http11) out += "0\r\n\r\n";
    const bool complete = last && !exchange.overflown() && !peer_closed_;
    const bool written = co_await write_all(out);
    if (last || !written) {
      log(complete && written ? exchange.response().status : exchange.failed() ? 500 : 499);
      co_return complete&& written;
    }
    out.clear();
    arm_read();
    const bool news = co_await wait(Clock::now() + heartbeat);
    if (!news) out = framing.http11 ? "e\r\n: keep-alive\n\n\r\n" : ": keep-alive\n\n";
  }
}

bool Connection::contain(const std::function<void()>& work) {
  try {
    const CheckScope scope(record_.id);
    work();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::variant<const Route*, HttpResponse> Connection::admit(RequestHead& head) {
  std::variant<const Route*, HttpResponse> admitted = error_response(internal_failure());
  contain([&] {
    common_headers_ = shared_.service.common_headers(head.request);
    admitted = shared_.service.admit(head.request);
  });
  return admitted;
}

Refusal Connection::parse_head(HttpParser& parser, const std::string& bytes, RequestHead& head) {
  Refusal refusal = internal_failure();
  contain([&] {
    RawHead raw;
    refusal = parser.read_head(bytes, raw);
    if (!refusal) refusal = check_head(std::move(raw), head);
  });
  return refusal;
}

Refusal Connection::take_body(HttpParser& parser, std::uint64_t limit, std::size_t& used) {
  Refusal refusal = internal_failure();
  contain([&] { refusal = parser.read_body(inbox_, limit, used); });
  return refusal;
}

asio::awaitable<bool> Connection::refuse(const ApiError& error) {
  record_.outcome.error = error.code;
  if (outcome_) outcome_->error = error.code;
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
  transport_.end_writing();
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
    const Transport::Moved moved = transport_.write(bytes);
    if (moved.outcome == Transport::Outcome::kClosed) co_return false;
    if (moved.outcome == Transport::Outcome::kDone) {
      bytes.remove_prefix(moved.bytes);
      deadline = Clock::now() + shared_.config.write_timeout;
      continue;
    }
    if (Clock::now() >= deadline) co_return false;
    if (moved.outcome == Transport::Outcome::kWantRead) {
      arm_read();
    } else {
      arm_write();
    }
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
  if (transport_.has_pending()) {
    asio::post(shared_.io, [self = shared_from_this()] {
      self->reading_ = false;
      self->on_readable();
    });
    return;
  }
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
  if (peer_closed_) return;
  const Transport::Moved moved = transport_.read(shared_.scratch);
  if (moved.outcome == Transport::Outcome::kWantRead) return arm_read();
  if (moved.outcome == Transport::Outcome::kWantWrite) {  // of a handshake
    reading_ = true;
    socket_.async_wait(tcp::socket::wait_write,
                       [self = shared_from_this()](const boost::system::error_code& ec) {
                         self->reading_ = false;
                         if (!ec) self->on_readable();
                       });
    return;
  }
  inbox_.append(shared_.scratch.data(), moved.bytes);
  if (moved.outcome == Transport::Outcome::kClosed) {
    peer_closed_ = true;
    if (exchange_) exchange_->abandon(AbandonReason::kClientGone);
  }
  signal();
}

void Connection::log(int status) {
  record_.status = status;
  if (outcome_) record_.outcome = *outcome_;
  record_.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - begun_).count();
  shared_.service.http_metrics().observe(record_.route, record_.method, status,
                                         record_.milliseconds / 1000);
  if (shared_.config.on_request) shared_.config.on_request(record_);
}

}  // namespace aquilon::api
