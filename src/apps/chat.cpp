// `aquilon chat`: a conversation in the terminal.
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <memory>

#include "apps/adapter_options.h"
#include "apps/answer_reader.h"
#include "apps/command.h"
#include "apps/command_tools.h"
#include "apps/line_reader.h"
#include "apps/model_options.h"
#include "apps/printable.h"
#include "apps/sampling_options.h"
#include "chat/tools/call_reader.h"

namespace aquilon::apps {
namespace {

struct ChatOptions {
  std::string system;
  std::string tools;
  ModelOptions model;
  AdapterOptions adapter;
  SamplingOptions sampling{.temperature = 0.7, .top_p = 0.95};

  template <class V>
  void visit(V& v) {
    v(system, {.flag = "system", .help = "system prompt", .may_be_empty = true});
    v(tools, {.flag = "tools",
              .help = "programs that the model may call, as JSON: {\"tools\": [{name, description, "
                      "parameters, command}]}; each run is asked for first",
              .unit = "FILE"});
    model.visit(v);
    adapter.visit(v);
    sampling.visit(v);
  }
};

constexpr std::string_view kHelp =
    "  /help            this list\n"
    "  /system [TEXT]   show or set the system prompt (none: /system -)\n"
    "  /model [NAME]    show or change the model; the conversation goes on\n"
    "  /new             forget the conversation\n"
    "  /retry           answer the last message again\n"
    "  /exit            leave (also Ctrl-D)\n"
    "  A line that ends in \\ goes on in the next one; \"\"\" begins and ends a block of lines.\n"
    "  Ctrl-C stops the answer.\n";

// The conversation and what the person may say besides talking.
class Conversation {
 public:
  Conversation(ChatOptions options, CommandTools tools, std::unique_ptr<chat::Generator> generator,
               InterruptFlag& interrupt, LineReader& reader)
      : options_(std::move(options)),
        tools_(std::move(tools)),
        generator_(std::move(generator)),
        interrupt_(interrupt),
        reader_(reader) {}

  void greet() const {
    fmt::print(stderr, "{} · {} tokens of context · /help for commands\n", generator_->card().id,
               generator_->card().context_length);
  }
  // False: leave.
  bool handle(const std::string& line);

 private:
  void command(const std::string& name, const std::string& rest);
  void set_system(const std::string& text);
  void switch_model(const std::string& name);
  void say(const std::string& text);
  void retry();
  void answer();
  bool answer_once();
  void call(const chat::ToolCall& call, std::size_t number);

  ChatOptions options_;
  CommandTools tools_;
  std::unique_ptr<chat::Generator> generator_;
  InterruptFlag& interrupt_;
  LineReader& reader_;
  boost::json::array history_;  // all turns but the system's
};

bool Conversation::handle(const std::string& line) {
  if (line.empty()) return true;
  if (line.front() != '/') {
    say(line);
    return true;
  }
  const std::size_t space = line.find(' ');
  const std::string name = line.substr(1, space - 1);
  if (name == "exit" || name == "quit" || name == "bye") return false;
  command(name, space == std::string::npos ? "" : line.substr(space + 1));
  return true;
}

void Conversation::command(const std::string& name, const std::string& rest) {
  if (name == "help") {
    fmt::print(stderr, "{}", kHelp);
  } else if (name == "new") {
    history_.clear();
    fmt::print(stderr, "The conversation is forgotten.\n");
  } else if (name == "system") {
    set_system(rest);
  } else if (name == "model") {
    switch_model(rest);
  } else if (name == "retry") {
    retry();
  } else {
    fmt::print(stderr, "/{} is no command; /help lists them\n", name);
  }
}

void Conversation::set_system(const std::string& text) {
  if (!text.empty()) options_.system = text == "-" ? "" : text;
  fmt::print(stderr, "System prompt: {}\n", options_.system.empty() ? "none" : options_.system);
}

void Conversation::switch_model(const std::string& name) {
  if (!name.empty()) {
    ModelOptions wanted = options_.model;
    wanted.model = name;
    auto generator = load_generator(wanted);
    if (!generator.ok()) {
      fmt::print(stderr, "{}\n", generator.error().message);
      return;
    }
    generator_ = std::move(*generator);
    options_.model = std::move(wanted);
    options_.adapter = {};  // it was the other model's
  }
  greet();
}

void Conversation::say(const std::string& text) {
  history_.push_back(boost::json::object{{"role", "user"}, {"content", text}});
  answer();
}

void Conversation::retry() {
  while (!history_.empty() && history_.back().at("role") != "user") history_.pop_back();
  if (history_.empty())
    fmt::print(stderr, "There is nothing to answer yet.\n");
  else
    answer();
}

// As often as the model calls tools and gets their results.
void Conversation::answer() {
  constexpr int kMostRounds = 8;
  for (int round = 0; round < kMostRounds; ++round)
    if (!answer_once()) return;
  fmt::print(stderr, "The model has called tools {} times; say something to go on.\n", kMostRounds);
}

// Asks whether to run the program, and adds what it printed to the conversation.
void Conversation::call(const chat::ToolCall& call, std::size_t number) {
  std::string result = "The user did not allow this call.";
  const auto words = tools_.words_of(call);
  if (!words.ok()) {
    result = words.error().message;
  } else {
    fmt::print(stderr, "{}({})\n", printable(call.name), printable(call.arguments));
    const auto reply = reader_.read_message("Run " + shown_words(*words) + " ? [y/N] ");
    if (reply && (*reply == "y" || *reply == "yes")) {
      auto ran = run_tool(*words, call.arguments);
      result = ran.ok() ? std::move(*ran) : ran.error().message;
      fmt::print(stderr, "{}\n", printable(result, true));
    }
  }
  history_.push_back(boost::json::object{{"role", "tool"},
                                         {"tool_call_id", fmt::format("call{:05}", number)},
                                         {"name", call.name},
                                         {"content", result}});
}

// True: it called tools, whose results are there now.
bool Conversation::answer_once() {
  chat::ChatPrompt prompt;
  if (!options_.system.empty())
    prompt.messages.push_back(
        boost::json::object{{"role", "system"}, {"content", options_.system}});
  prompt.messages.insert(prompt.messages.end(), history_.begin(), history_.end());
  chat::GenerationRequest request = options_.sampling.request();
  options_.adapter.add_to(request);
  request.tools = tools_.use;
  prompt.tools = tools_.shown;
  request.prompt = std::move(prompt);
  chat::CallReader reader(generator_->dialect(), tools_.use.names());
  std::string text;
  std::vector<chat::ToolCall> calls;
  const auto take = [&](std::vector<chat::AnswerPiece> pieces) {
    for (chat::AnswerPiece& piece : pieces) {
      text += piece.text;
      std::fwrite(piece.text.data(), 1, piece.text.size(), stdout);
      if (piece.call) calls.push_back(std::move(*piece.call));
    }
    std::fflush(stdout);
  };
  bool thought = false;
  const auto answer = read_answer(*generator_, std::move(request), interrupt_,
                                  [&](const std::string& piece, bool of_thought) {
                                    if (of_thought)
                                      fmt::print(stderr, "{}", printable(piece, true));
                                    else if (thought)
                                      fmt::print(stderr, "\n\n");
                                    thought = of_thought;
                                    if (!of_thought) take(reader.push(piece));
                                  });
  take(reader.finish());
  if (!answer.ok()) {
    fmt::print(stderr, "{}\n", answer.error().message);
    // The message can be sent again, shorter.
    while (!history_.empty() && history_.back().at("role") != "user") history_.pop_back();
    if (!history_.empty()) history_.pop_back();
    return false;
  }
  if (!text.empty()) std::putchar('\n');
  std::fflush(stdout);
  boost::json::object turn{{"role", "assistant"}, {"content", text}};
  if (!answer->thoughts.empty()) turn["reasoning_content"] = answer->thoughts;
  const std::size_t before = history_.size();
  if (!calls.empty()) {
    boost::json::array list;
    for (const chat::ToolCall& one : calls) {
      const boost::json::object function{{"name", one.name}, {"arguments", one.arguments}};
      list.push_back(boost::json::object{{"id", fmt::format("call{:05}", before + list.size())},
                                         {"type", "function"},
                                         {"function", function}});
    }
    turn["tool_calls"] = std::move(list);
  }
  history_.push_back(std::move(turn));
  const double decoding = answer->total_s - answer->first_token_s;
  const auto later = static_cast<double>(answer->ids.size()) - 1;
  const std::string speed =
      later > 0 && decoding > 0 ? fmt::format(" · {:.1f} tok/s", later / decoding) : "";
  fmt::print(stderr, "[{} tokens{} · first after {:.2f} s · {}]\n", answer->ids.size(), speed,
             answer->first_token_s, answer->interrupted ? "stopped" : finish_name(answer->finish));
  for (std::size_t i = 0; i < calls.size(); ++i) call(calls[i], before + i);
  return !calls.empty();
}

Status chat(const ChatOptions& options) {
  CommandTools tools;
  if (!options.tools.empty()) tools = AQ_TRY(load_command_tools(options.tools));
  ModelOptions model = options.model;
  AQ_RETURN_IF_ERROR(options.adapter.add_to(model));
  auto generator = AQ_TRY(load_generator(model));
  if (!generator->card().chat)
    return make_error(Code::kUnsupported,
                      "{} has no chat template: use `aquilon complete`, or give one with "
                      "--chat-template FILE",
                      generator->card().id);
  InterruptFlag interrupt({SIGINT});
  LineReader reader(interrupt);
  Conversation conversation(options, std::move(tools), std::move(generator), interrupt, reader);
  if (isatty(STDIN_FILENO)) conversation.greet();
  while (const auto message = reader.read_message("> "))
    if (!conversation.handle(*message)) break;
  return {};
}

}  // namespace

void register_chat(Commands& commands) {
  commands.add<ChatOptions>("chat", "Hold a conversation in the terminal", chat);
}

}  // namespace aquilon::apps
