#include "apps/time_text.h"

#include <fmt/chrono.h>

#include <charconv>
#include <chrono>
#include <optional>

namespace aquilon::apps {
namespace {

constexpr std::int64_t kSecondMs = 1000;
constexpr std::int64_t kMinuteMs = 60 * kSecondMs;
constexpr std::int64_t kHourMs = 60 * kMinuteMs;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::int64_t kMostUnits = 1'000'000;

// Takes what is read off the front of a text.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // A number of so many digits, within its range.
  std::optional<int> number(std::size_t digits, int least, int most) {
    int value = 0;
    if (rest_.size() < digits) return {};
    const auto [end, ec] = std::from_chars(rest_.data(), rest_.data() + digits, value);
    if (ec != std::errc() || end != rest_.data() + digits || rest_[0] == '-') return {};
    rest_.remove_prefix(digits);
    return value >= least && value <= most ? std::optional(value) : std::nullopt;
  }
  bool one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_[0]) == characters.npos) return false;
    last_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  char last() const { return last_; }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  char last_ = 0;
};

std::optional<std::int64_t> read_date(Reader& reader) {
  const auto year = reader.number(4, 1970, 9999);
  if (!year || !reader.one_of("-")) return {};
  const auto month = reader.number(2, 1, 12);
  if (!month || !reader.one_of("-")) return {};
  const auto day = reader.number(2, 1, 31);
  if (!day) return {};
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date).time_since_epoch().count() * kDayMs;
}

// "12:00", "12:00:30", "12:00:30.5".
std::optional<std::int64_t> read_time(Reader& reader) {
  const auto hour = reader.number(2, 0, 23);
  if (!hour || !reader.one_of(":")) return {};
  const auto minute = reader.number(2, 0, 59);
  if (!minute) return {};
  std::int64_t ms = *hour * kHourMs + *minute * kMinuteMs;
  if (!reader.one_of(":")) return ms;
  const auto second = reader.number(2, 0, 60);
  if (!second) return {};
  ms += *second * kSecondMs;
  if (!reader.one_of(".")) return ms;
  std::int64_t unit = kSecondMs;
  const std::int64_t before = unit;
  while (reader.one_of("0123456789")) ms += (reader.last() - '0') * (unit /= 10);
  return unit < before ? std::optional(ms) : std::nullopt;
}

// "Z", "+02:00", nothing; in milliseconds to take off.
std::optional<std::int64_t> read_zone(Reader& reader) {
  if (reader.done() || reader.one_of("Zz")) return 0;
  if (!reader.one_of("+-")) return {};
  const std::int64_t sign = reader.last() == '+' ? 1 : -1;
  const auto hour = reader.number(2, 0, 14);
  if (!hour) return {};
  reader.one_of(":");
  const auto minute = reader.number(2, 0, 59);
  if (!minute) return {};
  return sign * (*hour * kHourMs + *minute * kMinuteMs);
}

std::optional<std::int64_t> read_calendar(std::string_view text) {
  Reader reader(text);
  const auto date = read_date(reader);
  if (!date || reader.done()) return date;
  if (!reader.one_of("Tt ")) return {};
  const auto time = read_time(reader);
  if (!time) return {};
  const auto zone = read_zone(reader);
  if (!zone || !reader.done()) return {};
  return *date + *time - *zone;
}

// "30d", in milliseconds.
std::optional<std::int64_t> read_span(std::string_view text) {
  if (text.size() < 2) return {};
  std::int64_t count = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [read, ec] = std::from_chars(text.data(), end, count);
  if (ec != std::errc() || read != end || count < 0 || count > kMostUnits) return {};
  switch (text.back()) {
    case 's':
      return count * kSecondMs;
    case 'm':
      return count * kMinuteMs;
    case 'h':
      return count * kHourMs;
    case 'd':
      return count * kDayMs;
    case 'w':
      return count * 7 * kDayMs;
    default:
      return {};
  }
}

}  // namespace

std::int64_t unix_ms_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Result<std::int64_t> parse_moment(std::string_view text, std::string_view flag, int direction,
                                  std::int64_t now_ms) {
  if (const auto span = read_span(text)) return now_ms + direction * *span;
  if (const auto moment = read_calendar(text)) return *moment;
  return make_error(Code::kInvalidArgument,
                    "{} '{}' is no time: write it like 2027-01-31, 2027-01-31T12:00:00Z or 30d "
                    "(s, m, h, d, w)",
                    flag, text);
}

std::string moment_text(std::int64_t unix_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(unix_ms / 1000)), unix_ms % 1000);
}

}  // namespace aquilon::apps
