// Fields that need more than a type and a range.
#pragma once

#include "api/field_values_internal.h"  // Location
#include "api/request_fields.h"

namespace aquilon::api {

Refusal read_messages(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_prompt(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_one_text(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_inputs(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_encoding_format(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_dimension(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_output_dtype(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_tokens(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_prompt_logprobs(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_prediction(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_stop(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_stop_token_ids(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_seed(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_top_p(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_logit_bias(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_lora(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_stream_options(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_response_format(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_guided_json(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_guided_regex(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_guided_choice(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_guided_grammar(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_json_whitespace(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_structured_outputs(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_tools(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_tool_choice(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_template_kwargs(const Field&, const boost::json::value&, CompletionRequest&);

// {"type":"text"}, {"type":"json_object"} or a schema: inside a member json_schema, as chats have
// it, or beside the type, as responses do.
enum class FormatForm { kNested, kFlat };
Refusal read_answer_format(const Field&, const boost::json::value&, const Location& where,
                           FormatForm form, CompletionRequest&);

}  // namespace aquilon::api
