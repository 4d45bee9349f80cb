// Which of Mistral's formats a model speaks, by what its files hold, never by its name.
#pragma once

#include <string_view>

#include "base/result.h"
#include "chat/mistral/format.h"
#include "text/tokenizer.h"

namespace aquilon::chat::mistral {

// The version that a Mistral tokenizer file declares; else, for vocabularies in other files, the
// one that the control tokens and the chat template beside them show. Null where it is none of
// Mistral's, or the template speaks another format. Errors: kUnsupported: a version that we do not
// know, with those that we do.
Result<const Format*> declared_format(const text::Tokenizer& tokenizer,
                                      std::string_view chat_template);

}  // namespace aquilon::chat::mistral
