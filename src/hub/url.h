// Addresses on the network: only http and https, and the rules for following a redirect. Read by
// libcurl's own parser, the same one that then connects, so the two cannot disagree about a host.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::hub {

class Url {
 public:
  // An absolute address without user name or password; a fragment is dropped.
  // Errors: kInvalidArgument, naming what is wrong.
  static Result<Url> parse(std::string_view text);

  // Where a redirect (or a link to the next page) from here leads. `location` may be relative.
  // Never from https to http; from http to http only on this machine.
  // Errors: kPermissionDenied (a forbidden step), kCorrupt (not an address).
  Result<Url> follow(std::string_view location) const;

  // Appends a path that starts with '/', already encoded, and maybe a query.
  // Errors: kInvalidArgument.
  Result<Url> with_path(std::string_view path_and_query) const;

  const std::string& text() const { return text_; }
  const std::string& host() const { return host_; }  // small letters; IPv6 in brackets
  // scheme://host:port, the port always there: what a credential is bound to.
  std::string origin() const;
  bool is_https() const { return scheme_ == "https"; }
  // localhost, 127.x.x.x or [::1].
  bool is_loopback() const;

 private:
  Url() = default;
  static Result<Url> read(void* handle);

  std::string text_;
  std::string scheme_;
  std::string host_;
  std::string port_;
};

// A path of a repository, each part percent-encoded but for the unreserved characters of RFC 3986.
std::string encode_path(std::string_view path);

}  // namespace aquilon::hub
