#include "hub/pull.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>

#include "base/checked_math.h"
#include "base/nearest.h"
#include "hub/byte_text.h"
#include "hub/download.h"
#include "hub/folder.h"
#include "hub/model_name.h"
#include "hub/selection.h"

namespace aquilon::hub {
namespace {

constexpr std::string_view kMainBranch = "main";

// What to get, before the hub was asked.
struct Target {
  HubReference from;
  std::string name;                       // in the store; empty: depends on the quant
  const CatalogueModel* known = nullptr;  // the catalogue's entry
  std::optional<Manifest> installed;
};

bool is_same_model(const Manifest& m, const HubReference& from) {
  if (m.repo != from.repo || m.files.empty()) return false;
  if (from.selector.empty()) return true;
  const ManifestFile& first = m.files.front();
  const std::string source = first.source.empty() ? first.name : first.source;
  std::string capitals = from.selector;
  std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return from.selector == source || from.selector == first.name || quant_of(source) == capitals;
}

Error unknown_model(std::string_view what) {
  const std::vector<std::string> names = Catalogue::built_in().names();
  return make_error(Code::kNotFound,
                    "no model named '{}' in the catalogue: give one of `aquilon pull --list`, or a "
                    "repository of the hub as org/repo or org/repo:quant{}",
                    what, did_you_mean(what, names));
}

Result<Target> find_target(const Store& store, const PullRequest& request) {
  Target target;
  target.known = Catalogue::built_in().find(request.what);
  const std::vector<Manifest> models = AQ_TRY(store.list());
  const auto by_name = std::find_if(models.begin(), models.end(),
                                    [&](const Manifest& m) { return m.name == request.what; });
  if (target.known != nullptr) {
    target.from = {target.known->repo,
                   target.known->file.empty() ? target.known->quant : target.known->file};
    target.name = target.known->name;
  } else if (by_name != models.end() && !by_name->repo.empty()) {
    target.from = {by_name->repo, by_name->files.front().source};
    target.name = by_name->name;
  } else if (const auto reference = parse_hub_reference(request.what)) {
    target.from = *reference;
  } else {
    return unknown_model(request.what);
  }
  if (!request.name.empty()) target.name = request.name;
  if (!target.name.empty() && !is_model_name(target.name))
    return make_error(Code::kInvalidArgument,
                      "--name: '{}' is not a model's name: small letters, digits, '.', '_', '-'",
                      target.name);
  for (const Manifest& m : models) {
    const bool by_own_name = m.name == request.what && m.repo == target.from.repo;
    const bool named = target.name.empty() || m.name == target.name;
    if (named && (by_own_name || is_same_model(m, target.from))) target.installed = m;
  }
  return target;
}

class Puller {
 public:
  Puller(const Store& store, HubClient& client, const PullRequest& request,
         const PullEvents& events)
      : store_(store), client_(client), request_(request), events_(events) {}

  Result<PullResult> run() {
    target_ = AQ_TRY(find_target(store_, request_));
    if (target_.installed && is_wanted_revision(*target_.installed)) {
      Status sound = store_.verify(
          *target_.installed,
          counting("verifying", target_.installed->name, 0, target_.installed->total_bytes()));
      if (sound.ok()) return PullResult{*target_.installed, true};
      if (sound.error().code != Code::kCorrupt) return std::move(sound).error();
      note(sound.error().message + "; getting it again");
    }
    return download();
  }

 private:
  bool is_wanted_revision(const Manifest& m) const {
    return request_.revision.empty() || request_.revision == m.revision ||
           request_.revision == m.requested;
  }

  KeepGoing keep_going() const {
    return [this] { return !events_.progress || events_.progress({}); };
  }

  ByteProgress counting(std::string_view action, std::string_view file, std::uint64_t before,
                        std::uint64_t total) const {
    return [this, action, file, before, total](std::uint64_t done) {
      return !events_.progress || events_.progress({action, file, before + done, total});
    };
  }

  void note(std::string_view line) const {
    if (events_.note) events_.note(line);
  }

  std::string wanted_revision() const {
    if (!request_.revision.empty()) return request_.revision;
    if (target_.installed && !target_.installed->requested.empty())
      return target_.installed->requested;
    return std::string(kMainBranch);
  }

  Result<PullResult> download() {
    const std::string& repo = target_.from.repo;
    Manifest manifest;
    manifest.repo = repo;
    manifest.requested = wanted_revision();
    const RepoInfo info = AQ_TRY(client_.info(repo, manifest.requested, keep_going()));
    const auto listing = AQ_TRY(client_.list(repo, info.commit, keep_going()));
    Result<Selection> selected = select_files(listing, target_.from.selector);
    if (!selected.ok()) return std::move(selected).error().with_context(repo);
    manifest.revision = info.commit;
    manifest.licence = target_.known != nullptr ? target_.known->licence : info.licence;
    manifest.name = AQ_TRY(choose_name(*selected));
    const std::uint64_t total = AQ_TRY(total_bytes(*selected));
    announce(manifest, info, *selected, total);
    Staging staging = AQ_TRY(store_.stage(manifest.name));
    AQ_RETURN_IF_ERROR(fetch_all(staging, *selected, total, manifest));
    manifest.added = utc_timestamp();
    AQ_RETURN_IF_ERROR(store_.publish(std::move(staging), manifest));
    return PullResult{manifest, false};
  }

  Result<std::string> choose_name(const Selection& selection) const {
    const std::string name =
        target_.name.empty() ? store_name(target_.from.repo, selection.quant) : target_.name;
    if (!is_model_name(name))
      return make_error(Code::kInvalidArgument,
                        "'{}' makes no name for the store: give one with --name NAME",
                        target_.from.repo);
    const Result<Manifest> other = store_.find(name);
    if (!other.ok()) return name;
    const HubReference exact{target_.from.repo, selection.files.front().path};
    const bool replaces = target_.installed && target_.installed->name == name;
    if (replaces || is_same_model(*other, exact)) return name;
    return make_error(
        Code::kInvalidArgument,
        "the name '{}' is taken by a model from {}: give another with --name NAME, or "
        "remove that one with `aquilon models remove {}`",
        name, other->repo.empty() ? "a local file" : other->repo, name);
  }

  Result<std::uint64_t> total_bytes(const Selection& selection) const {
    CheckedSize total;
    std::set<std::string> names;
    for (const RemoteFile& file : selection.files) {
      total += file.bytes;
      names.insert(file.file_name());
    }
    if (!total.ok() || names.size() != selection.files.size())
      return make_error(Code::kCorrupt, "the listing of {} contradicts itself", target_.from.repo);
    return *total.value();
  }

  void announce(const Manifest& manifest, const RepoInfo& info, const Selection& selection,
                std::uint64_t total) const {
    note(fmt::format(
        "{}: {} of {}{}, revision {}", manifest.name, selection.files.front().path, manifest.repo,
        selection.files.size() == 1 ? std::string()
                                    : fmt::format(" and {} more parts", selection.files.size() - 1),
        info.commit.substr(0, 12)));
    note(fmt::format("{}, licence: {}", byte_text(total),
                     manifest.licence.empty() ? "not stated by the repository" : manifest.licence));
    if (target_.known != nullptr && !target_.known->notice.empty()) note(target_.known->notice);
    if (info.gated) note("Its owner gives access on conditions: see the repository's page.");
  }

  Status fetch_all(const Staging& staging, const Selection& selection, std::uint64_t total,
                   Manifest& manifest) {
    AQ_RETURN_IF_ERROR(store_.check_space(AQ_TRY(missing_bytes(staging, selection, total))));
    std::uint64_t before = 0;
    for (const RemoteFile& file : selection.files) {
      const std::string name = file.file_name();
      const std::string part = part_path(staging, file);
      const DownloadEvents events{counting("downloading", name, before, total), events_.note};
      const std::string sha256 =
          AQ_TRY(download_file(client_, manifest.repo, manifest.revision, file, part, events));
      manifest.files.push_back({name, file.path, file.bytes, sha256});
      before += file.bytes;
    }
    // Only now, so that an interrupted pull finds every part under the name it looks for.
    for (const RemoteFile& file : selection.files) {
      const std::string path = staging.folder() + "/" + file.file_name();
      if (::rename(part_path(staging, file).c_str(), path.c_str()) != 0)
        return errno_error("rename to", path);
    }
    return {};
  }

  // The checksum is in the name: a part of another version is never continued.
  static std::string part_path(const Staging& staging, const RemoteFile& file) {
    const std::string& sum = file.sha256.empty() ? file.git_oid : file.sha256;
    return fmt::format("{}/{}.{}.part", staging.folder(), file.file_name(), sum.substr(0, 16));
  }

  // What is still to come; leftovers of other versions are removed.
  Result<std::uint64_t> missing_bytes(const Staging& staging, const Selection& selection,
                                      std::uint64_t total) const {
    std::uint64_t have = 0;
    std::set<std::string> parts;
    for (const RemoteFile& file : selection.files) {
      const std::string path = part_path(staging, file);
      parts.insert(path.substr(path.rfind('/') + 1));
      have += std::min(file.bytes, regular_file_bytes(path));
    }
    for (const std::string& entry : AQ_TRY(folder_entries(staging.folder())))
      if (!parts.contains(entry)) std::remove((staging.folder() + "/" + entry).c_str());
    if (have != 0) note(fmt::format("going on after {} of an earlier attempt", byte_text(have)));
    return total - std::min(have, total);
  }

  const Store& store_;
  HubClient& client_;
  const PullRequest& request_;
  const PullEvents& events_;
  Target target_;
};

}  // namespace

Result<PullResult> pull(const Store& store, HubClient& client, const PullRequest& request,
                        const PullEvents& events) {
  return Puller(store, client, request, events).run();
}

}  // namespace aquilon::hub
