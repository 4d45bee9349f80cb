// What the commands of `aquilon bench` share: how a result is shown, and lists of numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/report.h"

namespace aquilon::apps {

struct BenchOutput {
  bool json = false;
  std::string html;

  template <class V>
  void visit(V& v) {
    v.section("Output");
    v(json, {.flag = "json", .help = "print the result as JSON"});
    v(html, {.flag = "html", .help = "write a page with tables and charts", .unit = "FILE"});
  }
};

// Whether results can be written: asked before they are measured.
Status check(const BenchOutput& output);
// Prints the report as `output` says. Errors: those of writing the page.
Status show(const bench::Report& report, const BenchOutput& output);
// Writes the page if one is wanted and, with `text`, prints the report as text; not as JSON.
Status show_report(const bench::Report& report, const BenchOutput& output, bool text);

// "128,512" as numbers from 1 (or `min`) to `max`; none for an empty text.
// Errors: kInvalidArgument that names the flag.
Result<std::vector<std::size_t>> parse_counts(std::string_view text, std::string_view flag,
                                              std::size_t min, std::size_t max);

// Adds median, min and max, each times `scale`, as three cells.
void add_summary(std::vector<bench::Cell>& row, const bench::Summary& summary, double scale);

}  // namespace aquilon::apps
