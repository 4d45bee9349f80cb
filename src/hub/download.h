// One file from the hub to the disk: resumed after interruptions, checked byte for byte.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/digest.h"  // ByteProgress
#include "hub/hub_client.h"
#include "hub/listing.h"

namespace aquilon::hub {

struct DownloadEvents {
  ByteProgress progress;                       // bytes of this file so far; false interrupts
  std::function<void(std::string_view)> note;  // a line for the person: a retry, a restart
};

// Downloads `file` to `path`, going on where an earlier attempt at `path` ended; what is there
// already counts into the checksum. The SHA-256 of the whole, which equals the listing's. A broken
// or stalled transfer is tried again with growing pauses, as long as it gets anywhere. Errors:
// kCancelled (the part stays); kCorrupt (wrong size or checksum: the part is removed); kUnavailable
// (network or disk; the part stays) and those of HubClient::fetch.
Result<std::string> download_file(HubClient& client, const std::string& repo,
                                  const std::string& commit, const RemoteFile& file,
                                  const std::string& path, const DownloadEvents& events);

}  // namespace aquilon::hub
