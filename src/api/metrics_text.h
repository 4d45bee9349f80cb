// Metrics as Prometheus reads them: text format 0.0.4.
#pragma once

#include <string>
#include <string_view>

#include "base/metrics.h"

namespace aquilon::api {

// Families one after the other; the samples of a family directly behind its family().
class MetricsText {
 public:
  // `type`: counter, gauge or histogram. `help` is one line.
  void family(std::string_view name, std::string_view type, std::string_view help);
  // `labels`: made by label(), joined by commas; empty: none.
  void sample(std::string_view labels, double value);
  void histogram(std::string_view labels, const Histogram& histogram);

  // name="value", the value escaped.
  static std::string label(std::string_view name, std::string_view value);

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, std::string_view labels, double value);

  std::string text_;
  std::string name_;
};

}  // namespace aquilon::api
