#include <algorithm>
#include <iterator>

#include "formats/gguf_parts_internal.h"
#include "formats/name_index_internal.h"

namespace aquilon::formats {
namespace {

std::string name_ending(std::uint64_t number, std::uint64_t parts) {
  return fmt::format("-{:05}-of-{:05}.gguf", number + 1, parts);
}

}  // namespace

Result<GgufFile> GgufParts::open_file(const std::string& path, bool parts_allowed) {
  MappedFile map = AQ_TRY(MappedFile::open(path));
  GgufFile file = AQ_TRY(GgufFile::parse_part(map.bytes(), path, parts_allowed));
  file.maps_.push_back(std::move(map));
  return file;
}

Result<GgufFile> GgufParts::open(const std::string& path) {
  GgufFile whole = AQ_TRY(open_file(path, true));
  const GgufFile::Split split = whole.split_;
  if (split.parts <= 1) return whole;
  const std::string ending = name_ending(split.number, split.parts);
  if (split.number >= split.parts)
    return make_error(Code::kCorrupt, "{}: split.no is {}, but there are only {} parts", path,
                      split.number, split.parts);
  if (!path.ends_with(ending))
    return make_error(Code::kUnsupported,
                      "{}: part {} of {} of a model; its name must end with {} so that the other "
                      "parts can be found",
                      path, split.number + 1, split.parts, ending);
  const std::string stem = path.substr(0, path.size() - ending.size());
  if (split.number != 0)
    return make_error(Code::kInvalidArgument, "{}: part {} of {} of a model; name the first, {}",
                      path, split.number + 1, split.parts, stem + name_ending(0, split.parts));
  for (std::uint64_t number = 1; number < split.parts; ++number) {
    auto part = open_file(stem + name_ending(number, split.parts), true);
    if (!part.ok())
      return std::move(part).error().with_context(
          fmt::format("{}: part {} of {}", path, number + 1, split.parts));
    AQ_RETURN_IF_ERROR(check(*part, whole, number));
    append(whole, std::move(*part));
  }
  AQ_RETURN_IF_ERROR(finish(whole));
  return whole;
}

Status GgufParts::check(const GgufFile& part, const GgufFile& whole, std::uint64_t number) {
  const GgufFile::Split& split = part.split_;
  if (split.number == number && split.parts == whole.split_.parts) return {};
  return make_error(
      Code::kCorrupt, "{}: says that it is part {} of {}; {} needs part {} of {} under this name",
      part.path(), split.number + 1, split.parts, whole.path(), number + 1, whole.split_.parts);
}

void GgufParts::append(GgufFile& whole, GgufFile part) {
  whole.file_bytes_ += part.file_bytes_;
  std::move(part.maps_.begin(), part.maps_.end(), std::back_inserter(whole.maps_));
  std::move(part.tensors_.begin(), part.tensors_.end(), std::back_inserter(whole.tensors_));
}

Status GgufParts::finish(GgufFile& whole) {
  const NameIndex index(whole.tensors_, &GgufTensor::name);
  whole.by_name_ = index.sorted();
  if (const auto twins = index.twins(whole.by_name_))
    return make_error(Code::kCorrupt, "{}: the tensor '{}' is in two parts", whole.path(),
                      whole.tensors_[twins->first].name);
  const std::uint64_t want = whole.split_.tensors.value_or(whole.tensors_.size());
  if (want == whole.tensors_.size()) return {};
  return make_error(Code::kCorrupt, "{}: the parts hold {} tensors, split.tensors.count says {}",
                    whole.path(), whole.tensors_.size(), want);
}

}  // namespace aquilon::formats
