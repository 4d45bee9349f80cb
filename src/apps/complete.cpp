// `aquilon complete`: one completion from an argument, a file, stdin or token ids.
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "apps/adapter_options.h"
#include "apps/answer_reader.h"
#include "apps/command.h"
#include "apps/id_list.h"
#include "apps/model_options.h"
#include "apps/sampling_options.h"
#include "base/file.h"

namespace aquilon::apps {
namespace {

struct CompleteOptions {
  std::string prompt;
  std::string file;
  std::string ids;
  bool chat = false;
  bool json = false;
  std::string json_schema;
  ModelOptions model;
  AdapterOptions adapter;
  SamplingOptions sampling;

  template <class V>
  void visit(V& v) {
    v(prompt, {.flag = "PROMPT", .help = "text to continue; default: stdin", .positional = true});
    v(file, {.flag = "file", .help = "read the prompt from a file", .unit = "FILE"});
    v(ids, {.flag = "ids", .help = "the prompt as token ids", .unit = "1,2,3"});
    v(chat,
      {.flag = "chat", .help = "answer the prompt as a message, by the model's chat template"});
    v(json, {.flag = "json", .help = "print prompt_ids, ids, text, finish_reason as JSON"});
    v(json_schema, {.flag = "json-schema",
                    .help = "the answer is a value of the JSON Schema in this file",
                    .unit = "FILE"});
    model.visit(v);
    model.visit_speculation(v);
    adapter.visit(v);
    sampling.visit(v);
  }
};

Result<std::string> prompt_text(const CompleteOptions& options) {
  if (!options.file.empty()) return read_file(options.file);
  if (!options.prompt.empty()) return options.prompt;
  if (isatty(STDIN_FILENO))
    return Error{Code::kInvalidArgument,
                 "no prompt: give one as argument, with --file or --ids, or on stdin"};
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Result<chat::Prompt> make_prompt(const CompleteOptions& options) {
  const int sources = !options.prompt.empty() + !options.file.empty() + !options.ids.empty();
  if (sources > 1)
    return Error{Code::kInvalidArgument, "give the prompt once: as argument, --file or --ids"};
  if (!options.ids.empty()) return chat::Prompt(AQ_TRY(parse_ids(options.ids, "--ids")));
  std::string text = AQ_TRY(prompt_text(options));
  if (!options.chat) return chat::Prompt(std::move(text));
  chat::ChatPrompt chat;
  chat.messages.push_back(boost::json::object{{"role", "user"}, {"content", text}});
  return chat::Prompt(std::move(chat));
}

Result<chat::AnswerConstraint> schema_constraint(const std::string& path) {
  const std::string text = AQ_TRY(read_file(path));
  boost::json::error_code problem;
  chat::AnswerConstraint constraint{.kind = chat::AnswerConstraint::Kind::kJsonSchema,
                                    .schema = boost::json::parse(text, problem),
                                    .field = "--json-schema"};
  if (problem)
    return make_error(Code::kInvalidArgument, "'{}' is no JSON: {}", path, problem.message());
  return constraint;
}

void print_json(const Answer& answer) {
  const boost::json::object object{
      {"prompt_ids", boost::json::value_from(answer.prompt_ids)},
      {"ids", boost::json::value_from(answer.ids)},
      {"text", answer.text},
      {"finish_reason", finish_name(answer.finish)},
  };
  std::puts(boost::json::serialize(object).c_str());
}

Status complete(const CompleteOptions& options) {
  chat::GenerationRequest request = options.sampling.request();
  request.prompt = AQ_TRY(make_prompt(options));
  if (!options.json_schema.empty())
    request.constraint = AQ_TRY(schema_constraint(options.json_schema));
  ModelOptions model = options.model;
  AQ_RETURN_IF_ERROR(options.adapter.add_to(model));
  options.adapter.add_to(request);
  const auto generator = AQ_TRY(load_generator(model));
  InterruptFlag interrupt({SIGINT});
  const auto print = [&](const std::string& piece, bool) {
    if (options.json) return;
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  const Answer answer = AQ_TRY(read_answer(*generator, std::move(request), interrupt, print));
  if (options.json)
    print_json(answer);
  else
    std::putchar('\n');
  if (answer.interrupted) return Error{Code::kCancelled, "interrupted"};
  return {};
}

}  // namespace

void register_complete(Commands& commands) {
  commands.add<CompleteOptions>("complete", "Complete a prompt", complete);
}

}  // namespace aquilon::apps
