#include "apps/log_line.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <ctime>

#include "api/json_text.h"
#include "apps/printable.h"

namespace aquilon::apps {
namespace {

constexpr std::size_t kMaxText = 1024;  // bytes of one value that comes from outside

// Cut between characters.
std::string_view shortened(std::string_view text) {
  if (text.size() <= kMaxText) return text;
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

class JsonLine {
 public:
  JsonLine(std::string_view level, std::string_view event) {
    line_ = fmt::format("{{\"ts\":\"{}\",\"level\":\"{}\",\"event\":\"{}\"", utc_timestamp(), level,
                        event);
  }
  // Left out when empty.
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    line_ += fmt::format(",\"{}\":", name);
    api::append_json_string(line_, shortened(value));
  }
  void number(std::string_view name, int value) { line_ += fmt::format(",\"{}\":{}", name, value); }
  void milliseconds(std::string_view name, double value) {
    line_ += fmt::format(",\"{}\":{:.1f}", name, value);
  }
  std::string take() { return escaped(line_) + '}'; }

 private:
  std::string line_;
};

std::string_view level_name(LogLevel level) {
  constexpr std::array<std::string_view, 3> kNames = {"info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

}  // namespace

std::string utc_timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), ms);
}

std::string text_line(const api::AccessRecord& record) {
  std::string line =
      fmt::format("{} {} {} {:.1f} ms {}", shortened(record.method), shortened(record.path),
                  record.status, record.milliseconds, record.request_id);
  if (!record.key.empty()) line += fmt::format(" key {}", shortened(record.key));
  return escaped(line);
}

std::string json_line(const api::AccessRecord& record) {
  JsonLine line(record.status >= 500 ? "error" : "info", "request");
  line.text("request_id", record.request_id);
  if (record.id != record.request_id) line.text("id", record.id);
  line.text("trace_id", record.trace_id);
  line.text("span_id", record.span_id);
  line.text("key", record.key);
  line.text("method", record.method);
  line.text("route", record.route);
  line.text("path", record.path);
  line.number("status", record.status);
  line.milliseconds("total_ms", record.milliseconds);
  const api::AnswerOutcome& outcome = record.outcome;
  line.text("err_code", outcome.error);
  if (outcome.model.empty()) return line.take();
  line.text("model", outcome.model);
  line.number("prompt_tokens", outcome.prompt_tokens);
  line.number("cached_tokens", outcome.cached_tokens);
  line.number("completion_tokens", outcome.completion_tokens);
  if (outcome.first_token_seconds > 0)
    line.milliseconds("ttft_ms", outcome.first_token_seconds * 1000);
  line.text("finish_reason", outcome.finish);
  return line.take();
}

std::string json_line(std::string_view message, LogLevel level) {
  JsonLine line(level_name(level), "message");
  line.text("message", message);
  return line.take();
}

std::string text_line(std::string_view message, LogLevel level) {
  if (level == LogLevel::kInfo) return escaped(message);
  return escaped(fmt::format("{}: {}", level_name(level), message));
}

}  // namespace aquilon::apps
