#include "api/metrics_text.h"

#include <fmt/format.h>

namespace aquilon::api {
namespace {

// "1.0": how queries name a bound.
std::string bound_text(double bound) {
  std::string text = fmt::format("{}", bound);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void MetricsText::sample(std::string_view labels, double value) {
  line("", labels, value);
}

void MetricsText::histogram(std::string_view labels, const Histogram& histogram) {
  const std::vector<std::uint64_t> counts = histogram.cumulative();
  const std::string first = labels.empty() ? "" : fmt::format("{},", labels);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::string bound =
        i < histogram.bounds().size() ? bound_text(histogram.bounds()[i]) : "+Inf";
    line("_bucket", first + label("le", bound), static_cast<double>(counts[i]));
  }
  line("_sum", labels, histogram.sum());
  line("_count", labels, static_cast<double>(counts.back()));
}

std::string MetricsText::label(std::string_view name, std::string_view value) {
  std::string out = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void MetricsText::line(std::string_view suffix, std::string_view labels, double value) {
  text_ += name_;
  text_ += suffix;
  if (!labels.empty()) text_ += fmt::format("{{{}}}", labels);
  text_ += fmt::format(" {}\n", value);
}

}  // namespace aquilon::api
