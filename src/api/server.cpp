#include "api/server.h"

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "api/connection_internal.h"

namespace aquilon::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// Connections beyond the limit, for requests that need no key: probes of a server that is full.
constexpr std::size_t kSpareConnections = 16;
// Descriptors kept for files, the model, standard streams, spare connections.
constexpr std::size_t kSpareDescriptors = 64 + kSpareConnections;
// After the grace time: for the last error events to go out.
constexpr std::chrono::seconds kFarewellTime{2};

std::size_t connection_limit(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const std::size_t open = limit.rlim_cur;
  return std::clamp<std::size_t>(open > kSpareDescriptors ? open - kSpareDescriptors : 0, 1,
                                 wanted);
}

Result<asio::ip::address> resolve(const std::string& host) {
  boost::system::error_code ec;
  if (host == "localhost") return asio::ip::address(asio::ip::address_v4::loopback());
  const asio::ip::address address = asio::ip::make_address(host, ec);
  if (!ec) return address;
  asio::io_context io;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, "", ec);
  if (!ec && !found.empty()) return found.begin()->endpoint().address();
  Error error = make_error(Code::kInvalidArgument,
                           "'{}' is neither an address nor the name of this machine", host);
  error.param = "host";
  return error;
}

// A socket that somebody else has opened: what it listens on. Errors: kInvalidArgument.
Result<tcp::endpoint> listening_endpoint(int descriptor) {
  int listens = 0;
  socklen_t size = sizeof listens;
  const int got = ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  tcp::endpoint endpoint;
  socklen_t length = static_cast<socklen_t>(endpoint.capacity());
  const bool named = got == 0 && ::getsockname(descriptor, endpoint.data(), &length) == 0;
  const int family = named ? endpoint.data()->sa_family : AF_UNSPEC;
  if (listens == 0 || (family != AF_INET && family != AF_INET6))
    return make_error(Code::kInvalidArgument,
                      "the socket that was handed over (LISTEN_FDS) is no TCP socket that listens");
  endpoint.resize(length);
  return endpoint;
}

Error listen_error(const boost::system::error_code& ec, const std::string& host, int port) {
  Error error =
      make_error(Code::kUnavailable, "cannot listen on {} port {}: {}", host, port, ec.message());
  if (ec == asio::error::address_in_use)
    error.message = fmt::format(
        "port {} on {} is in use by another program: stop it or choose another with --port", port,
        host);
  error.param = "port";
  return error;
}

}  // namespace

struct Server::State {
  ServerConfig config;
  ServerShared shared;  // outlives the io_context, whose handlers hold connections
  asio::io_context io{1};
  Service service;
  WorkerPools workers;
  tcp::acceptor acceptor;
  asio::signal_set signals;
  asio::steady_timer pause;  // after the descriptors ran out
  asio::steady_timer grace;
  std::size_t max_connections;
  std::atomic<std::uint64_t> heartbeats{0};

  explicit State(ServerConfig c)
      : config(std::move(c)),
        shared{io, workers, config, service, {}, {}, [this] { finish_when_empty(); }, {}, {}, {}},
        service(config.access, config.strict, config.max_seconds),
        workers(config.workers),
        acceptor(io),
        signals(io),
        pause(io),
        grace(io),
        max_connections(connection_limit(config.max_connections)) {
    service.set_longest_step(config.longest_step);
    service.set_stream_limits({.max_bytes = config.max_unsent_bytes, .wait = config.resume_time});
  }

  ~State() { shared.on_empty = nullptr; }

  Status open();
  Status bind(const asio::ip::address& address);
  Status take_over(int descriptor);
  Status check_exposure(const asio::ip::address& address) const;
  Status load_certificate(const TlsFiles& files);
  void accept_waiting();
  asio::awaitable<void> accept_all();
  void adopt(tcp::socket socket);
  void watch_signals();
  void begin_stop();
  void end_grace();
  bool is_done() const { return service.stopping() && shared.connections.empty(); }
  void finish_when_empty();
};

Status Server::State::load_certificate(const TlsFiles& files) {
  if (files.certificate.empty()) {
    shared.tls.reset();
    return {};
  }
  shared.tls = AQ_TRY(TlsContext::load(files));
  service.http_metrics().certificate_expires = shared.tls->expires();
  return {};
}

Status Server::State::open() {
  AQ_RETURN_IF_ERROR(load_certificate(config.tls));
  if (config.listen_descriptor >= 0) return take_over(config.listen_descriptor);
  return bind(AQ_TRY(resolve(config.access.bind_host)));
}

// The name that requests go to is then that of the socket.
Status Server::State::take_over(int descriptor) {
  const tcp::endpoint endpoint = AQ_TRY(listening_endpoint(descriptor));
  config.access.bind_host = endpoint.address().to_string();
  AQ_RETURN_IF_ERROR(check_exposure(endpoint.address()));
  service.set_access(config.access);
  boost::system::error_code ec;
  acceptor.assign(endpoint.protocol(), descriptor, ec);
  if (!ec) return {};
  return make_error(Code::kUnavailable, "the socket that was handed over cannot be used: {}",
                    ec.message());
}

Status Server::State::check_exposure(const asio::ip::address& address) const {
  if (!address.is_loopback() && !service.needs_key()) {
    Error error = make_error(Code::kInvalidArgument,
                             "{} can be reached from other machines: set --api-key (or "
                             "AQUILON_API_KEY), or make a key with `aquilon keys create` and give "
                             "its folder as --data, to listen there",
                             config.access.bind_host);
    error.param = "host";
    return error;
  }
  return check_access(config.access, !address.is_loopback());
}

Status Server::State::bind(const asio::ip::address& address) {
  AQ_RETURN_IF_ERROR(check_exposure(address));
  const tcp::endpoint endpoint(address, static_cast<std::uint16_t>(config.port));
  boost::system::error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(1024, ec);
  if (ec) return listen_error(ec, config.access.bind_host, config.port);
  return {};
}

asio::awaitable<void> Server::State::accept_all() {
  while (acceptor.is_open()) {
    boost::system::error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    tcp::socket socket = co_await acceptor.async_accept(token);
    if (!ec) {
      adopt(std::move(socket));
    } else if (acceptor.is_open()) {  // no descriptors left: give some time to close others
      ++service.http_metrics().failed_accepts;
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(token);
    }
  }
}

void Server::State::adopt(tcp::socket socket) {
  bool full = shared.connections.size() >= max_connections;
  Connection* idle = full ? shared.idle.longest() : nullptr;
  if (idle) {
    ++service.http_metrics().displaced_connections;
    idle->close();
    full = shared.connections.size() >= max_connections;
  }
  if (shared.connections.size() >= max_connections + kSpareConnections) {  // closes it
    ++service.http_metrics().refused_connections;
    return;
  }
  std::make_shared<Connection>(std::move(socket), shared, full)->start();
}

void Server::State::watch_signals() {
  signals.async_wait([this](const boost::system::error_code& ec, int number) {
    if (ec || is_done()) return;  // done: it came together with the one that stopped an idle server
    watch_signals();              // first: stopping an idle server cancels it again
    if (number == SIGHUP) {
      if (config.on_hangup && !service.stopping()) config.on_hangup();
    } else if (service.stopping()) {
      end_grace();
    } else {
      begin_stop();
    }
  });
}

void Server::State::begin_stop() {
  if (service.stopping()) return;
  service.set_stopping();
  if (config.on_stop) config.on_stop();
  // Of a socket that others share, what waits is theirs; else nobody would answer it.
  if (config.listen_descriptor < 0) accept_waiting();
  boost::system::error_code ec;
  acceptor.close(ec);
  shared.quiet_after =
      std::chrono::steady_clock::now() + std::min(config.quiet_time, config.shutdown_grace);
  pause.cancel();
  for (Connection* connection : shared.connections) connection->wake_to_stop();
  grace.expires_after(config.shutdown_grace);
  grace.async_wait([this](const boost::system::error_code& e) {
    if (!e) end_grace();
  });
  finish_when_empty();
}

// Those that have connected are taken; from here on nobody else connects, so that none is between
// the last that is taken and the closing of the port.
void Server::State::accept_waiting() {
  sock_filter drop_all{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
  const sock_fprog program{.len = 1, .filter = &drop_all};
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  boost::system::error_code ec;
  acceptor.non_blocking(true, ec);
  while (!ec) {
    tcp::socket socket = acceptor.accept(ec);
    if (!ec) adopt(std::move(socket));
  }
}

void Server::State::end_grace() {
  const std::vector<Connection*> open(shared.connections.begin(), shared.connections.end());
  for (Connection* connection : open) connection->end_answer();
  grace.expires_after(kFarewellTime);
  grace.async_wait([this](const boost::system::error_code& e) {
    if (e) return;
    const std::vector<Connection*> left(shared.connections.begin(), shared.connections.end());
    for (Connection* connection : left) connection->close();
  });
}

// Lets run() return: nothing is left to wait for.
void Server::State::finish_when_empty() {
  if (!is_done()) return;
  boost::system::error_code ec;
  signals.cancel(ec);
  grace.cancel();
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(ServerConfig config) {
  auto state = std::make_unique<State>(std::move(config));
  AQ_RETURN_IF_ERROR(state->open());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

int Server::port() const {
  boost::system::error_code ec;
  return state_->acceptor.local_endpoint(ec).port();
}

std::string Server::url() const {
  boost::system::error_code ec;
  const auto address = state_->acceptor.local_endpoint(ec).address();
  const std::string host =
      address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
  return fmt::format("{}://{}:{}", state_->shared.tls ? "https" : "http", host, port());
}

void Server::run(chat::ModelPool& models) {
  State& s = *state_;
  s.service.set_models(models);
  asio::co_spawn(s.io, s.accept_all(), asio::detached);
  if (s.config.handle_signals) {
    s.signals.add(SIGINT);
    s.signals.add(SIGTERM);
    if (s.config.on_hangup) s.signals.add(SIGHUP);
    s.watch_signals();
  }
  if (s.config.on_start) s.config.on_start();
  s.io.run();
  s.workers.join();
}

Status Server::apply(const ServerConfig& config) {
  State& s = *state_;
  boost::system::error_code ec;
  const bool is_public = !s.acceptor.local_endpoint(ec).address().is_loopback();
  AQ_RETURN_IF_ERROR(check_access(config.access, is_public));
  AQ_RETURN_IF_ERROR(s.load_certificate(config.tls));
  const std::string bind_host = s.config.access.bind_host;
  s.config.access = config.access;
  s.config.access.bind_host = bind_host;
  s.config.tls = config.tls;
  s.config.strict = config.strict;
  s.config.max_body_bytes = config.max_body_bytes;
  s.config.shutdown_grace = config.shutdown_grace;
  s.service.set_access(s.config.access);
  s.service.set_strict(config.strict);
  s.max_connections = connection_limit(config.max_connections);
  return {};
}

std::uint64_t Server::heartbeat() {
  asio::post(state_->io, [state = state_.get()] { ++state->heartbeats; });
  return state_->heartbeats;
}

void Server::stop() {
  asio::post(state_->io, [state = state_.get()] { state->begin_stop(); });
}

}  // namespace aquilon::api
