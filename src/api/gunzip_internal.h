// Unpacking of the program's own embedded files, for the few clients that do not read gzip.
#pragma once

#include <span>
#include <string>

namespace aquilon::api {

// Not for data from outside: empty on anything but one well-formed gzip member of at most 64 MiB.
std::string gunzip(std::span<const unsigned char> gzip);

}  // namespace aquilon::api
