#include "api/http_client_for_test.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

namespace aquilon::api {
namespace {

using Clock = std::chrono::steady_clock;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

void parse_head(std::string_view head, ClientAnswer& out) {
  out.status = std::stoi(std::string(head.substr(9, 3)));
  std::size_t at = head.find("\r\n");
  while (at != head.npos && at + 2 < head.size()) {
    const std::size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string_view line = head.substr(at + 2, end - at - 2);
    const std::size_t colon = line.find(": ");
    if (colon != line.npos)
      out.headers[lower(std::string(line.substr(0, colon)))] = line.substr(colon + 2);
    at = end;
  }
}

// Moves complete chunks from `bytes` to `body`; true when the last one was there.
bool take_chunks(std::string& bytes, std::string& body) {
  while (true) {
    const std::size_t line = bytes.find("\r\n");
    if (line == bytes.npos) return false;
    const std::size_t size = std::stoul(bytes.substr(0, line), nullptr, 16);
    if (bytes.size() < line + 2 + size + 2) return false;
    body += bytes.substr(line + 2, size);
    bytes.erase(0, line + 2 + size + 2);
    if (size == 0) return true;
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ClientAnswer::named_events() const {
  std::vector<std::pair<std::string, std::string>> out;
  std::istringstream lines(body);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("event: ")) name = line.substr(7);
    if (line.starts_with("data: ")) out.emplace_back(std::exchange(name, {}), line.substr(6));
  }
  return out;
}

std::vector<std::string> ClientAnswer::events() const {
  std::vector<std::string> out;
  for (auto& [name, data] : named_events()) out.push_back(std::move(data));
  return out;
}

ClientForTest::ClientForTest(int port) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

ClientForTest::~ClientForTest() {
  close();
}

void ClientForTest::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void ClientForTest::half_close() {
  shutdown(fd_, SHUT_WR);
}

bool ClientForTest::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool ClientForTest::fill(Clock::time_point deadline) {
  if (ended_ || fd_ < 0) return false;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
  if (left.count() <= 0 || poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
  std::array<char, 65536> buffer;
  const ssize_t n = recv(fd_, buffer.data(), buffer.size(), 0);
  if (n > 0) received_.append(buffer.data(), static_cast<std::size_t>(n));
  ended_ = n <= 0;
  return n > 0;
}

ClientAnswer ClientForTest::receive(std::chrono::milliseconds timeout, bool head_request) {
  const auto deadline = Clock::now() + timeout;
  ClientAnswer answer;
  while (true) {
    std::size_t end;
    while ((end = received_.find("\r\n\r\n")) == received_.npos)
      if (!fill(deadline)) return {};
    answer = {};
    parse_head(received_.substr(0, end + 2), answer);
    received_.erase(0, end + 4);
    if (answer.status != 100) break;
    ++interim_;
  }
  if (head_request || answer.status == 204 || answer.status == 304) return answer;
  if (answer.headers["transfer-encoding"] == "chunked") {
    while (!take_chunks(received_, answer.body))
      if (!fill(deadline)) break;
  } else if (answer.headers.contains("content-length")) {
    const std::size_t size = std::stoul(answer.headers["content-length"]);
    while (received_.size() < size)
      if (!fill(deadline)) break;
    answer.body = received_.substr(0, size);
    received_.erase(0, size);
  } else {
    while (fill(deadline)) {
    }
    answer.body = std::exchange(received_, {});
  }
  return answer;
}

bool ClientForTest::wait_for(std::string_view text, std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (received_.find(text) == received_.npos)
    if (!fill(deadline)) return false;
  return true;
}

bool ClientForTest::closed(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!ended_ && Clock::now() < deadline) fill(deadline);
  return ended_;
}

std::string post_request(std::string_view path, std::string_view body,
                         std::string_view more_fields) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n{}\r\n{}",
      path, body.size(), more_fields, body);
}

ClientAnswer ClientForTest::post(std::string_view path, std::string_view body,
                                 std::string_view more_fields) {
  send(post_request(path, body, more_fields));
  return receive();
}

ClientAnswer ClientForTest::get(std::string_view path, std::string_view more_fields) {
  send(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more_fields));
  return receive();
}

}  // namespace aquilon::api
