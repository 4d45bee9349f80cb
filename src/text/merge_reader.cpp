#include "text/merge_reader.h"

#include <algorithm>

#include "text/byte_alphabet.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

std::string_view shown(std::string_view merge) {
  return merge.substr(0, 100);
}

}  // namespace

Result<MergeTable> MergeReader::read(std::span<const std::string> merges) {
  if (merges.size() >= MergeTable::kNoRule) {
    return make_error(Code::kCorrupt, "the vocabulary has {} merges, more than 2^32 - 2",
                      merges.size());
  }
  table_ = MergeTable(merges.size());
  for (std::size_t begin = 0; begin < merges.size(); begin += kBlock) {
    const auto block = merges.subspan(begin, std::min(kBlock, merges.size() - begin));
    bytes_.clear();
    for (std::size_t i = 0; i < block.size(); ++i) {
      AQ_RETURN_IF_ERROR(take_apart(block[i], begin + i, block_[i]));
    }
    enter_found();
    for (std::size_t i = 0; i < block.size(); ++i) {
      AQ_RETURN_IF_ERROR(look_up(block[i], begin + i, block_[i]));
    }
  }
  enter_found();
  return std::move(table_);
}

Status MergeReader::take_apart(std::string_view merge, std::size_t rank, Parts& parts) {
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == merge.size()) {
    return make_error(Code::kCorrupt, "merge {} ('{}') is not two tokens with a space between",
                      rank, shown(merge));
  }
  parts.left_form = merge.substr(0, space);
  parts.right_form = merge.substr(space + 1);
  parts.left = bytes_.size();
  append_alphabet_bytes(parts.left_form, bytes_);
  parts.right = bytes_.size();
  append_alphabet_bytes(parts.right_form, bytes_);
  parts.end = bytes_.size();
  parts.left_hash = vocabulary_.prefetch(bytes(parts.left, parts.right));
  parts.right_hash = vocabulary_.prefetch(bytes(parts.right, parts.end));
  return {};
}

Status MergeReader::look_up(std::string_view merge, std::size_t rank, const Parts& parts) {
  const TokenId left = find(parts.left_form, bytes(parts.left, parts.right), parts.left_hash);
  const TokenId right = find(parts.right_form, bytes(parts.right, parts.end), parts.right_hash);
  const TokenId joined = find_joined(parts);
  for (const auto& [id, what] : {std::pair{left, "left"}, {right, "right"}, {joined, "joined"}}) {
    if (id >= 0) continue;
    return make_error(Code::kCorrupt, "merge {} ('{}'): its {} token is not in the vocabulary",
                      rank, shown(merge), what);
  }
  for (const TokenId id : {left, right, joined}) {
    if (is_control(vocabulary_.kind(id))) return {};
  }
  table_.prefetch(left, right);
  found_.push_back({left, right, {static_cast<std::uint32_t>(rank), joined}});
  return {};
}

TokenId MergeReader::find(std::string_view form, std::string_view bytes, std::uint64_t hash) const {
  const TokenId id = bytes.empty() ? -1 : vocabulary_.find_bytes(bytes, hash);
  return id >= 0 ? id : vocabulary_.find_written(form);
}

// Vocabularies list their tokens in the order of the merges that first make them, so the token is
// nearly always the one behind the last, or the last again.
TokenId MergeReader::find_joined(const Parts& parts) {
  const bool in_alphabet = parts.left < parts.right && parts.right < parts.end;
  const std::string_view joined = bytes(parts.left, parts.end);
  for (const TokenId guess : {next_, next_ - 1}) {
    if (in_alphabet && vocabulary_.bytes(guess) == joined && !vocabulary_.is_plain(guess)) {
      next_ = guess + 1;
      return guess;
    }
  }
  const TokenId id =
      vocabulary_.find_written(std::string(parts.left_form).append(parts.right_form));
  next_ = id + 1;
  return id;
}

void MergeReader::enter_found() {
  for (const Entry& entry : found_) table_.insert(entry.left, entry.right, entry.rule);
  found_.clear();
}

}  // namespace aquilon::text
