// The values of an options struct as texts, to see which differ.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"

namespace aquilon::apps {

// A visitor. The texts are compared, never shown: secrets are among them.
class OptionTexts {
 public:
  void section(std::string_view) {}

  template <class T>
  void operator()(const T& member, const OptionInfo& info) {
    texts_[std::string(info.flag)] = text(member);
  }

  // The flags, without dashes, whose values differ.
  template <class Options>
  static std::vector<std::string> changed(Options before, Options now) {
    OptionTexts a;
    OptionTexts b;
    before.visit(a);
    now.visit(b);
    std::vector<std::string> names;
    for (const auto& [name, value] : a.texts_)
      if (b.texts_[name] != value) names.push_back(name);
    return names;
  }

 private:
  template <class T>
  static std::string text(const T& value) {
    return fmt::format("{}", value);
  }
  template <class T>
  static std::string text(const std::optional<T>& value) {
    return value ? text(*value) : "";
  }
  static std::string text(const std::vector<std::string>& values) {
    std::string out;
    for (const std::string& value : values) out += fmt::format("{} {};", value.size(), value);
    return out;
  }

  std::map<std::string, std::string> texts_;
};

}  // namespace aquilon::apps
