// Any words are flags, and any bytes a configuration file: they give every option a value within
// its range, or one error that repeats no secret. Input: a flag a line, a NUL, the file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "apps/config_file.h"
#include "apps/option_binding.h"
#include "base/check.h"

using namespace aquilon;

namespace {

struct Options {
  bool on = true;
  bool off = false;
  int port = 8080;
  std::int64_t bytes = 1 << 20;
  double share = 0.5;
  std::optional<int> seed;
  std::string name = "a";
  std::vector<std::string> list;
  std::vector<std::string> key;

  template <class V>
  void visit(V& v) {
    v(on, {.flag = "on", .help = "h"});
    v(off, {.flag = "off", .help = "h"});
    v(port, {.flag = "port", .help = "h", .min = 0, .max = 65535});
    v(bytes, {.flag = "bytes", .help = "h", .min = -5, .max = 1e15});
    v(share, {.flag = "share", .help = "h", .min = 0, .max = 1});
    v(seed, {.flag = "seed", .help = "h"});
    v(name, {.flag = "name", .help = "h"});
    v(list, {.flag = "list", .help = "h"});
    v(key, {.flag = "key", .help = "h", .secret = true});
  }
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool parse(CLI::App& app, std::string_view text) {
  std::vector<std::string> arguments = lines_of(text);
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
    return true;
  } catch (const CLI::Error&) {
    return false;
  }
}

// Long enough not to be part of a message by chance.
void check_secrets(const Error& error, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets)
    AQ_CHECK(secret.size() < 16 || error.message.find(secret) == error.message.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  CLI::App app;
  app.allow_extras();
  apps::OptionBinder binder(app);
  Options options;
  options.visit(binder);
  const auto bound = std::move(binder).take();
  if (!parse(app, input.substr(0, end))) return 0;
  apps::ConfigSection section;
  std::vector<std::string> secrets;
  const auto config = apps::parse_config(input.substr(std::min(end + 1, size)));
  if (!config.ok()) AQ_CHECK(!config.error().message.empty());
  if (config.ok() && config->contains("serve")) section = config->find("serve")->second;
  if (const auto key = section.find("key"); key != section.end())
    for (const std::string& value : key->second.values)  // told nowhere else
      if (input.find(value) == input.rfind(value)) secrets.push_back(value);
  const Status status = apps::resolve(bound, section);
  if (!status.ok()) {
    check_secrets(status.error(), secrets);
    return 0;
  }
  AQ_CHECK(options.port >= 0 && options.port <= 65535);
  AQ_CHECK(options.bytes >= -5 && options.bytes <= 1'000'000'000'000'000);
  AQ_CHECK(options.share >= 0 && options.share <= 1 && !std::isnan(options.share));
  return 0;
}
