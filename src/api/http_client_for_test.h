// A blocking HTTP client over a plain socket, that sends any bytes and reads answers.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace aquilon::api {

struct ClientAnswer {
  int status = 0;                              // 0: the connection ended without an answer
  std::map<std::string, std::string> headers;  // names lower case
  std::string body;                            // chunks joined

  // The payloads of "data: " lines.
  std::vector<std::string> events() const;
  // The same with the "event: " line before each; without one the name is empty.
  std::vector<std::pair<std::string, std::string>> named_events() const;
};

class ClientForTest {
 public:
  // Connects to 127.0.0.1.
  explicit ClientForTest(int port);
  ~ClientForTest();
  ClientForTest(const ClientForTest&) = delete;
  ClientForTest& operator=(const ClientForTest&) = delete;

  bool send(std::string_view bytes);
  // One complete answer; waits at most `timeout`. Interim 100 answers are counted and skipped.
  ClientAnswer receive(std::chrono::milliseconds timeout = std::chrono::seconds(10),
                       bool head_request = false);
  // Waits until the bytes received so far contain `text`.
  bool wait_for(std::string_view text,
                std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // The server has closed the connection (waits at most `timeout`).
  bool closed(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // What has arrived and was not taken by receive().
  const std::string& seen() const { return received_; }
  void close();
  void half_close();
  int interim_answers() const { return interim_; }
  int fd() const { return fd_; }

  ClientAnswer post(std::string_view path, std::string_view body,
                    std::string_view more_fields = "");
  ClientAnswer get(std::string_view path, std::string_view more_fields = "");

 private:
  bool fill(std::chrono::steady_clock::time_point deadline);

  int fd_ = -1;
  std::string received_;
  int interim_ = 0;
  bool ended_ = false;
};

std::string post_request(std::string_view path, std::string_view body,
                         std::string_view more_fields = "");

}  // namespace aquilon::api
