// `aquilon tokenize`: the ids of a text or of a chat's prompt, with a model's tokenizer or a
// tokenizer file.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "apps/command.h"
#include "apps/model_options.h"
#include "chat/prompt_writer.h"
#include "formats/model_folder.h"
#include "model/special_tokens.h"
#include "model/tokenizer_loader.h"
#include "text/tokenizer.h"

namespace aquilon::apps {
namespace {

struct TokenizeOptions {
  std::string text;
  std::string model;
  bool json = false;
  bool special = false;
  bool chat = false;
  std::string chat_format;

  template <class V>
  void visit(V& v) {
    v(text, {.flag = "TEXT", .help = "text to tokenize; default: stdin", .positional = true});
    v(model,
      {.flag = "model",
       .help = "installed model, GGUF file, model folder (its weights need not be there), "
               "tokenizer.json, tekken.json or SentencePiece model; default: the default model",
       .unit = "NAME_OR_FILE"});
    v(json, {.flag = "json",
             .help = "print a JSON array of ids; without TEXT, one for each line of stdin, "
                     "which is a JSON string"});
    v(special, {.flag = "special", .help = "take control tokens written in the text as such"});
    v(chat,
      {.flag = "chat",
       .help = "read lines of JSON requests from stdin (messages, tools, chat_template_kwargs, "
               "continue_final_message; or prompt and suffix), print the ids of their prompts"});
    v(chat_format,
      {.flag = "chat-format",
       .help = "with --chat: template, or mistral-v1 to mistral-v15; default: what the "
               "model's files declare",
       .unit = "FORMAT"});
  }
};

// What writes ids: a tokenizer, and what a model's file says about chats.
struct Loaded {
  std::unique_ptr<text::Tokenizer> tokenizer;
  model::SpecialTokens special;
  std::string chat_template;
  std::string tool_template;
};

// The text under a key; empty where it is absent.
Result<std::string> text_of(const formats::GgufFile& file, std::string_view key) {
  if (file.find(key) == nullptr) return std::string();
  return std::string(AQ_TRY(file.get_string(key)));
}

Result<Loaded> load(const std::string& name_or_path) {
  std::error_code ec;
  Loaded loaded;
  // A file that is there and no GGUF file is a tokenizer's own.
  if (std::filesystem::is_regular_file(name_or_path, ec) && !model::is_gguf(name_or_path)) {
    loaded.tokenizer = AQ_TRY(model::open_tokenizer(name_or_path));
    loaded.special.bos = loaded.tokenizer->traits().bos;
    loaded.special.eos = loaded.tokenizer->traits().eos;
    return loaded;
  }
  const std::string path = AQ_TRY(resolve_model(name_or_path));
  const formats::GgufFile file = AQ_TRY(formats::open_model_text(path));
  loaded.tokenizer = AQ_TRY(model::model_tokenizer(file));
  loaded.special = AQ_TRY(model::read_special_tokens(file, *loaded.tokenizer));
  loaded.chat_template = AQ_TRY(text_of(file, "tokenizer.chat_template"));
  loaded.tool_template = AQ_TRY(text_of(file, "tokenizer.chat_template.tool_use"));
  return loaded;
}

std::vector<text::TokenId> encode(const text::Tokenizer& tokenizer, std::string_view text,
                                  bool special) {
  return special ? tokenizer.encode_trusted(text) : tokenizer.encode(text);
}

Status tokenize_lines(const text::Tokenizer& tokenizer, bool special) {
  std::string line;
  for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
    boost::system::error_code problem;
    const boost::json::value value = boost::json::parse(line, problem);
    if (problem || !value.is_string())
      return make_error(Code::kInvalidArgument, "line {} of stdin is no JSON string", number);
    const auto ids = encode(tokenizer, value.get_string(), special);
    std::puts(boost::json::serialize(boost::json::value_from(ids)).c_str());
  }
  std::fflush(stdout);
  return {};
}

Result<std::vector<text::TokenId>> write_prompt(const chat::PromptWriter& writer,
                                                const boost::json::object& request) {
  const auto text = [&](std::string_view key) {
    const boost::json::value* value = request.if_contains(key);
    return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
  };
  if (request.contains("prompt")) return writer.fill_in(text("prompt"), text("suffix"));
  chat::ChatPrompt prompt;
  if (const auto* messages = request.if_contains("messages"); messages && messages->is_array())
    prompt.messages = messages->get_array();
  if (const auto* tools = request.if_contains("tools")) prompt.tools = *tools;
  if (const auto* kwargs = request.if_contains("chat_template_kwargs");
      kwargs && kwargs->is_object())
    prompt.template_kwargs = kwargs->get_object();
  if (const auto* open = request.if_contains("continue_final_message"); open && open->is_bool())
    prompt.continue_final_message = open->get_bool();
  return writer.write(prompt);
}

// A line for each request: ids, or an object with what is wrong with it.
Status write_prompts(const Loaded& loaded, const std::string& chat_format) {
  const chat::PromptWriter writer =
      AQ_TRY(chat::PromptWriter::choose({.tokenizer = *loaded.tokenizer,
                                         .bos = loaded.special.bos,
                                         .eos = loaded.special.eos,
                                         .add_bos = loaded.special.add_bos,
                                         .fill_in = loaded.special.fill_in,
                                         .own_template = loaded.chat_template,
                                         .tool_template = loaded.tool_template,
                                         .chat_format = chat_format}));
  std::string line;
  std::size_t number = 1, failed = 0;
  for (; std::getline(std::cin, line); ++number) {
    boost::system::error_code problem;
    const boost::json::value value = boost::json::parse(line, problem);
    if (problem || !value.is_object())
      return make_error(Code::kInvalidArgument, "line {} of stdin is no JSON object", number);
    const auto ids = write_prompt(writer, value.get_object());
    if (!ids.ok()) ++failed;
    const boost::json::value answer =
        ids.ok() ? boost::json::value_from(*ids)
                 : boost::json::value(boost::json::object{{"error", ids.error().message}});
    std::puts(boost::json::serialize(answer).c_str());
  }
  std::fflush(stdout);
  if (failed == 0) return {};
  return make_error(Code::kInvalidArgument, "{} of {} requests have no prompt: their lines say why",
                    failed, number - 1);
}

Status tokenize(const TokenizeOptions& options) {
  if (options.chat && !options.text.empty())
    return Error{Code::kInvalidArgument, "--chat reads requests from stdin and takes no TEXT"};
  if (options.chat && options.json)
    return Error{Code::kInvalidArgument, "--chat and --json exclude each other"};
  const Loaded loaded = AQ_TRY(load(options.model));
  if (options.chat) return write_prompts(loaded, options.chat_format);
  const text::Tokenizer& tokenizer = *loaded.tokenizer;
  if (options.json && options.text.empty()) return tokenize_lines(tokenizer, options.special);
  if (options.json) {
    const auto ids = encode(tokenizer, options.text, options.special);
    fmt::print("{}\n", boost::json::serialize(boost::json::value_from(ids)));
    return {};
  }
  const std::string text = options.text.empty()
                               ? std::string(std::istreambuf_iterator<char>(std::cin), {})
                               : options.text;
  for (const text::TokenId id : encode(tokenizer, text, options.special)) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    fmt::print("{:>7}  {}\n", id, boost::json::serialize(boost::json::string(bytes)));
  }
  return {};
}

}  // namespace

void register_tokenize(Commands& commands) {
  commands.add<TokenizeOptions>("tokenize", "Print the token ids of a text", tokenize);
}

}  // namespace aquilon::apps
