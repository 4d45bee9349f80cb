// `aquilon chat`: a conversation in the terminal.
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <memory>

#include "apps/adapter_options.h"
#include "apps/answer_reader.h"
#include "apps/command.h"
#include "apps/line_reader.h"
#include "apps/model_options.h"
#include "apps/sampling_options.h"

namespace aquilon::apps {
namespace {

struct ChatOptions {
  std::string system;
  ModelOptions model;
  AdapterOptions adapter;
  SamplingOptions sampling{.temperature = 0.7, .top_p = 0.95};

  template <class V>
  void visit(V& v) {
    v(system, {.flag = "system", .help = "system prompt"});
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
  Conversation(ChatOptions options, std::unique_ptr<chat::Generator> generator,
               InterruptFlag& interrupt)
      : options_(std::move(options)), generator_(std::move(generator)), interrupt_(interrupt) {}

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

  ChatOptions options_;
  std::unique_ptr<chat::Generator> generator_;
  InterruptFlag& interrupt_;
  boost::json::array history_;  // user and assistant turns
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
  if (!history_.empty() && history_.back().at("role") == "assistant") history_.pop_back();
  if (history_.empty())
    fmt::print(stderr, "There is nothing to answer yet.\n");
  else
    answer();
}

void Conversation::answer() {
  chat::ChatPrompt prompt;
  if (!options_.system.empty())
    prompt.messages.push_back(
        boost::json::object{{"role", "system"}, {"content", options_.system}});
  prompt.messages.insert(prompt.messages.end(), history_.begin(), history_.end());
  chat::GenerationRequest request = options_.sampling.request();
  options_.adapter.add_to(request);
  request.prompt = std::move(prompt);
  const auto answer =
      read_answer(*generator_, std::move(request), interrupt_, [](const std::string& piece) {
        std::fwrite(piece.data(), 1, piece.size(), stdout);
        std::fflush(stdout);
      });
  if (!answer.ok()) {
    fmt::print(stderr, "{}\n", answer.error().message);
    history_.pop_back();  // the message can be sent again, shorter
    return;
  }
  std::putchar('\n');
  std::fflush(stdout);
  history_.push_back(boost::json::object{{"role", "assistant"}, {"content", answer->text}});
  const double decoding = answer->total_s - answer->first_token_s;
  const auto later = static_cast<double>(answer->ids.size()) - 1;
  const std::string speed =
      later > 0 && decoding > 0 ? fmt::format(" · {:.1f} tok/s", later / decoding) : "";
  fmt::print(stderr, "[{} tokens{} · first after {:.2f} s · {}]\n", answer->ids.size(), speed,
             answer->first_token_s, answer->interrupted ? "stopped" : finish_name(answer->finish));
}

Status chat(const ChatOptions& options) {
  ModelOptions model = options.model;
  AQ_RETURN_IF_ERROR(options.adapter.add_to(model));
  auto generator = AQ_TRY(load_generator(model));
  if (!generator->card().chat)
    return make_error(Code::kUnsupported,
                      "{} has no chat template: use `aquilon complete`, or give one with "
                      "--chat-template FILE",
                      generator->card().id);
  InterruptFlag interrupt({SIGINT});
  Conversation conversation(options, std::move(generator), interrupt);
  if (isatty(STDIN_FILENO)) conversation.greet();
  LineReader reader(interrupt);
  while (const auto message = reader.read_message("> "))
    if (!conversation.handle(*message)) break;
  return {};
}

}  // namespace

void register_chat(Commands& commands) {
  commands.add<ChatOptions>("chat", "Hold a conversation in the terminal", chat);
}

}  // namespace aquilon::apps
