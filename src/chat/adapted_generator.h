// A generator's model with one of its LoRA adapters, as a model of its own name.
#pragma once

#include <memory>
#include <string>

#include "chat/generator.h"

namespace aquilon::chat {

// Requests that choose no adapter get that of `index`; all else is the generator's. The card has
// `name` and its parent, the generator's id. Threads: as those of the generator.
std::shared_ptr<Generator> with_adapter(std::shared_ptr<Generator> generator, std::string name,
                                        std::size_t index);

}  // namespace aquilon::chat
