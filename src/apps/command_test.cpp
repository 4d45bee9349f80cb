// The command line from outside: arguments, environment and file in; values, one line on stderr and
// exit status out.
#include "apps/command.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "apps/config_file.h"

namespace aquilon::apps {
namespace {

struct ServeOptions {
  std::string model;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::optional<int> ctx;
  std::int64_t max_body = 1 << 20;
  double temperature = 1.0;
  bool metrics = false;
  bool page = true;
  std::string api_key;
  std::vector<std::string> allow_host;

  template <class V>
  void visit(V& v) {
    v(model, {.flag = "model", .help = "model to serve", .unit = "NAME", .required = true});
    v(host, {.flag = "host", .help = "address to listen on", .may_be_empty = true});
    v(port, {.flag = "port", .help = "port to listen on", .min = 0, .max = 65535});
    v.section("Limits");
    v(ctx, {.flag = "ctx", .help = "context", .unit = "TOKENS", .min = 1});
    v(max_body, {.flag = "max-body", .help = "largest request", .unit = "BYTES", .min = 1});
    v(temperature, {.flag = "temperature", .help = "default", .min = 0, .max = 2});
    v(metrics, {.flag = "metrics", .help = "publish metrics"});
    v(page, {.flag = "page", .help = "serve the page"});
    v(api_key, {.flag = "api-key", .help = "key that clients must send", .secret = true});
    v(allow_host, {.flag = "allow-host", .help = "host name that clients may use"});
  }
};

struct CompleteOptions {
  std::string prompt;
  std::vector<std::string> more;
  template <class V>
  void visit(V& v) {
    v(prompt, {.flag = "PROMPT", .help = "text to continue", .positional = true, .required = true});
    v(more, {.flag = "MORE", .help = "more texts", .positional = true});
  }
};

struct Outcome {
  int exit_status;
  std::string out, err;
};

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    commands_.add<ServeOptions>("serve", "API server", [this](const ServeOptions& options) {
      served_ = options;
      return failure_ ? Status(*failure_) : Status();
    });
    commands_.add<CompleteOptions>("complete", "One answer",
                                   [this](const CompleteOptions& options) {
                                     completed_ = options;
                                     if (options.prompt == "throw")
                                       throw std::runtime_error("boom");
                                     return Status();
                                   });
  }

  ~CommandTest() override {
    for (const char* name : {"AQUILON_PORT", "AQUILON_ALLOW_HOST", "AQUILON_MODEL", "AQUILON_CTX",
                             "AQUILON_PAGE", "AQUILON_CONFIG"})
      ::unsetenv(name);
  }

  Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "aquilon");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = commands_.run(static_cast<int>(argv.size()), argv.data());
    std::fflush(stdout);
    std::fflush(stderr);
    return {status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  std::string config_file(const std::string& text) {
    const auto path = std::filesystem::path(testing::TempDir()) / "aquilon_command_test.toml";
    std::ofstream(path) << text;
    return path.string();
  }

  Commands commands_;
  std::optional<ServeOptions> served_;
  std::optional<CompleteOptions> completed_;
  std::optional<Error> failure_;
};

TEST_F(CommandTest, ReadsEveryTypeFromFlags) {
  const Outcome outcome = run({"serve", "--model", "m", "--port=0", "--ctx", "64", "--max-body",
                               "8589934592", "--temperature", "0.5", "--metrics", "--no-page",
                               "--allow-host", "a", "--allow-host=b"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(served_->model, "m");
  EXPECT_EQ(served_->host, "127.0.0.1");
  EXPECT_EQ(served_->port, 0);
  EXPECT_EQ(served_->ctx, 64);
  EXPECT_EQ(served_->max_body, std::int64_t{1} << 33);
  EXPECT_EQ(served_->temperature, 0.5);
  EXPECT_TRUE(served_->metrics);
  EXPECT_FALSE(served_->page);
  EXPECT_EQ(served_->allow_host, (std::vector<std::string>{"a", "b"}));
}

TEST_F(CommandTest, AnEmptyValueTakesNothingElse) {
  ASSERT_EQ(run({"serve", "--host=", "--model", "m"}).exit_status, 0);
  EXPECT_EQ(served_->host, "");
  EXPECT_EQ(served_->model, "m");
}

TEST_F(CommandTest, AnEmptyValueIsNoValue) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"serve", "--model", ""},
        {"serve", "--model="},
        {"serve", "--model", "m", "--api-key", ""},
        {"serve", "--model", "m", "--allow-host", "a", "--allow-host", ""}}) {
    const Outcome outcome = run(arguments);
    EXPECT_NE(outcome.exit_status, 0);
    EXPECT_NE(outcome.err.find("is empty"), std::string::npos) << outcome.err;
  }
}

TEST_F(CommandTest, ReadsPositionals) {
  const Outcome outcome = run({"complete", "serve", "-", "two words", "--", "--three"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(completed_->prompt, "serve");
  EXPECT_EQ(completed_->more, (std::vector<std::string>{"-", "two words", "--three"}));
}

TEST_F(CommandTest, FlagBeatsEnvironmentBeatsFile) {
  const std::string path = config_file(
      "# comment\n[serve]\nmodel = \"file # model\"  # said\nport = 1\nctx = 3\npage = false\n"
      "allow-host = ['x', y]\napi-key = \"k#,1\\\"\"\n[complete]\n");
  ::setenv("AQUILON_PORT", "2", 1);
  ::setenv("AQUILON_CTX", "4", 1);
  const Outcome outcome = run({"--config", path, "serve", "--port", "5"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.err;
  EXPECT_EQ(served_->port, 5);
  EXPECT_EQ(served_->ctx, 4);
  EXPECT_EQ(served_->model, "file # model");
  EXPECT_EQ(served_->api_key, "k#,1\"");
  EXPECT_FALSE(served_->page);
  EXPECT_EQ(served_->allow_host, (std::vector<std::string>{"x", "y"}));

  ::setenv("AQUILON_ALLOW_HOST", "p,q", 1);
  ASSERT_EQ(run({"serve", "--config=" + path}).exit_status, 0);
  EXPECT_EQ(served_->allow_host, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(served_->port, 2);
}

struct BadCase {
  std::vector<std::string> arguments;
  const char* message;  // the whole line after "aquilon: "
};

TEST_F(CommandTest, BadArgumentsAreOneLineAndStatusTwo) {
  const BadCase cases[] = {
      {{"serve", "--model", "m", "--prot", "9"}, "unknown flag --prot; did you mean --port?"},
      {{"serve", "--prot=9"}, "unknown flag --prot; did you mean --port?"},
      {{"serve", "-port", "9"}, "unknown flag -port; did you mean --port?"},
      {{"serve", "--max_body", "9"}, "unknown flag --max_body; did you mean --max-body?"},
      {{"serve", "--no-pgae"}, "unknown flag --no-pgae; did you mean --no-page?"},
      {{"serve", "--zebra"}, "unknown flag --zebra; aquilon serve --help lists them"},
      {{"serve", "--model", "m", "stray"},
       "unexpected argument 'stray'; aquilon serve --help says what it takes"},
      {{"serve", "--model", "m", "--port", "1", "--port", "2"},
       "--port is given 2 times; it takes one value"},
      {{"serve", "--model", "m", "--metrics", "--metrics"},
       "--metrics is given 2 times; it takes one value"},
      {{"serve", "--model", "m", "--port", "65536"},
       "--port must be a whole number, 0 to 65535, not '65536'"},
      {{"serve", "--model", "m", "--port", "-1"},
       "--port must be a whole number, 0 to 65535, not '-1'"},
      {{"serve", "--model", "m", "--port", "80a"},
       "--port must be a whole number, 0 to 65535, not '80a'"},
      {{"serve", "--model", "m", "--port", "99999999999999999999"},
       "--port must be a whole number, 0 to 65535, not '99999999999999999999'"},
      {{"serve", "--model", "m", "--ctx", "0"},
       "--ctx must be a whole number, at least 1, not '0'"},
      {{"serve", "--model", "m", "--temperature", "nan"},
       "--temperature must be a number, 0 to 2, not 'nan'"},
      {{"serve", "--model", "m", "--temperature", ""},
       "--temperature must be a number, 0 to 2, not ''"},
      {{"serve", "--model", "m", "--metrics=maybe"},
       "--metrics must be true or false, not 'maybe'"},
      {{"serve", "--port"}, "--port needs a value"},
      {{"serve", "--port", "1"}, "--model is missing: model to serve"},
      {{"complete"}, "PROMPT is missing: text to continue"},
      {{"srve"}, "unknown command 'srve'; did you mean serve?"},
      {{"help", "srve"}, "unknown command 'srve'; did you mean serve?"},
      {{"help", "serve", "port"}, "usage: aquilon help [COMMAND]"},
      {{"zebra"}, "unknown command 'zebra'; aquilon --help lists them"},
      {{"--versoin"}, "unknown flag --versoin; did you mean --version?"},
      {{"--config"}, "--config needs a value"},
      {{}, "no command given; one of: serve, complete (aquilon --help)"},
  };
  for (const BadCase& c : cases) {
    const Outcome outcome = run(c.arguments);
    EXPECT_EQ(outcome.err, std::string("aquilon: ") + c.message + "\n");
    EXPECT_EQ(outcome.exit_status, 2) << c.message;
    EXPECT_EQ(outcome.out, "") << c.message;
  }
  EXPECT_FALSE(served_);
}

TEST_F(CommandTest, NamesTheVariableThatIsWrong) {
  ::setenv("AQUILON_PORT", "http", 1);
  EXPECT_EQ(run({"serve", "--model", "m"}).err,
            "aquilon: AQUILON_PORT must be a whole number, 0 to 65535, not 'http'\n");
}

TEST_F(CommandTest, NamesWhatIsWrongInTheFile) {
  const std::pair<const char*, const char*> cases[] = {
      {"[serve]\nport = x",
       "configuration line 2: port must be a whole number, 0 to 65535, not 'x'"},
      {"[serve]\nport = [1, 2]", "configuration line 2: port is given 2 times; it takes one value"},
      {"[serve]\nprot = 1", "@: line 2: [serve] has no key prot; did you mean port?"},
      {"[srve]\n", "@: [srve] is not a command; did you mean serve?"},
      {"port = 1", "@: line 1: port stands before the first [command] heading"},
      {"\n[serve", "@: line 2: a heading is [command], alone on its line"},
      {"[serve]\nport", "@: line 2: expected [command] or key = value"},
      {"[serve]\nport =", "@: line 2: a value is missing"},
      {"[serve]\nport = 1\nport = 2", "@: line 3: port is there twice"},
      {"[serve]\nmodel = \"x", "@: line 2: the closing \" is missing"},
      {"[serve]\nmodel = 'x' y", "@: line 2: model has text after its value"},
      {"[serve]\nallow-host = [a, b", "@: line 2: the closing ] is missing"},
      {"[serve]\nmodel = \"\\q\"",
       "@: line 2: unknown escape in \"...\"; known are \\\" \\\\ \\n \\r \\t, and '...' has none"},
  };
  for (const auto& [text, message] : cases) {
    const std::string path = config_file(text);
    std::string expected = message;
    if (expected.starts_with("@")) expected = path + expected.substr(1);
    const Outcome outcome = run({"--config", path, "serve", "--model", "m"});
    // The flag wins over the file's model, but what is in the file must still make sense.
    EXPECT_EQ(outcome.err, "aquilon: " + expected + "\n");
    EXPECT_EQ(outcome.exit_status, 2) << text;
  }
  EXPECT_EQ(run({"--config", "/no/such/file", "serve"}).exit_status, 66);
}

TEST_F(CommandTest, AFailureIsOneLineAndTheStatusOfItsCode) {
  failure_ = make_error(Code::kNotFound, "no model\nnamed x");
  Outcome outcome = run({"serve", "--model", "x"});
  EXPECT_EQ(outcome.err, "aquilon: no model named x\n");
  EXPECT_EQ(outcome.exit_status, 66);
  outcome = run({"complete", "throw"});
  EXPECT_EQ(outcome.err, "aquilon: unexpected failure: boom\n");
  EXPECT_EQ(outcome.exit_status, 70);
}

TEST_F(CommandTest, HelpIsACommandToo) {
  const std::string whole = run({"--help"}).out;
  EXPECT_EQ(run({"help"}).out, whole);
  EXPECT_EQ(run({"help", "help"}).out, whole);
  EXPECT_EQ(run({"help", "serve"}).out, run({"serve", "--help"}).out);
  EXPECT_EQ(run({"help", "serve"}).exit_status, 0);
  EXPECT_FALSE(served_);
  EXPECT_EQ(run({"complete", "help"}).exit_status, 0);
  EXPECT_EQ(completed_->prompt, "help");
}

TEST_F(CommandTest, HelpShowsRangeUnitDefaultAndNoSecret) {
  const Outcome help = run({"serve", "--port", "1", "--help"});
  EXPECT_EQ(help.exit_status, 0);
  for (const char* text :
       {"usage: aquilon serve --model NAME [FLAGS]", "--port NUMBER", "(0 to 65535; default 8080)",
        "\nLimits\n", "--ctx TOKENS", "--[no-]page", "--metrics  ", "may be repeated"})
    EXPECT_NE(help.out.find(text), std::string::npos) << text << "\n" << help.out;
  EXPECT_FALSE(served_);
  EXPECT_NE(run({"--help"}).out.find("  serve     API server\n"), std::string::npos);
  EXPECT_EQ(run({"--version"}).out, "aquilon " AQUILON_VERSION "\n");
  const std::string markdown = run({"--print-flags-markdown"}).out;
  for (const char* row :
       {"| `--port NUMBER` | port to listen on | 0 to 65535 | `8080` | `AQUILON_PORT` |",
        "| `--allow-host TEXT` | host name that clients may use (may be repeated) |"})
    EXPECT_NE(markdown.find(row), std::string::npos) << row;
}

}  // namespace
}  // namespace aquilon::apps
