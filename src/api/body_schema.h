// The bodies that routes take: tables of fields (request_fields.h) and the types that nest in them.
// Reading, the strict check, /openapi.json and docs/API.md all come from here.
#pragma once

#include <boost/json/value.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/request_fields.h"

namespace aquilon::api {

struct BodySchema {
  std::string_view name;                       // in /openapi.json
  std::vector<std::span<const Field>> tables;  // in the order of reading
  Refusal (*finish)(CompletionRequest& out);   // what depends on several fields
};

const BodySchema& chat_body();
const BodySchema& text_body();
const BodySchema& fim_body();
const BodySchema& embedding_body();
const BodySchema& messages_body();
const BodySchema& count_tokens_body();
const BodySchema& responses_body();
const BodySchema& tokenize_body();
const BodySchema& detokenize_body();
const BodySchema& template_body();
const BodySchema& model_body();

// How a route reads its body.
struct BodyRules {
  bool strict = false;        // unknown fields are a 422, at every depth
  std::string default_model;  // of a body without one; empty: it must name one
  std::string fixed_model;    // of the path, whatever the body names; empty: none
};

// 400: malformed JSON, a missing field, a field or value whose meaning we do not have; 422: a wrong
// type or range, with its place. Threads: safe. Cost: linear in the body.
Refusal read_body(const BodySchema& schema, std::string_view text, const BodyRules& rules,
                  CompletionRequest& out);

// An object inside a body, by the name that Field::type and Member::type use for it.
struct Member {
  std::string_view name;
  std::string_view type;
  bool required = false;
  std::string_view help = {};
};
struct ObjectType {
  std::string_view name;
  std::span<const Member> members;
};
std::span<const ObjectType> object_types();
const ObjectType* find_object_type(std::string_view name);  // null: not one of them

// "string | [message]" -> "string", "[message]". A list is written "[type]".
std::vector<std::string_view> type_alternatives(std::string_view type);

// 422 for the first member of `value` that its type does not know; "object" and "any" know all.
Refusal check_known_members(std::string_view type, const boost::json::value& value,
                            const std::vector<std::string>& where);
// The same for a whole body.
Refusal check_known_fields(std::span<const std::span<const Field>> tables,
                           const boost::json::object& body);

}  // namespace aquilon::api
