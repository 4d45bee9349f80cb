// The Hugging Face hub's HTTP interface, as far as pulling models needs it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/http_client.h"
#include "hub/listing.h"

namespace aquilon::hub {

struct HubConfig {
  std::string endpoint;  // "https://huggingface.co"
  std::string token;     // empty: none; a secret
  HttpSettings http;

  // HF_ENDPOINT (default https://huggingface.co), HF_TOKEN, and SSL_CERT_FILE for networks with a
  // certificate authority of their own.
  static HubConfig from_environment();
};

// Asked often while something runs; false cancels.
using KeepGoing = std::function<bool()>;

// Movable, not thread-safe.
class HubClient {
 public:
  // Errors: kInvalidArgument: an endpoint that is no address, or plain http to another machine; a
  // token that no header can carry.
  static Result<HubClient> create(const HubConfig& config);

  // `revision`: branch, tag or commit. Errors: kNotFound (no such repository or revision),
  // kUnauthenticated and kPermissionDenied (says what to set or accept), kUnavailable, kCorrupt.
  Result<RepoInfo> info(const std::string& repo, const std::string& revision,
                        const KeepGoing& keep_going = {});

  // All GGUF files at a commit. Errors: as info; kCorrupt also for a listing without end.
  Result<std::vector<RemoteFile>> list(const std::string& repo, const std::string& commit,
                                       const KeepGoing& keep_going = {});

  // One request for a file, from `range_from` on. Errors: as info and HttpClient::get; kCorrupt
  // when the hub's own headers contradict its listing.
  Status fetch(const std::string& repo, const std::string& commit, const RemoteFile& file,
               HttpRequest request);

  // The endpoint's host, for messages.
  const std::string& host() const { return endpoint_.host(); }

 private:
  HubClient(Url endpoint, bool has_token, HttpClient http)
      : endpoint_(std::move(endpoint)), has_token_(has_token), http_(std::move(http)) {}
  Result<HttpClient::Text> get_api(const Url& url, const std::string& repo,
                                   const KeepGoing& keep_going);
  Error refusal(const HttpResponse& response, const std::string& repo) const;

  Url endpoint_;
  bool has_token_;
  HttpClient http_;
};

}  // namespace aquilon::hub
