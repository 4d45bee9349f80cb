#include "hub/hub_client.h"

#include <algorithm>
#include <cstdlib>

#include "hub/model_name.h"
#include "hub/retry.h"

namespace aquilon::hub {
namespace {

constexpr std::uint64_t kMaxApiBytes = 16 << 20;
constexpr std::size_t kMaxPages = 200;
constexpr std::size_t kMaxFiles = 20'000;
constexpr int kApiAttempts = 4;

bool is_header_value(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// A branch, tag or commit as one part of an address: "refs/pr/1" -> "refs%2Fpr%2F1".
std::string encode_revision(const std::string& revision) {
  std::string encoded = encode_path(revision);
  for (std::size_t at = 0; (at = encoded.find('/', at)) != std::string::npos;)
    encoded.replace(at, 1, "%2F");
  return encoded;
}

bool is_revision(const std::string& text) {
  return !text.empty() && text.size() <= 200 && text.find("..") == std::string::npos &&
         text.front() != '/' && is_header_value(text);
}

// The hub repeats size and SHA-256 of large files where it redirects to its storage.
Status check_linked(const HttpResponse& head, const RemoteFile& file) {
  const std::string_view size = head.origin_header("x-linked-size");
  if (!size.empty() && size != std::to_string(file.bytes))
    return make_error(Code::kCorrupt, "the hub says that {} has {} bytes, and {} in its listing",
                      file.path, size.substr(0, 40), file.bytes);
  std::string_view etag = head.origin_header("x-linked-etag");
  if (etag.size() > 2 && etag.front() == '"') etag = etag.substr(1, etag.size() - 2);
  if (is_sha256(etag) && !file.sha256.empty() && etag != file.sha256)
    return make_error(Code::kCorrupt, "the hub gives {} two checksums: {} and {}", file.path, etag,
                      file.sha256);
  return {};
}

}  // namespace

HubConfig HubConfig::from_environment() {
  const auto value = [](const char* name, const char* fallback) -> std::string {
    const char* text = std::getenv(name);
    return text == nullptr || *text == '\0' ? fallback : text;
  };
  HubConfig config{value("HF_ENDPOINT", "https://huggingface.co"), value("HF_TOKEN", ""), {}};
  config.http.ca_file = value("SSL_CERT_FILE", "");
  return config;
}

Result<HubClient> HubClient::create(const HubConfig& config) {
  Result<Url> endpoint = Url::parse(config.endpoint);
  if (!endpoint.ok()) return std::move(endpoint).error().with_context("HF_ENDPOINT");
  if (!endpoint->is_https() && !endpoint->is_loopback())
    return make_error(Code::kInvalidArgument,
                      "HF_ENDPOINT: {} must be https (plain http only on this machine)",
                      config.endpoint);
  if (!is_header_value(config.token))
    return make_error(Code::kInvalidArgument, "HF_TOKEN has characters that no token has");
  HttpClient http(config.http, Credential{endpoint->origin(), config.token});
  return HubClient(std::move(endpoint).value(), !config.token.empty(), std::move(http));
}

// What an answer other than 2xx means to a person. The hub says 401 for repositories that do not
// exist.
Error HubClient::refusal(const HttpResponse& response, const std::string& repo) const {
  const std::string_view code = response.origin_header("x-error-code");
  const std::string host = endpoint_.host();
  const int status = response.status;
  if (code == "RevisionNotFound")
    return make_error(Code::kNotFound, "{} on {} has no such revision", repo, host);
  if (code == "EntryNotFound")
    return make_error(Code::kNotFound, "{} on {} has no such file any more", repo, host);
  if (code == "GatedRepo" || status == 403)
    return make_error(
        status == 403 ? Code::kPermissionDenied : Code::kUnauthenticated,
        "{} on {} is gated: accept its licence at {}/{} and {}", repo, host, endpoint_.text(), repo,
        has_token_ ? "check that HF_TOKEN is of that account" : "set HF_TOKEN to a token of yours");
  if (status == 401)
    return make_error(Code::kUnauthenticated,
                      "{} has no public repository {}: check the name, or {}", host, repo,
                      has_token_ ? "whether HF_TOKEN is valid and may read it"
                                 : "set HF_TOKEN if it is private or gated");
  if (status == 404) return make_error(Code::kNotFound, "{} has no repository {}", host, repo);
  if (status == 429)
    return make_error(Code::kExhausted, "{} asks to come back later (429): too many requests",
                      host);
  if (status >= 500)
    return make_error(Code::kUnavailable, "{} is out of order: it answers {}", host, status);
  return make_error(Code::kCorrupt, "{} answers {}, which makes no sense here", host, status);
}

Result<HttpClient::Text> HubClient::get_api(const Url& url, const std::string& repo,
                                            const KeepGoing& keep_going) {
  for (int attempt = 1;; ++attempt) {
    Result<HttpClient::Text> text = http_.get_text(url, kMaxApiBytes, keep_going);
    std::chrono::milliseconds asked{};
    if (text.ok()) {
      if (text->response.status / 100 == 2) return text;
      asked = parse_retry_after(text->response.header("retry-after"));
      text = refusal(text->response, repo);
    }
    // Without network one line at once is better than half a minute of hope.
    const bool hopeless = text.error().detail == kUnreachable || !is_transient(text.error());
    if (hopeless || attempt == kApiAttempts) return text;
    if (!wait_for(retry_delay(attempt, asked), keep_going))
      return make_error(Code::kCancelled, "interrupted");
  }
}

Result<RepoInfo> HubClient::info(const std::string& repo, const std::string& revision,
                                 const KeepGoing& keep_going) {
  if (!is_revision(revision))
    return make_error(Code::kInvalidArgument, "'{}' is not a revision: a branch, tag or commit",
                      revision);
  const Url url = AQ_TRY(endpoint_.with_path(
      fmt::format("/api/models/{}/revision/{}", encode_path(repo), encode_revision(revision))));
  const HttpClient::Text text = AQ_TRY(get_api(url, repo, keep_going));
  return parse_repo_info(text.body);
}

Result<std::vector<RemoteFile>> HubClient::list(const std::string& repo, const std::string& commit,
                                                const KeepGoing& keep_going) {
  Url url = AQ_TRY(endpoint_.with_path(fmt::format("/api/models/{}/tree/{}?recursive=true",
                                                   encode_path(repo), encode_revision(commit))));
  std::vector<RemoteFile> files;
  for (std::size_t page = 0; page < kMaxPages && files.size() <= kMaxFiles; ++page) {
    const HttpClient::Text text = AQ_TRY(get_api(url, repo, keep_going));
    std::vector<RemoteFile> more = AQ_TRY(parse_listing_page(text.body));
    files.insert(files.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
    const std::string next = next_page(text.response.header("link"));
    if (next.empty()) return files;
    url = AQ_TRY(url.follow(next));
    if (url.origin() != endpoint_.origin())
      return make_error(Code::kCorrupt, "{} continues its listing on another host", host());
  }
  return make_error(Code::kCorrupt, "{} lists too many files for {}", host(), repo);
}

Status HubClient::fetch(const std::string& repo, const std::string& commit, const RemoteFile& file,
                        HttpRequest request) {
  const Url url = AQ_TRY(endpoint_.with_path(fmt::format(
      "/{}/resolve/{}/{}", encode_path(repo), encode_revision(commit), encode_path(file.path))));
  request.on_head = [&, inner = std::move(request.on_head)](const HttpResponse& head) -> Status {
    AQ_RETURN_IF_ERROR(check_linked(head, file));
    return inner ? inner(head) : Status();
  };
  const HttpResponse response = AQ_TRY(http_.get(url, request));
  if (response.status / 100 == 2) return {};
  Error error = response.from_origin
                    ? refusal(response, repo)
                    : make_error(Code::kUnavailable, "{}'s file storage answers {} for {}", host(),
                                 response.status, file.path);
  if (response.from_origin && response.status == 404)
    error.message = fmt::format("{} has no {} in {} any more", host(), file.path, repo);
  error.detail = response.header("retry-after");
  return error;
}

}  // namespace aquilon::hub
