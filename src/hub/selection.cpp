#include "hub/selection.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "hub/model_name.h"

namespace aquilon::hub {
namespace {

// What runs well on most machines first: 4 bits with k-quants, then near neighbours.
constexpr std::array<std::string_view, 17> kPreferred = {
    "Q4_K_M", "Q4_K_S", "Q4_0",   "Q4_1",   "Q5_K_M", "Q5_K_S", "Q5_0", "Q5_1", "Q6_K",
    "Q8_0",   "Q4_K_L", "Q5_K_L", "Q6_K_L", "F16",    "BF16",   "F32",  "Q4_K",
};
constexpr std::size_t kMaxListed = 20;  // names in an error message

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return result;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "Q4_K_M", "IQ3_XXS", "TQ1_0", "Q8", "F16", ...: capital letters.
bool is_quant(std::string_view word) {
  if (word == "F16" || word == "F32" || word == "BF16" || word == "FP16" || word == "FP32")
    return true;
  if (word.starts_with("MXFP4")) return true;
  if (word.starts_with("IQ") || word.starts_with("TQ")) word.remove_prefix(1);
  if (word.size() < 2 || word[0] != 'Q' || !is_digit(word[1])) return false;
  return word.size() == 2 || word[2] == '_';
}

// The last quant in a name without folders, extension and split suffix.
std::string quant_in(std::string_view name) {
  const std::string text = upper(name);
  for (std::size_t end = text.size(); end > 0;) {
    const std::size_t separator = text.find_last_of("-.", end - 1);
    const std::size_t begin = separator == std::string::npos ? 0 : separator + 1;
    const std::string_view word = std::string_view(text).substr(begin, end - begin);
    // "MODEL_Q4_K_M": the quant may follow an underscore.
    for (std::size_t at = 0; at != std::string_view::npos;) {
      const std::string_view rest = word.substr(at);
      if (is_quant(rest)) {
        const bool dynamic = at == 0 && std::string_view(text).substr(0, begin).ends_with("UD-");
        const std::string quant(rest.starts_with("FP") ? "F" + std::string(rest.substr(2))
                                                       : std::string(rest));
        return dynamic ? "UD-" + quant : quant;
      }
      const std::size_t underscore = word.find('_', at);
      at = underscore == std::string_view::npos ? underscore : underscore + 1;
    }
    if (separator == std::string::npos) break;
    end = separator;
  }
  return {};
}

struct SplitName {
  std::string stem;  // path without "-00001-of-00003.gguf" or ".gguf"
  unsigned part = 0;
  unsigned parts = 0;  // 0: not split
};

// "x-00002-of-00003.gguf" -> x, 2, 3.
SplitName split_name(std::string_view path) {
  constexpr std::string_view kPattern = "-00000-of-00000";
  std::string_view stem = path;
  if (stem.ends_with(".gguf")) stem.remove_suffix(5);
  SplitName whole{std::string(stem), 0, 0};
  if (stem.size() <= kPattern.size()) return whole;
  const std::string_view suffix = stem.substr(stem.size() - kPattern.size());
  for (std::size_t i = 0; i < suffix.size(); ++i)
    if (kPattern[i] == '0' ? !is_digit(suffix[i]) : suffix[i] != kPattern[i]) return whole;
  SplitName split{std::string(stem.substr(0, stem.size() - kPattern.size())), 0, 0};
  std::from_chars(&suffix[1], &suffix[6], split.part);
  std::from_chars(&suffix[10], suffix.data() + suffix.size(), split.parts);
  return split.parts == 0 ? whole : split;
}

// One model of the repository: a file, or all parts of a split one.
struct Variant {
  std::string stem;
  std::string quant;
  unsigned parts = 0;
  std::map<unsigned, RemoteFile> files;  // by part
};

std::vector<Variant> group(const std::vector<RemoteFile>& listing) {
  std::map<std::pair<std::string, unsigned>, Variant> by_stem;
  for (const RemoteFile& file : listing) {
    const SplitName name = split_name(file.path);
    Variant& variant = by_stem[{name.stem, name.parts}];
    variant.stem = name.stem;
    variant.quant = quant_of(file.path);
    variant.parts = name.parts;
    variant.files.emplace(name.part, file);
  }
  std::vector<Variant> variants;
  for (auto& [key, variant] : by_stem) variants.push_back(std::move(variant));
  return variants;
}

// Projectors of vision models and calibration data are GGUF files too, but no models.
bool is_companion(const Variant& variant) {
  const std::string name = upper(variant.stem.substr(variant.stem.rfind('/') + 1));
  return name.find("MMPROJ") != std::string::npos || name.find("IMATRIX") != std::string::npos;
}

std::string listed(const std::vector<const Variant*>& variants) {
  std::vector<std::string> names;
  for (const Variant* v : variants) names.push_back(v->files.begin()->second.path);
  const std::size_t more = names.size() > kMaxListed ? names.size() - kMaxListed : 0;
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

Result<Selection> complete(const Variant& variant) {
  Selection selection{variant.quant, {}};
  const unsigned first = variant.parts == 0 ? 0 : 1;
  for (unsigned part = first; part <= variant.parts; ++part) {
    const auto file = variant.files.find(part);
    if (file == variant.files.end())
      return make_error(Code::kCorrupt, "{} is incomplete: part {} of {} is not in the repository",
                        variant.stem, part, variant.parts);
    selection.files.push_back(file->second);
  }
  return selection;
}

using Variants = std::vector<const Variant*>;

Variants matching(const std::vector<Variant>& variants, std::string_view selector) {
  Variants by_path, by_name, by_quant;
  for (const Variant& variant : variants) {
    for (const auto& [part, file] : variant.files) {
      if (file.path == selector) by_path.push_back(&variant);
      if (file.file_name() == selector) by_name.push_back(&variant);
    }
    if (upper(selector) == variant.quant && !is_companion(variant)) by_quant.push_back(&variant);
  }
  return !by_path.empty() ? by_path : !by_name.empty() ? by_name : by_quant;
}

Variants preferred(const std::vector<Variant>& variants) {
  Variants models;
  for (const Variant& variant : variants)
    if (!is_companion(variant)) models.push_back(&variant);
  if (models.size() <= 1) return models;
  for (const std::string_view quant : kPreferred) {
    Variants found;
    for (const Variant* variant : models)
      if (variant->quant == quant) found.push_back(variant);
    if (!found.empty()) return found;
  }
  return models;
}

}  // namespace

std::string quant_of(std::string_view path) {
  const SplitName name = split_name(path);
  const std::size_t slash = name.stem.rfind('/');
  const std::string in_name = quant_in(std::string_view(name.stem).substr(slash + 1));
  if (!in_name.empty() || slash == std::string::npos) return in_name;
  const std::size_t parent = name.stem.rfind('/', slash - 1);
  const std::size_t begin = parent == std::string::npos ? 0 : parent + 1;
  return quant_in(std::string_view(name.stem).substr(begin, slash - begin));
}

Result<Selection> select_files(const std::vector<RemoteFile>& listing, std::string_view selector) {
  if (listing.empty()) return make_error(Code::kNotFound, "it holds no GGUF files");
  const std::vector<Variant> variants = group(listing);
  Variants all;
  for (const Variant& variant : variants) all.push_back(&variant);
  const Variants found = selector.empty() ? preferred(variants) : matching(variants, selector);
  if (found.empty())
    return make_error(Code::kNotFound, "no file or quant '{}'; there are: {}", selector,
                      listed(all));
  if (found.size() > 1)
    return make_error(Code::kInvalidArgument, "several files match, name one after a colon: {}",
                      listed(found));
  return complete(*found.front());
}

}  // namespace aquilon::hub
