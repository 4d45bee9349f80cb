// Getting a model from the hub into the store.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/hub_client.h"
#include "hub/store.h"

namespace aquilon::hub {

struct PullRequest {
  std::string what;      // a name of the catalogue or of the store, or org/repo[:quant-or-file]
  std::string revision;  // branch, tag or commit; empty: the main branch, or what is installed
  std::string name;      // in the store; empty: the catalogue's, or one made from the repository's
};

struct PullProgress {
  std::string_view action;  // "downloading", "verifying"
  std::string_view file;
  std::uint64_t done = 0;  // bytes of all files of the model
  std::uint64_t total = 0;
};

struct PullEvents {
  std::function<bool(const PullProgress&)> progress;  // called often; false interrupts
  std::function<void(std::string_view)> note;         // a line for the person
};

struct PullResult {
  Manifest model;
  bool was_installed = false;  // already there, and found undamaged
};

// Nothing of an incomplete model is visible in the store; an interrupted pull is resumed by the
// next. An installed model is verified instead, without the network, unless another revision is
// asked for. Errors: kInvalidArgument, kNotFound, kUnauthenticated, kPermissionDenied, kCorrupt,
// kUnavailable, kCancelled, each saying what to do.
Result<PullResult> pull(const Store& store, HubClient& client, const PullRequest& request,
                        const PullEvents& events);

}  // namespace aquilon::hub
