#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/report.h"

namespace aquilon::bench {
namespace {

// Colours by variables, so that one page does for light and dark.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ink:#1c2024;--soft:#667;--line:#d8dce2;--page:#fff;--s0:#2563b8;--s1:#c2521a;
--s2:#1c8a5a;--s3:#8d3fb0;--s4:#b0891a;--s5:#0f8a9d;--s6:#b02a55;--s7:#5d6b1f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#99a;--line:#343a42;--page:#14171a;--s0:#6aa6f0;
--s1:#f0905a;--s2:#5ccf9b;--s3:#c78be6;--s4:#e0bd55;--s5:#58c9da;--s6:#ee7a9c;--s7:#b3c463}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;margin:2rem auto;
padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.5rem}.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.25rem .8rem;text-align:left;
border-bottom:1px solid var(--line);white-space:nowrap}th{color:var(--soft);font-weight:600}.n{text-align:right}
svg{width:100%;height:auto;margin:1rem 0}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line)}
)css";

constexpr double kWidth = 800;  // of a chart, in its own units
constexpr std::size_t kHues = 8;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string cell_text(const Cell& cell, const Column& column) {
  return cell.number ? fmt::format("{:.{}f}", *cell.number, column.digits) : cell.text;
}

std::string table_html(const Table& table) {
  std::string out = "<div class=\"wide\"><table>\n<tr>";
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const bool number = !table.rows.empty() && table.rows[0][c].number;
    out += fmt::format("<th{}>{}</th>", number ? " class=\"n\"" : "",
                       escaped(table.columns[c].heading));
  }
  out += "</tr>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < table.columns.size(); ++c)
      out += fmt::format("<td{}>{}</td>", row[c].number ? " class=\"n\"" : "",
                         escaped(cell_text(row[c], table.columns[c])));
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

double largest(const Table& table) {
  double most = 0;
  for (const auto& row : table.rows)
    most = std::max(most, row[table.chart.value].number.value_or(0));
  return most > 0 ? most : 1;
}

std::string bar_name(const Table& table, const std::vector<Cell>& row) {
  const Chart& chart = table.chart;
  std::string name = cell_text(row[chart.label], table.columns[chart.label]);
  if (chart.series == chart.label) return name;
  const Column& series = table.columns[chart.series];
  return fmt::format("{}, {} {}", name, cell_text(row[chart.series], series), series.heading);
}

std::string bars_svg(const Table& table) {
  constexpr double kRow = 26, kLeft = 220, kRight = 90;
  const double height = kRow * static_cast<double>(table.rows.size()) + 8;
  const double scale = (kWidth - kLeft - kRight) / largest(table);
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
                                kWidth, height, escaped(table.title));
  double y = 4;
  for (const auto& row : table.rows) {
    const double value = row[table.chart.value].number.value_or(0);
    const double bar = std::max(1.0, value * scale);
    out += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>"
        "<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"16\" rx=\"2\" style=\"fill:var(--s0)\"/>"
        "<text class=\"soft\" x=\"{:.1f}\" y=\"{}\">{}</text>\n",
        kLeft - 8, y + 14, escaped(bar_name(table, row)), kLeft, y + 2, bar, kLeft + bar + 6,
        y + 14, cell_text(row[table.chart.value], table.columns[table.chart.value]));
    y += kRow;
  }
  return out + "</svg>\n";
}

// The distinct texts of a column, in order of appearance.
std::vector<std::string> distinct(const Table& table, std::size_t column) {
  std::vector<std::string> texts;
  for (const auto& row : table.rows) {
    std::string text = cell_text(row[column], table.columns[column]);
    if (std::find(texts.begin(), texts.end(), text) == texts.end())
      texts.push_back(std::move(text));
  }
  return texts;
}

struct Frame {
  double left = 60, right = 130, top = 12, bottom = 34, height = 320;
  double most = 1;
  std::size_t steps = 1;  // of the axis

  double x(std::size_t i) const {
    return left + (kWidth - left - right) * static_cast<double>(i) /
                      static_cast<double>(std::max<std::size_t>(1, steps - 1));
  }
  double y(double value) const { return height - bottom - (height - top - bottom) * value / most; }
};

std::string axes_svg(const Frame& frame, const std::vector<std::string>& labels) {
  std::string out;
  for (int i = 0; i <= 4; ++i) {
    const double value = frame.most * i / 4;
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"soft\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.4g}</text>\n",
        frame.left, kWidth - frame.right, frame.y(value), frame.left - 6, frame.y(value) + 4,
        value);
  }
  for (std::size_t i = 0; i < labels.size(); ++i)
    out +=
        fmt::format("<text class=\"soft\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                    frame.x(i), frame.height - 12, escaped(labels[i]));
  return out;
}

std::string lines_svg(const Table& table) {
  const Chart& chart = table.chart;
  const std::vector<std::string> labels = distinct(table, chart.label);
  const std::vector<std::string> series = distinct(table, chart.series);
  Frame frame;
  frame.most = largest(table) * 1.05;
  frame.steps = labels.size();
  std::string out = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
                                kWidth, frame.height, escaped(table.title));
  out += axes_svg(frame, labels);
  for (std::size_t s = 0; s < series.size(); ++s) {
    std::string points;
    for (const auto& row : table.rows) {
      if (cell_text(row[chart.series], table.columns[chart.series]) != series[s]) continue;
      const std::string label = cell_text(row[chart.label], table.columns[chart.label]);
      const auto at = std::find(labels.begin(), labels.end(), label) - labels.begin();
      points += fmt::format("{:.1f},{:.1f} ", frame.x(static_cast<std::size_t>(at)),
                            frame.y(row[chart.value].number.value_or(0)));
    }
    const double y = 20 + 18 * static_cast<double>(s);
    out += fmt::format(
        "<polyline points=\"{0}\" style=\"fill:none;stroke-width:2;stroke:var(--s{1})\"{5}/>"
        "<rect x=\"{2}\" y=\"{3}\" width=\"12\" height=\"4\" style=\"fill:var(--s{1})\"/>"
        "<text x=\"{4}\" y=\"{6}\">{7}</text>\n",
        points, s % kHues, kWidth - 120, y - 6, kWidth - 102,
        s >= kHues ? " stroke-dasharray=\"5 3\"" : "", y, escaped(series[s]));
  }
  return out + "</svg>\n";
}

std::string chart_svg(const Table& table) {
  if (table.rows.empty() || table.chart.kind == Chart::Kind::kNone) return {};
  return table.chart.kind == Chart::Kind::kBars ? bars_svg(table) : lines_svg(table);
}

}  // namespace

std::string report_html(const Report& report) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n<h1>{0}</h1>\n",
      escaped(report.title), kStyle);
  out += "<div class=\"wide\"><table>\n";
  for (const auto& [name, value] : report.facts)
    out += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
  out += "</table></div>\n";
  for (const Table& table : report.tables)
    out +=
        fmt::format("<h2>{}</h2>\n{}{}", escaped(table.title), chart_svg(table), table_html(table));
  return out + "</html>\n";
}

}  // namespace aquilon::bench
