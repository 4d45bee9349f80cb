#include "apps/model_view.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>
#include <cstdlib>
#include <memory>

#include "apps/printable.h"
#include "hub/byte_text.h"
#include "hub/digest.h"
#include "hub/selection.h"

namespace aquilon::apps {
namespace {

constexpr std::size_t kTemplateLines = 8;
constexpr std::size_t kTemplateColumns = 90;

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

std::string number_or_dash(std::optional<std::uint64_t> number) {
  return number ? fmt::format("{}", *number) : "-";
}

std::string row(std::string_view label, std::string_view value) {
  return fmt::format("{:<16}{}\n", label, printable(value));
}

// The first lines of a text, cut to the width of a screen.
std::string first_lines(std::string_view text) {
  std::string result;
  std::size_t lines = 0;
  bool cut = false;
  while (!text.empty() && lines < kTemplateLines) {
    const std::size_t end = text.find('\n');
    const std::string line = printable(text.substr(0, end));
    cut |= line.size() > kTemplateColumns;
    std::size_t width = std::min(line.size(), kTemplateColumns);
    while (width < line.size() && (static_cast<unsigned char>(line[width]) & 0xC0) == 0x80) --width;
    result += fmt::format("  {}\n", std::string_view(line).substr(0, width));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++lines;
  }
  if (cut || !text.empty()) result += "  ... (--template prints all of it)\n";
  return result;
}

std::string shape_rows(const ModelSummary& s) {
  std::string text;
  for (const auto& [name, value] : s.shape) text += row(name, fmt::format("{}", value));
  if (s.rope_base)
    text += row("rope", fmt::format("base {:g}{}", *s.rope_base,
                                    s.rope_scaling.empty() ? "" : ", " + s.rope_scaling));
  return text;
}

std::string type_rows(const ModelSummary& s) {
  std::string text;
  for (const auto& [name, share] : s.types)
    text += row(
        text.empty() ? "types" : "",
        fmt::format("{:<6}{:>5} tensors  {:>9}", name, share.tensors, hub::byte_text(share.bytes)));
  return text;
}

// A path without links, as hashing wants it.
Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) return errno_error("open", path);
  return std::string(real.get());
}

// Sizes first, so that the progress knows its end.
Status add_files(const HashProgress& progress, ModelView& view) {
  for (const std::string& path : view.summary.files) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return errno_error("examine", path);
    hub::ManifestFile file;
    file.name = path.substr(path.rfind('/') + 1);
    file.bytes = static_cast<std::uint64_t>(st.st_size);
    view.paths.push_back(path);
    view.manifest.files.push_back(std::move(file));
  }
  const std::uint64_t total = view.manifest.total_bytes();
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < view.paths.size(); ++i) {
    const auto moved = [&](std::uint64_t done) {
      return !progress || progress(before + done, total);
    };
    hub::ManifestFile& file = view.manifest.files[i];
    file.sha256 = AQ_TRY(hub::sha256_file(AQ_TRY(real_path(view.paths[i])), moved));
    before += file.bytes;
  }
  return {};
}

// A file with all its parts, or a folder with all that is read of it.
Result<ModelView> view_path(const std::string& path, const HashProgress& progress) {
  ModelView view;
  view.summary = AQ_TRY(summarise(AQ_TRY(real_path(path)), true));
  AQ_RETURN_IF_ERROR(add_files(progress, view));
  return view;
}

std::string tokenizer_text(const ModelSummary& s) {
  if (!s.text_problem.empty()) return "cannot be used: " + s.text_problem;
  if (s.tokenizer_model.empty()) return "none: for token ids only";
  const std::string pre =
      s.pre_tokenizer.empty() ? "" : fmt::format("pre-tokenizer {}, ", s.pre_tokenizer);
  return fmt::format("{}, {}{} tokens", s.tokenizer_model, pre, s.vocabulary);
}

boost::json::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return boost::json::value(valid_utf8(text));
}

}  // namespace

std::string ModelView::quant() const {
  const std::string named = manifest.files.empty() ? "" : hub::quant_of(manifest.files[0].name);
  return named.empty() ? summary.main_type() : named;
}

std::string ModelView::licence() const {
  return manifest.licence.empty() ? summary.licence : manifest.licence;
}

ModelView view_installed(const hub::Store& store, const hub::Manifest& manifest, bool read_text) {
  ModelView view;
  view.manifest = manifest;
  for (const hub::ManifestFile& file : manifest.files)
    view.paths.push_back(store.path_of(manifest, file));
  Status sizes = store.check_sizes(manifest);
  if (!sizes.ok()) {
    view.problem = sizes.error().message;
    return view;
  }
  Result<ModelSummary> summary = summarise(store.path_to_open(manifest), read_text);
  if (summary.ok())
    view.summary = std::move(summary).value();
  else
    view.problem = summary.error().message;
  return view;
}

Result<ModelView> view_model(const hub::Store& store, const std::string& name_or_path,
                             const HashProgress& progress) {
  const std::string path = AQ_TRY(store.resolve(name_or_path));
  // The store answers a path with itself.
  if (path == name_or_path) return view_path(path, progress);
  for (const hub::Manifest& manifest : AQ_TRY(store.list())) {
    if (store.path_to_open(manifest) != path) continue;
    ModelView view = view_installed(store, manifest, true);
    if (!view.problem.empty()) return make_error(Code::kCorrupt, "{}", view.problem);
    return view;
  }
  return make_error(Code::kNotFound, "model '{}' was removed this moment", name_or_path);
}

std::string list_text(const std::vector<ModelView>& models) {
  std::size_t width = 4;
  for (const ModelView& m : models) width = std::max(width, m.manifest.name.size());
  std::string text = fmt::format("{:<{}}  {:>6}  {:>8}  {:<8}  {:>8}  {}\n", "NAME", width,
                                 "PARAMS", "SIZE", "QUANT", "CONTEXT", "ADDED");
  for (const ModelView& m : models) {
    const ModelSummary& s = m.summary;
    text += fmt::format("{:<{}}  {:>6}  {:>8}  {:<8}  {:>8}  {}{}\n", m.manifest.name, width,
                        s.parameters == 0 ? "-" : parameter_text(s.parameters),
                        hub::byte_text(m.manifest.total_bytes()), or_dash(m.quant()),
                        number_or_dash(s.find("context")),
                        or_dash(printable(m.manifest.added.substr(0, 10))),
                        m.problem.empty() ? "" : "  damaged: " + printable(m.problem));
  }
  return text;
}

std::string show_text(const ModelView& m, bool whole_template) {
  const ModelSummary& s = m.summary;
  if (whole_template) return printable(s.chat_template.value_or(""), true) + "\n";
  std::string text;
  if (!m.manifest.name.empty()) text += row("name", m.manifest.name);
  if (!s.title.empty()) text += row("title", s.title);
  for (std::size_t i = 0; i < m.paths.size(); ++i) {
    const hub::ManifestFile& file = m.manifest.files[i];
    text += row("file", m.paths[i]);
    text += row("size", fmt::format("{} ({} bytes)", hub::byte_text(file.bytes), file.bytes));
    text += row("sha256", file.sha256);
  }
  if (m.paths.size() > 1)
    text +=
        row("size of all",
            fmt::format("{} ({} files)", hub::byte_text(m.manifest.total_bytes()), m.paths.size()));
  if (!m.manifest.revision.empty())
    text +=
        row("source", fmt::format("{} at {}", m.manifest.repo, m.manifest.revision.substr(0, 12)));
  if (!m.manifest.added.empty()) text += row("added", m.manifest.added);
  text += row("licence", m.licence().empty() ? "not stated" : m.licence());
  text += row("architecture", s.architecture);
  text += row("parameters", fmt::format("{} ({})", parameter_text(s.parameters), s.parameters));
  text += row("quant", m.quant());
  text += shape_rows(s) + type_rows(s);
  text += row("tokenizer", tokenizer_text(s));
  if (!s.chat_format.empty()) text += row("chat format", s.chat_format);
  if (!s.chat_template && !s.chat_format.empty()) return text;  // Mistral's, straight to ids
  if (!s.chat_template) return text + row("chat template", "none: for completions only");
  return text + "chat template\n" + first_lines(*s.chat_template);
}

boost::json::object list_json(const ModelView& m) {
  const ModelSummary& s = m.summary;
  boost::json::array files;
  for (std::size_t i = 0; i < m.paths.size(); ++i) {
    const hub::ManifestFile& file = m.manifest.files[i];
    files.push_back(boost::json::object{
        {"path", valid_utf8(m.paths[i])}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const auto context = s.find("context");
  return {{"name", text_or_null(m.manifest.name)},
          {"parameters", s.parameters},
          {"bytes", m.manifest.total_bytes()},
          {"quant", text_or_null(m.quant())},
          {"context", context ? boost::json::value(*context) : boost::json::value(nullptr)},
          {"added", text_or_null(m.manifest.added)},
          {"licence", text_or_null(m.licence())},
          {"repo", text_or_null(m.manifest.repo)},
          {"revision", text_or_null(m.manifest.revision)},
          {"files", std::move(files)},
          {"problem", text_or_null(m.problem)}};
}

boost::json::object show_json(const ModelView& m) {
  const ModelSummary& s = m.summary;
  boost::json::object types;
  for (const auto& [name, share] : s.types)
    types[name] = boost::json::object{
        {"tensors", share.tensors}, {"values", share.values}, {"bytes", share.bytes}};
  boost::json::object shape;
  for (const auto& [name, value] : s.shape) shape[name] = value;
  boost::json::object rope{{"base", boost::json::value_from(s.rope_base)},
                           {"scaling", text_or_null(s.rope_scaling)}};
  boost::json::object object = list_json(m);
  object["title"] = text_or_null(s.title);
  object["architecture"] = text_or_null(s.architecture);
  object["shape"] = std::move(shape);
  object["rope"] = std::move(rope);
  object["types"] = std::move(types);
  object["tokenizer"] = boost::json::object{{"model", text_or_null(s.tokenizer_model)},
                                            {"pre", text_or_null(s.pre_tokenizer)},
                                            {"tokens", s.vocabulary},
                                            {"problem", text_or_null(s.text_problem)}};
  object["chat_format"] = text_or_null(s.chat_format);
  object["chat_template"] = text_or_null(s.chat_template.value_or(""));
  return object;
}

}  // namespace aquilon::apps
