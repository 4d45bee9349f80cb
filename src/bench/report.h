// A benchmark's result: facts and tables, told as text, JSON or a page.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/statistics.h"

namespace aquilon::bench {

struct Column {
  std::string key;      // in JSON: "gops"
  std::string heading;  // "GOP/s"
  int digits = 1;       // after the point, for numbers
};

// A text or a number.
struct Cell {
  std::string text;
  std::optional<double> number;

  Cell(std::string t) : text(std::move(t)) {}
  Cell(const char* t) : text(t) {}
  Cell(double n) : number(n) {}
  Cell(std::size_t n) : number(static_cast<double>(n)) {}
};

// What to draw of a table; columns by index.
struct Chart {
  enum class Kind { kNone, kBars, kLines };
  Kind kind = Kind::kNone;
  std::size_t label = 0;   // bars: what each is called, with `series`; lines: the axis
  std::size_t value = 0;   // height
  std::size_t series = 0;  // lines: one for each text in this column
};

struct Table {
  std::string key;  // in JSON
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // as wide as columns
  Chart chart = {};
};

struct Report {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Table> tables;
};

// Processor, instruction sets, threads: what every report begins with.
std::vector<std::pair<std::string, std::string>> machine_facts();

std::string report_text(const Report& report);
// {"title": ..., "facts": {...}, "tables": {KEY: [{COLUMN: value}]}}
std::string report_json(const Report& report);
// A page that needs nothing else: styles and charts are in it, light and dark.
std::string report_html(const Report& report);

}  // namespace aquilon::bench
