// The tables of request fields: name, type, range and where the value goes. Adding a field is
// adding a row.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "api/completion_request.h"

namespace aquilon::api {

struct Field;

// For values that need more than a type and a range.
using FieldReader = Refusal (*)(const Field& field, const boost::json::value& value,
                                CompletionRequest& out);

// Accepted and of no effect here.
struct Ignored {};

// Valid in other servers, not in this one: anything but null and the neutral values (JSON texts
// separated by '|') is refused by name.
struct Refused {
  std::string_view neutral;
};

using Target =
    std::variant<Ignored, Refused, FieldReader, double engine::SamplingParams::*,
                 int engine::SamplingParams::*, int chat::GenerationRequest::*,
                 bool chat::GenerationRequest::*, std::optional<int> chat::GenerationRequest::*,
                 std::optional<int> CompletionRequest::*, bool CompletionRequest::*,
                 std::string CompletionRequest::*, bool TokenOptions::*, bool ToolRules::*,
                 std::optional<bool> TokenOptions::*>;

struct Field {
  std::string_view name;
  std::string_view type;  // for readers: "number", "integer", "string | [string]"
  Target target;
  double min = 0;  // of numbers and integers, inclusive
  double max = 0;
  bool required = false;
  std::string_view help = {};
};

// Every route / the chat route / the text route / the route that fills in. Read in order: a later
// row overrides an earlier one that has the same target.
std::span<const Field> shared_fields();
std::span<const Field> chat_fields();
std::span<const Field> text_fields();
std::span<const Field> fim_fields();
std::span<const Field> embedding_fields();  // all that its route has

// Reads every field of the table that the body has; null counts as absent.
Refusal read_fields(std::span<const Field> fields, const boost::json::object& body,
                    CompletionRequest& out);

}  // namespace aquilon::api
