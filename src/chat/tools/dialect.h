// How models write calls of functions. One table says it for the prompt, for the grammar that an
// answer is held to, and for the reader that finds the calls in an answer.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace aquilon::chat {

// One way to write calls, in the notation of call_pattern.h: front, call (between call)*, close.
struct CallForm {
  std::string_view front = {};
  std::string_view call = {};     // one that begins with "{" is read with its members in any order
  std::string_view between = {};  // empty: one call only
  std::string_view close = {};
  // The front alone says that a call begins; else a tool's name has to follow it.
  bool certain = false;
  bool forced = false;  // the form of calls that a request asks for
};

struct Dialect {
  std::string_view name;
  std::span<const CallForm> forms;  // in the order of trying
  // Written forms in them that are control tokens where the vocabulary has them as such.
  std::span<const std::string_view> tokens = {};
  bool short_ids = false;  // ids of calls are 9 letters and digits
  // Of models that may have learnt calls badly: they are helped to end, and to call nothing.
  bool weak = false;
  // A regular expression: how answers that may have calls do not begin, so that a model which would
  // write one in another form finds that of its prompt. Empty: as they like.
  std::string_view no_beginning = {};
  // For models whose template knows no tools: what the system message says before and after the
  // list of tools. Empty: the dialect belongs to a template that does.
  std::string_view before_tools = {};
  std::string_view after_tools = {};
};

// All of them; the names are those of --tool-format.
std::span<const Dialect> dialects();
const Dialect* find_dialect(std::string_view name);  // null: there is none
// The same for a model that needs no help.
const Dialect& without_help(const Dialect& dialect);
// What a template's own text says of calls; that of plain JSON where it says nothing.
const Dialect& dialect_of_template(std::string_view source);

// The beginning of an answer's text by which a call is known, as a pattern.
std::string trigger_of(const CallForm& form);

}  // namespace aquilon::chat
