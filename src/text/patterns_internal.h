// The regular expressions that published tokenizers split by, and what GGUF calls them.
#pragma once

#include <string_view>

namespace aquilon::text {

// The name of the pre-tokenizer; empty if we have none for this expression.
std::string_view name_of_pattern(std::string_view regex);

}  // namespace aquilon::text
