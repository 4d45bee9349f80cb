// The chat page and its files, from the table embedded in the program.
#include <algorithm>

#include "api/gunzip_internal.h"
#include "api/router.h"
#include "api/web_assets.h"

namespace aquilon::api {
namespace {

// Nothing from elsewhere, no inline script or style, no HTML from strings.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const WebAsset* find_asset(std::string_view path) {
  for (const WebAsset& asset : web_assets())
    if (asset.path == path) return &asset;
  return nullptr;
}

bool accepts_gzip(std::string_view accept) {
  const std::size_t at = accept.find("gzip");
  if (at == accept.npos) return false;
  const std::string_view weight = accept.substr(at + 4, 4);  // ";q=0" refuses, ";q=0.5" does not
  return weight != ";q=0" || accept.substr(at + 8, 1) == ".";
}

HttpResponse page_response(const WebAsset& asset) {
  HttpResponse response{.content_type = std::string(asset.content_type)};
  const bool hashed = asset.path.starts_with("/assets/");
  response.headers = {
      {"Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache"},
      {"ETag", std::string(asset.etag)},
      {"Vary", "Accept-Encoding"},
      {"Content-Security-Policy", std::string(kContentPolicy)},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Permissions-Policy", "camera=(), microphone=(), geolocation=()"},
  };
  return response;
}

}  // namespace

void get_page_file(ApiContext&, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  const WebAsset* asset = find_asset(request.path == "/" ? "/index.html" : request.path);
  if (!asset) {
    exchange->respond({.content_type = "text/plain; charset=utf-8",
                       .body = std::string("Aquilon is running. This build has no chat page; the "
                                           "API is below /v1.\n")});
    return;
  }
  HttpResponse response = page_response(*asset);
  if (request.header("if-none-match").find(asset->etag) != std::string_view::npos) {
    response.status = 304;
  } else if (accepts_gzip(request.header("accept-encoding"))) {
    response.headers.push_back({"Content-Encoding", "gzip"});
    response.body = asset->gzip;
  } else {
    response.body = gunzip(asset->gzip);
  }
  exchange->respond(std::move(response));
}

}  // namespace aquilon::api
