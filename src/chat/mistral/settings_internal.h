// [MODEL_SETTINGS] of format v15: what a request may set, by the tokenizer's file.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::chat::mistral {

// JSON of the settings; empty: none. `builder`: tekken.json's model_settings_builder, empty where
// the file has none (then a request's setting is taken as it is). Errors: kInvalidArgument with
// `param` "reasoning_effort" and the values that the model knows.
Result<std::string> settings_json(std::string_view builder, const boost::json::object& request);

}  // namespace aquilon::chat::mistral
