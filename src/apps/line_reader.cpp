#include "apps/line_reader.h"

#include <histedit.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>

namespace aquilon::apps {
namespace {

constexpr int kHistoryLines = 1000;
constexpr std::string_view kBlock = "\"\"\"";

}  // namespace

// libedit's editor and history.
struct LineReader::Editor {
  EditLine* line = el_init("aquilon", stdin, stdout, stderr);
  History* history = history_init();
  std::string prompt;

  Editor() {
    HistEvent event;
    ::history(history, &event, H_SETSIZE, kHistoryLines);
    el_set(line, EL_CLIENTDATA, this);
    el_set(line, EL_PROMPT, show_prompt);
    el_set(line, EL_EDITOR, "emacs");
    el_set(line, EL_HIST, ::history, history);
    el_source(line, nullptr);  // the person's own ~/.editrc
  }
  ~Editor() {
    history_end(history);
    el_end(line);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  static char* show_prompt(EditLine* line) {
    Editor* self = nullptr;
    el_get(line, EL_CLIENTDATA, &self);
    return self->prompt.data();
  }
};

LineReader::LineReader(InterruptFlag& interrupt) : interrupt_(interrupt) {
  if (isatty(STDIN_FILENO)) editor_ = std::make_unique<Editor>();
}
LineReader::~LineReader() = default;

std::optional<std::string> LineReader::read_message(const std::string& prompt) {
  auto line = read_line(prompt);
  if (!line) return line;
  if (line->starts_with(kBlock)) {
    std::string message = line->substr(kBlock.size());
    while ((line = read_line(". ")) && !line->ends_with(kBlock))
      message += (message.empty() ? "" : "\n") + *line;
    if (line && line->size() > kBlock.size())
      message += "\n" + line->substr(0, line->size() - kBlock.size());
    return message;
  }
  while (line->ends_with('\\')) {
    line->back() = '\n';
    const auto next = read_line(". ");
    if (!next) break;
    *line += *next;
  }
  return line;
}

std::optional<std::string> LineReader::read_line(const std::string& prompt) {
  if (!editor_) {
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
  }
  editor_->prompt = prompt;
  interrupt_.take();  // one that came too late for the answer
  while (true) {
    int count = 0;
    const char* text = el_gets(editor_->line, &count);
    if (text == nullptr || count <= 0) {
      if (!interrupt_.take()) return std::nullopt;
      std::fputc('\n', stderr);
      el_reset(editor_->line);
      continue;
    }
    std::string line(text, static_cast<std::size_t>(count));
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    HistEvent event;
    if (!line.empty()) ::history(editor_->history, &event, H_ENTER, line.c_str());
    return line;
  }
}

}  // namespace aquilon::apps
