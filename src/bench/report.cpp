#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <fstream>

#include "base/thread_pool.h"
#include "bench/probes.h"
#include "kernels/isa.h"

namespace aquilon::bench {
namespace {

std::string cell_text(const Cell& cell, const Column& column) {
  return cell.number ? fmt::format("{:.{}f}", *cell.number, column.digits) : cell.text;
}

boost::json::value cell_json(const Cell& cell, const Column& column) {
  if (!cell.number) return boost::json::value(cell.text);
  if (column.digits > 0) return *cell.number;
  return static_cast<std::int64_t>(std::llround(*cell.number));
}

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

std::string table_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    std::size_t width = table.columns[c].heading.size();
    for (const auto& row : table.rows)
      width = std::max(width, cell_text(row[c], table.columns[c]).size());
    widths.push_back(width);
  }
  std::string out = table.title.empty() ? "" : fmt::format("\n{}\n", table.title);
  const auto line = [&](const auto& text_of, const auto& is_number) {
    std::string text;
    for (std::size_t c = 0; c < table.columns.size(); ++c)
      text += is_number(c) ? fmt::format("{:>{}}  ", text_of(c), widths[c])
                           : fmt::format("{:<{}}  ", text_of(c), widths[c]);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  const auto numeric = [&](std::size_t c) {
    return !table.rows.empty() && table.rows[0][c].number.has_value();
  };
  line([&](std::size_t c) { return table.columns[c].heading; }, numeric);
  for (const auto& row : table.rows)
    line([&](std::size_t c) { return cell_text(row[c], table.columns[c]); },
         [&](std::size_t c) { return row[c].number.has_value(); });
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> machine_facts() {
  std::string probes;
  for (const ArithmeticProbe& probe : arithmetic_probes())
    probes += (probes.empty() ? "" : ", ") + std::string(probe.name);
  return {{"processor", processor_name()},
          {"processors", std::to_string(usable_cores())},
          {"instructions", probes},
          {"kernels", std::string(kernels::isa_name(kernels::chosen_isa()))}};
}

std::string report_text(const Report& report) {
  std::string out = report.title + "\n";
  std::size_t width = 0;
  for (const auto& [name, value] : report.facts) width = std::max(width, name.size());
  for (const auto& [name, value] : report.facts)
    out += fmt::format("  {:<{}}  {}\n", name, width, value);
  for (const Table& table : report.tables) out += table_text(table);
  return out;
}

std::string report_json(const Report& report) {
  boost::json::object facts;
  for (const auto& [name, value] : report.facts) facts[name] = value;
  boost::json::object tables;
  for (const Table& table : report.tables) {
    boost::json::array rows;
    for (const auto& row : table.rows) {
      boost::json::object object;
      for (std::size_t c = 0; c < table.columns.size(); ++c)
        object[table.columns[c].key] = cell_json(row[c], table.columns[c]);
      rows.push_back(std::move(object));
    }
    tables[table.key] = std::move(rows);
  }
  return boost::json::serialize(boost::json::object{
      {"title", report.title}, {"facts", std::move(facts)}, {"tables", std::move(tables)}});
}

}  // namespace aquilon::bench
