// The files of the browser application, embedded in the program. The table is generated into the
// build tree (cmake/aquilon_web.cmake, library aq_web); a build without the page links an empty
// one.
#pragma once

#include <span>
#include <string_view>

namespace aquilon::api {

struct WebAsset {
  std::string_view path;          // as requested: "/index.html", "/assets/main-1a2b3c4d.js"
  std::string_view content_type;  // "text/html; charset=utf-8"
  std::string_view etag;          // with its quotes
  std::span<const unsigned char> gzip;
};

// Sorted by path. Files below /assets/ carry a hash in their name and never change. "/index.html"
// also answers "/". Threads: safe.
std::span<const WebAsset> web_assets();

}  // namespace aquilon::api
