#include "hub/download.h"

#include <unistd.h>

#include "hub/byte_text.h"
#include "hub/part_file_internal.h"
#include "hub/retry.h"

namespace aquilon::hub {
namespace {

constexpr int kMaxFailures = 6;                             // in a row
constexpr std::uint64_t kHeadway = std::uint64_t{1} << 20;  // bytes that make a failure forgotten

// That a resumed answer starts where we asked: "bytes 100-199/200".
Status check_range(const HttpResponse& head, std::uint64_t from, const RemoteFile& file) {
  const std::string_view range = head.header("content-range");
  const bool start = range.starts_with(fmt::format("bytes {}-", from));
  if (start && (range.ends_with(fmt::format("/{}", file.bytes)) || range.ends_with("/*")))
    return {};
  return make_error(Code::kCorrupt, "the server sends another range of {} than was asked for",
                    file.path);
}

class Download {
 public:
  Download(HubClient& client, const std::string& repo, const std::string& commit,
           const RemoteFile& file, const DownloadEvents& events)
      : client_(client), repo_(repo), commit_(commit), file_(file), events_(events) {}

  // Until the part is complete.
  Status run(PartFile& part) {
    int failures = 0;
    std::uint64_t mark = part.bytes();
    while (!part.complete()) {
      Status status = request(part);
      if (part.bytes() >= mark + kHeadway) failures = 0;
      mark = part.bytes();
      if (status.ok() && part.complete()) return {};
      if (status.ok())
        status = make_error(Code::kUnavailable, "the transfer of {} ended early", file_.path);
      if (!is_transient(status.error()) || ++failures == kMaxFailures) return status;
      AQ_RETURN_IF_ERROR(pause(part, failures, status.error()));
    }
    return {};
  }

 private:
  Status request(PartFile& part) {
    HttpRequest request;
    request.range_from = part.bytes();
    request.max_body = file_.bytes;
    request.on_head = [&](const HttpResponse& head) -> Status {
      if (head.status == 206) return check_range(head, part.bytes(), file_);
      if (part.bytes() != 0) return part.restart();  // the server knows no ranges
      return {};
    };
    request.on_body = [&](std::string_view piece) { return part.append(piece); };
    request.keep_going = [&] { return keep_going(part); };
    return client_.fetch(repo_, commit_, file_, std::move(request));
  }

  Status pause(const PartFile& part, int failures, const Error& error) {
    const auto delay = retry_delay(failures, parse_retry_after(error.detail));
    if (events_.note)
      events_.note(fmt::format("{}; trying again in {:.1f} s from {} on", error.message,
                               std::chrono::duration<double>(delay).count(),
                               byte_text(part.bytes())));
    if (wait_for(delay, [&] { return keep_going(part); })) return {};
    return make_error(Code::kCancelled, "interrupted");
  }

  bool keep_going(const PartFile& part) const {
    return !events_.progress || events_.progress(part.bytes());
  }

  HubClient& client_;
  const std::string& repo_;
  const std::string& commit_;
  const RemoteFile& file_;
  const DownloadEvents& events_;
};

}  // namespace

Result<std::string> download_file(HubClient& client, const std::string& repo,
                                  const std::string& commit, const RemoteFile& file,
                                  const std::string& path, const DownloadEvents& events) {
  PartFile part = AQ_TRY(PartFile::open(path, file, events.progress));
  Download download(client, repo, commit, file, events);
  bool resumed = part.bytes() != 0;
  while (true) {
    Status status = download.run(part);
    Result<std::string> sha256 = status.ok() ? part.finish() : std::move(status).error();
    if (sha256.ok()) return sha256;
    if (sha256.error().code != Code::kCorrupt) return sha256;
    if (!resumed) {
      ::unlink(path.c_str());
      return sha256;
    }
    // What an earlier attempt left may be the damaged half: once more, from nothing.
    resumed = false;
    if (events.note) events.note(sha256.error().message + "; once more from the beginning");
    AQ_RETURN_IF_ERROR(part.restart());
  }
}

}  // namespace aquilon::hub
