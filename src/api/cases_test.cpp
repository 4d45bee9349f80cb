// Replays tests/api/*.case against a real server over a socket. A new case needs no C++:
//
//   @server api_key=K cors=URL host=NAME max_body=N strict     first line of a file, optional
//   # what the case shows
//   POST /v1/completions                                or RAW and escaped bytes, line by line
//   X-Api-Key: K
//
//   {"model": ...}
//   ----
//   status 200
//   header retry-after: 2                               value contained
//   json {...}                                          subset; or one `event {...}` an event, or
//   named NAME {...}                                    for those with names
//   closed                                              the server ends the connection
//   ====                                                between cases
//
// In expected JSON an object lists the members that matter; "*" is any value, "~text" a string that
// contains it, "<hex32>" an id, "<absent>" a member that must not be there.
//
// Beyond what a case says: accepted bodies, answers, events and errors fit what /openapi.json says
// of the route.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/http_client_for_test.h"
#include "api/openapi.h"
#include "api/router.h"
#include "api/schema_check_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

struct Case {
  std::string name;
  std::string place;  // file:line
  std::string request;
  std::vector<std::string> expected;
};

// --- Expected JSON.

bool matches_text(std::string_view expected, const json::value& actual) {
  if (expected == "*") return true;
  if (!actual.is_string()) return false;
  const std::string_view text = actual.get_string();
  if (expected == "<hex32>")
    return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
  if (expected.starts_with('~')) return text.find(expected.substr(1)) != text.npos;
  return text == expected;
}

bool matches_subset(const json::value& expected, const json::value& actual, std::string& path) {
  const std::size_t length = path.size();
  if (expected.is_string()) return matches_text(std::string_view(expected.get_string()), actual);
  if (expected.is_object()) {
    if (!actual.is_object()) return false;
    for (const auto& [key, value] : expected.get_object()) {
      path.resize(length);
      path += "." + std::string(std::string_view(key));
      const json::value* member = actual.get_object().if_contains(key);
      if (value == json::value("<absent>")) {
        if (member) return false;
      } else if (!member || !matches_subset(value, *member, path)) {
        return false;
      }
    }
  } else if (expected.is_array()) {
    if (!actual.is_array() || actual.get_array().size() != expected.get_array().size())
      return false;
    for (std::size_t i = 0; i < expected.get_array().size(); ++i) {
      path.resize(length);
      path += "[" + std::to_string(i) + "]";
      if (!matches_subset(expected.get_array()[i], actual.get_array()[i], path)) return false;
    }
  } else if (expected != actual) {
    return false;
  }
  path.resize(length);
  return true;
}

void expect_json(std::string_view expected, const std::string& actual) {
  if (expected == actual) return;  // [DONE]
  json::error_code ec;
  const json::value wanted = json::parse(json::string_view(expected.data(), expected.size()), ec);
  ASSERT_FALSE(ec) << "not JSON in the case: " << expected;
  const json::value got = json::parse(actual, ec);
  ASSERT_FALSE(ec) << "not JSON: " << actual;
  std::string path;
  EXPECT_TRUE(matches_subset(wanted, got, path)) << "at " << path << "\n in " << actual;
}

// --- Case files.

std::string unescape(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      out += line[i];
      continue;
    }
    const char c = line[++i];
    if (c == 'x') {
      out += static_cast<char>(std::stoi(std::string(line.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else if (c == '*') {  // \*N,C: N times the character C
      const std::size_t comma = line.find(',', i);
      out.append(std::stoul(std::string(line.substr(i + 1, comma - i - 1))), line[comma + 1]);
      i = comma + 1;
    } else {
      out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

std::string build_request(const std::vector<std::string>& lines) {
  std::string out;
  if (lines.front() == "RAW") {
    for (std::size_t i = 1; i < lines.size(); ++i) out += unescape(lines[i]);
    return out;
  }
  std::size_t i = 1;
  std::string fields;
  bool has_host = false;
  bool has_type = false;
  for (; i < lines.size() && !lines[i].empty(); ++i) {
    has_host = has_host || lines[i].starts_with("Host:");
    has_type = has_type || lines[i].starts_with("Content-Type:");
    fields += lines[i] + "\r\n";
  }
  std::string body;
  for (++i; i < lines.size(); ++i) body += (body.empty() ? "" : "\n") + lines[i];
  out = lines.front() + " HTTP/1.1\r\n" + fields;
  if (!has_host) out += "Host: localhost\r\n";
  if (!body.empty() && !has_type) out += "Content-Type: application/json\r\n";
  if (!body.empty()) out += fmt::format("Content-Length: {}\r\n", body.size());
  return out + "\r\n" + body;
}

bool is_directive(std::string_view line) {
  for (const std::string_view word :
       {"status ", "header ", "json ", "event ", "named ", "closed", "body "})
    if (line.starts_with(word)) return true;
  return false;
}

ServerConfig parse_server(const std::string& line) {
  ServerConfig config;
  std::istringstream in(line);
  std::string word;
  in >> word;
  while (in >> word) {
    const std::string name = word.substr(0, word.find('='));
    const std::string value = word.substr(word.find('=') + 1);
    if (name == "api_key") config.access.api_keys.push_back(value);
    if (name == "cors") config.access.cors_origins.push_back(value);
    if (name == "host") config.access.allowed_hosts.push_back(value);
    if (name == "strict") config.strict = true;
    if (name == "max_body") config.max_body_bytes = std::stoull(value);
  }
  return config;
}

std::vector<Case> parse_cases(const std::filesystem::path& file, ServerConfig& config) {
  std::ifstream in(file);
  std::vector<Case> cases;
  std::vector<std::string> request;
  Case current;
  bool expecting = false;
  int number = 0;
  const auto finish = [&] {
    while (!request.empty() && request.back().empty()) request.pop_back();
    if (!request.empty()) {
      current.request = build_request(request);
      cases.push_back(std::move(current));
    }
    current = {};
    request.clear();
    expecting = false;
  };
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line == "====") {
      finish();
    } else if (line == "----") {
      expecting = true;
    } else if (line.starts_with("@server")) {
      config = parse_server(line);
    } else if (expecting) {
      if (is_directive(line)) {
        current.expected.push_back(line);
      } else if (!current.expected.empty()) {
        current.expected.back() += "\n" + line;
      }
    } else if (request.empty() && line.starts_with("# ")) {
      current.name = line.substr(2);
      current.place = fmt::format("{}:{}", file.filename().string(), number);
    } else if (!request.empty() || !line.empty()) {
      request.push_back(line);
    }
  }
  finish();
  return cases;
}

void check(const Case& c, const ClientAnswer& answer, ClientForTest& client) {
  const std::vector<std::string> events = answer.events();
  const auto named_events = answer.named_events();
  std::size_t next_event = 0;
  bool streams = false;
  for (const std::string& line : c.expected) {
    const std::string_view text = line;
    if (text.starts_with("status ")) {
      EXPECT_EQ(std::to_string(answer.status), text.substr(7, 3)) << answer.body;
    } else if (text.starts_with("header ")) {
      const std::string name(text.substr(7, text.find(": ") - 7));
      const auto found = answer.headers.find(name);
      const std::string value(text.substr(text.find(": ") + 2));
      EXPECT_TRUE(found != answer.headers.end() && found->second.find(value) != std::string::npos)
          << name << " is " << (found == answer.headers.end() ? "absent" : found->second);
    } else if (text.starts_with("json ")) {
      expect_json(text.substr(5), answer.body);
    } else if (text.starts_with("body ")) {
      EXPECT_NE(answer.body.find(text.substr(5)), std::string::npos) << answer.body;
    } else if (text.starts_with("event ")) {
      streams = true;
      ASSERT_LT(next_event, events.size()) << "an event too few: " << answer.body;
      expect_json(text.substr(6), events[next_event++]);
    } else if (text.starts_with("named ")) {
      streams = true;
      ASSERT_LT(next_event, events.size()) << "an event too few: " << answer.body;
      const std::string_view named = text.substr(6);
      const std::string name(named.substr(0, named.find(' ')));
      EXPECT_EQ(named_events[next_event].first, name);
      EXPECT_EQ(json::parse(events[next_event]).at("type").as_string(), name);
      expect_json(named.substr(name.size() + 1), events[next_event++]);
    } else if (text.starts_with("closed")) {
      EXPECT_TRUE(client.closed());
    }
  }
  if (streams) {
    EXPECT_EQ(next_event, events.size()) << "events too many: " << answer.body;
  }
  EXPECT_EQ(answer.headers.count("x-request-id"), 1u);
}

// --- What /openapi.json says.

void expect_fits(std::string_view text, std::string_view pointer) {
  static const json::value document = json::parse(openapi_json());
  json::error_code ec;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), ec);
  ASSERT_FALSE(ec) << "not JSON: " << text;
  const json::value* schema = document.find_pointer(std::string(pointer), ec);
  ASSERT_NE(schema, nullptr) << pointer;
  EXPECT_EQ(schema_problem(value, *schema, document), "") << pointer << "\n in " << text;
}

void check_description(const Case& c, const ClientAnswer& answer) {
  static const Router router;
  std::istringstream line(c.request);
  std::string method, target, tail;
  line >> method >> target;
  const Route* route = router.find(method, target.substr(0, target.find('?')), tail);
  if (!route || route->answer.empty() || method == "HEAD") return;
  if (answer.headers.at("content-type").starts_with("text/event-stream")) {
    for (const std::string& event : answer.events())
      if (event != "[DONE]")
        expect_fits(event, fmt::format("/components/schemas/{}", route->event));
  } else if (answer.status == 200) {
    expect_fits(answer.body, fmt::format("/components/schemas/{}", route->answer));
  } else {
    const bool anthropic = route->errors == ErrorForm::kAnthropic && answer.status != 413;
    expect_fits(answer.body,
                anthropic ? "/components/schemas/AnthropicError" : "/components/schemas/Error");
  }
  const std::string body = c.request.substr(c.request.find("\r\n\r\n") + 4);
  if (answer.status == 200 && route->body && body.starts_with('{'))  // else it comes in chunks
    expect_fits(body, "/components/schemas/" + body_component(*route));
}

class ApiCases : public testing::TestWithParam<std::string> {};

TEST_P(ApiCases, Replay) {
  const std::filesystem::path file =
      std::filesystem::path(AQUILON_SOURCE_DIR) / "tests/api" / (GetParam() + ".case");
  ServerConfig config;
  const std::vector<Case> cases = parse_cases(file, config);
  ASSERT_FALSE(cases.empty()) << file;
  ServerForTest server(config);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.place + ": " + c.name);
    EXPECT_FALSE(c.name.empty());
    EXPECT_FALSE(c.expected.empty());
    ClientForTest client(server.port());
    client.send(c.request);
    const bool head = c.request.starts_with("HEAD ");
    const ClientAnswer answer = client.receive(std::chrono::seconds(20), head);
    check(c, answer, client);
    if (answer.status != 503) check_description(c, answer);
  }
}

std::vector<std::string> case_files() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(AQUILON_SOURCE_DIR) / "tests/api"))
    if (entry.path().extension() == ".case") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Files, ApiCases, testing::ValuesIn(case_files()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace aquilon::api
