// Sizes for people.
#pragma once

#include <cstdint>
#include <string>

namespace aquilon::hub {

// "812 B", "98.4 MB", "1.12 GB": three digits in decimal units, as disks and hubs count.
std::string byte_text(std::uint64_t bytes);

}  // namespace aquilon::hub
