#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "formats/json_fields_internal.h"
#include "formats/weight_files_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kMaxIndexBytes = 32u << 20;
constexpr std::string_view kSuffix = ".safetensors";

std::string whole_name(std::string_view stem) {
  return std::string(stem) + std::string(kSuffix);
}

std::string index_name(std::string_view stem) {
  return whole_name(stem) + ".index.json";
}

std::vector<std::string> part_names(const FolderFiles& folder, std::string_view stem) {
  std::vector<std::string> parts = folder.names();
  std::erase_if(parts, [stem](const std::string& name) {
    return !name.starts_with(std::string(stem) + "-") || !name.ends_with(kSuffix);
  });
  return parts;
}

// "<stem>-00002-of-00003.safetensors" must have two neighbours.
Status check_parts(const FolderFiles& folder, const std::vector<std::string>& parts) {
  const std::string_view name = parts.front();
  const std::size_t of = name.rfind("-of-");
  if (of == name.npos) return {};
  const std::string_view number = name.substr(of + 4, name.size() - of - 4 - kSuffix.size());
  std::size_t count = 0;
  std::from_chars(number.data(), number.data() + number.size(), count);
  if (count == parts.size()) return {};
  return make_error(Code::kNotFound, "{}: {} of the {} files of weights are here", folder.path(),
                    parts.size(), number);
}

// The files that an index names: file -> tensors.
using Index = std::map<std::string, std::vector<std::string>>;

Result<Index> read_index(const FolderFiles& folder, const std::string& name) {
  const std::string path = folder.path_of(name);
  const std::string text = AQ_TRY(folder.text(name, kMaxIndexBytes));
  const boost::json::object root = AQ_TRY(read_json_object(text, path));
  const auto map = AQ_TRY(JsonFields(root, path).object("weight_map"));
  Index files;
  if (!map) return make_error(Code::kCorrupt, "{}: 'weight_map' is missing", path);
  for (const auto& entry : map->all()) {
    const std::string file = AQ_TRY(map->text(entry.key(), ""));
    if (!file.ends_with(kSuffix)) return map->wrong(entry.key(), "the name of a safetensors file");
    if (!folder.has(file))
      return make_error(Code::kNotFound, "{}: the file {} is missing, in which {} has '{}'",
                        folder.path(), file.substr(0, 200), name,
                        std::string_view(entry.key().data(), entry.key().size()).substr(0, 200));
    files[file].emplace_back(entry.key());
  }
  if (files.empty()) return make_error(Code::kCorrupt, "{}: 'weight_map' is empty", path);
  return files;
}

Error no_weights(const FolderFiles& folder, std::string_view stem) {
  for (const std::string& name : folder.names())
    if (name.ends_with(".bin") || name.ends_with(".pth") || name.ends_with(".pt"))
      return make_error(Code::kUnsupported,
                        "{}: the weights are pickled ({}), which may run any code and is never "
                        "read; {} is needed",
                        folder.path(), name, whole_name(stem));
  return make_error(Code::kNotFound, "{}: the weights are missing: neither {} nor {} is here",
                    folder.path(), whole_name(stem), index_name(stem));
}

}  // namespace

bool WeightFiles::present(const FolderFiles& folder, std::string_view stem) {
  return folder.has(index_name(stem)) || folder.has(whole_name(stem)) ||
         !part_names(folder, stem).empty();
}

Result<WeightFiles> WeightFiles::open(FolderFiles& folder, std::string_view stem) {
  WeightFiles weights;
  if (folder.has(index_name(stem))) {
    const Index index = AQ_TRY(read_index(folder, index_name(stem)));
    for (const auto& [name, tensors] : index) AQ_RETURN_IF_ERROR(weights.add(folder, name));
    AQ_RETURN_IF_ERROR(weights.sort());
    for (const auto& [name, tensors] : index)
      AQ_RETURN_IF_ERROR(weights.check_held(name, tensors, folder.path_of(index_name(stem))));
    return weights;
  }
  std::vector<std::string> names = {whole_name(stem)};
  if (!folder.has(names.front())) {
    names = part_names(folder, stem);
    if (names.empty()) return no_weights(folder, stem);
    AQ_RETURN_IF_ERROR(check_parts(folder, names));
  }
  for (const std::string& name : names) AQ_RETURN_IF_ERROR(weights.add(folder, name));
  AQ_RETURN_IF_ERROR(weights.sort());
  return weights;
}

Status WeightFiles::add(FolderFiles& folder, const std::string& name) {
  const std::span<const std::byte> bytes = AQ_TRY(folder.map(name));
  SafetensorsFile file = AQ_TRY(SafetensorsFile::parse(bytes, folder.path_of(name)));
  files_.push_back(std::move(file));
  names_.push_back(name);
  bytes_ += bytes.size();
  return {};
}

Status WeightFiles::sort() {
  by_name_ = all();
  const auto less = [](const Weight& a, const Weight& b) {
    return a.tensor->name < b.tensor->name;
  };
  std::stable_sort(by_name_.begin(), by_name_.end(), less);
  const auto twin = std::adjacent_find(
      by_name_.begin(), by_name_.end(),
      [](const Weight& a, const Weight& b) { return a.tensor->name == b.tensor->name; });
  if (twin == by_name_.end()) return {};
  return make_error(Code::kCorrupt, "{}: tensor '{}': is also in {}", *twin[1].path,
                    twin[1].tensor->name, *twin[0].path);
}

Status WeightFiles::check_held(const std::string& name, const std::vector<std::string>& tensors,
                               const std::string& index) const {
  const auto at = std::find(names_.begin(), names_.end(), name) - names_.begin();
  std::set<std::string_view> held;
  for (const SafetensorsTensor& tensor : files_[static_cast<std::size_t>(at)].tensors())
    held.insert(tensor.name);
  for (const std::string& tensor : tensors)
    if (!held.contains(tensor))
      return make_error(Code::kCorrupt, "{}: tensor '{}': is not in {}, where the index has it",
                        index, tensor, name);
  return {};
}

std::vector<WeightFiles::Weight> WeightFiles::all() const {
  std::vector<Weight> weights;
  for (const SafetensorsFile& file : files_)
    for (const SafetensorsTensor& tensor : file.tensors())
      weights.push_back({&tensor, &file.path()});
  return weights;
}

const SafetensorsTensor* WeightFiles::find(std::string_view name) const {
  const auto less = [](const Weight& a, std::string_view b) { return a.tensor->name < b; };
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name, less);
  return at != by_name_.end() && at->tensor->name == name ? at->tensor : nullptr;
}

}  // namespace aquilon::formats
