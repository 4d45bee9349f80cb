#include "apps/bench_output.h"

#include <fmt/format.h>

#include <charconv>

#include "base/output_file.h"

namespace aquilon::apps {

Status check(const BenchOutput& output) {
  return output.html.empty() ? Status() : OutputFile::check(output.html);
}

Status show(const bench::Report& report, const BenchOutput& output) {
  AQ_RETURN_IF_ERROR(show_report(report, output, !output.json));
  if (output.json) fmt::print("{}\n", bench::report_json(report));
  return {};
}

Status show_report(const bench::Report& report, const BenchOutput& output, bool text) {
  if (!output.html.empty()) {
    OutputFile file = AQ_TRY(OutputFile::create(output.html));
    const std::string page = bench::report_html(report);
    AQ_RETURN_IF_ERROR(file.write(page.data(), page.size()));
    AQ_RETURN_IF_ERROR(file.finish());
  }
  if (text) fmt::print("{}", bench::report_text(report));
  return {};
}

Result<std::vector<std::size_t>> parse_counts(std::string_view text, std::string_view flag,
                                              std::size_t min, std::size_t max) {
  std::vector<std::size_t> counts;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    std::size_t value = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (code != std::errc() || end != word.data() + word.size() || value < min || value > max)
      return make_error(Code::kInvalidArgument,
                        "{} takes numbers from {} to {} with commas between, not '{}'", flag, min,
                        max, word);
    counts.push_back(value);
    text.remove_prefix(word.size());
    if (text.starts_with(',')) {
      text.remove_prefix(1);
      if (text.empty())
        return make_error(Code::kInvalidArgument, "{}: a number is missing after the comma", flag);
    }
  }
  return counts;
}

void add_summary(std::vector<bench::Cell>& row, const bench::Summary& summary, double scale) {
  for (const double value : {summary.median, summary.min, summary.max})
    row.emplace_back(value * scale);
}

}  // namespace aquilon::apps
