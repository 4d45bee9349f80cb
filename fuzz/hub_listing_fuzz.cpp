// Everything that the hub sends as text: listing, repository, Link header, redirect; and what the
// store reads back: manifests. Whatever is accepted must keep its promises.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "hub/listing.h"
#include "hub/manifest.h"
#include "hub/model_name.h"
#include "hub/selection.h"
#include "hub/url.h"

namespace {

using namespace aquilon;

void check_listing(std::string_view text) {
  const auto files = hub::parse_listing_page(text);
  if (!files.ok()) return;
  for (const hub::RemoteFile& file : *files) {
    AQ_CHECK(hub::is_gguf_file_name(file.file_name()));
    AQ_CHECK(hub::parse_hub_reference("o/r:" + file.path).has_value());  // no part starts with '.'
    AQ_CHECK(file.bytes > 0 && (file.sha256.empty() || hub::is_sha256(file.sha256)));
  }
  const auto selection = hub::select_files(*files, "");
  AQ_CHECK(!selection.ok() || !selection->files.empty());
}

void check_manifest(std::string_view text) {
  const auto manifest = hub::Manifest::parse(text);
  if (!manifest.ok()) return;
  AQ_CHECK(hub::is_model_name(manifest->name));
  const auto again = hub::Manifest::parse(manifest->to_json());
  AQ_CHECK(again.ok() && *again == *manifest);
}

void check_redirect(const std::string& text) {
  static const auto from = hub::Url::parse("https://hub.example/a/b");
  const auto to = from->follow(text);
  AQ_CHECK(!to.ok() || to->is_https());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_listing(text);
  check_manifest(text);
  check_redirect(text);
  (void)hub::parse_repo_info(text);
  (void)hub::next_page(text);
  (void)hub::parse_hub_reference(text);
  return 0;
}
