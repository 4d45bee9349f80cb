// What of a schema an answer need not keep to, as a field of its head.
#pragma once

#include <span>
#include <vector>

#include "api/http_message.h"
#include "chat/generator.h"

namespace aquilon::api {

// x-unenforced: [{"pointer":...,"keyword":...,"reason":...}, ...] in ASCII, the first ones that fit
// into 4 KB; then "and N more". None where nothing is.
std::vector<Header> unenforced_headers(std::span<const chat::Unenforced> unenforced);

}  // namespace aquilon::api
