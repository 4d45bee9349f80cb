// One message of a request, checked against what its format can write.
#pragma once

#include <boost/json/value.hpp>

#include "chat/mistral/conversation.h"

namespace aquilon::chat::mistral {

// `messages[index]: what`, with `param` "messages".
Error message_error(Code code, std::size_t index, std::string_view what);

// Parts as they came; arguments in normal form. Errors: see read_conversation.
Result<Turn> read_message(const boost::json::value& message, std::size_t index,
                          const Format& format);

}  // namespace aquilon::chat::mistral
