// Options declared once: each section of the configuration is a struct whose `visit` names every
// member with its flag, unit, range and help. Flags, environment variables, configuration file,
// --help and docs/FLAGS.md all come from that (apps/command.h).
//
//   struct ServeOptions {
//     int port = 8080;
//     template <class V> void visit(V& v) {
//       v(port, {.flag = "port", .help = "port to listen on", .min = 0, .max = 65535});
//     }
//   };
//
// Member types: bool, int, std::int64_t, double, std::string, std::vector<std::string>,
// std::optional<int>, std::optional<std::int64_t>, std::optional<double>.
// visit() may call v.section("Sampling") to put the members that follow under a heading in --help.
// The environment variable of --max-queue is AQUILON_MAX_QUEUE; in the configuration file it is
// `max-queue = 8` under the command's own heading.
#pragma once

#include <limits>
#include <string_view>

namespace aquilon {

struct OptionInfo {
  std::string_view flag;       // long name without dashes; with `positional`, the argument's name
  std::string_view help;       // one sentence, no full stop
  std::string_view unit = {};  // "tokens", "ms", "FILE": shown in help
  double min = std::numeric_limits<double>::lowest();  // range of numbers, inclusive
  double max = std::numeric_limits<double>::max();
  bool positional = false;
  bool required = false;
  bool secret = false;        // never printed with its value
  bool may_be_empty = false;  // else an empty text is refused: it would be taken for none given
};

}  // namespace aquilon
