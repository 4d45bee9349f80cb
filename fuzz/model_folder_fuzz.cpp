// Any texts are the files of a model folder: refused with its name, or described with tensors that
// can be read to their last weight. An input is the files one after the other, each behind its
// length in two bytes; the first byte says which layout.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "formats/model_folder.h"
#include "quant/decode.h"

using namespace aquilon;

namespace {

constexpr const char* kHuggingFace[] = {"config.json",
                                        "model.safetensors",
                                        "generation_config.json",
                                        "tokenizer_config.json",
                                        "model.safetensors.index.json",
                                        "chat_template.json",
                                        "additional_chat_templates/tool_use.jinja"};
constexpr const char* kMistral[] = {"params.json", "consolidated.safetensors"};

std::span<const std::byte> take_file(std::span<const std::byte>& rest) {
  if (rest.size() < 2) return {};
  const std::size_t size =
      std::to_integer<std::size_t>(rest[0]) | std::to_integer<std::size_t>(rest[1]) << 8;
  rest = rest.subspan(2);
  const auto file = rest.first(std::min(size, rest.size()));
  rest = rest.subspan(file.size());
  return file;
}

void read_all(const formats::GgufFile& file) {
  for (const formats::GgufFile::Entry& entry : file.metadata())
    AQ_CHECK(file.find(entry.key) == &entry.value);
  for (const formats::GgufTensor& tensor : file.tensors()) {
    AQ_CHECK(file.find_tensor(tensor.name) == &tensor);
    const tensor::MatrixView matrix = file.matrix(tensor);
    std::vector<float> row(matrix.columns);
    for (std::size_t r = 0; r < matrix.rows; ++r)
      quant::decode(matrix.dtype, matrix.row(r), row.size(), row.data());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::span<const std::byte> rest = std::as_bytes(std::span(data + 1, size - 1));
  std::map<std::string, std::span<const std::byte>> files;
  const std::span<const char* const> names =
      data[0] % 2 == 0 ? std::span<const char* const>(kHuggingFace) : kMistral;
  for (const char* name : names)
    if (!rest.empty()) files[name] = take_file(rest);
  const auto file = formats::describe_folder("fuzz", files);
  if (file.ok())
    read_all(*file);
  else
    AQ_CHECK(file.error().message.starts_with("fuzz"));
  files["tokenizer.json"] = {};
  const auto text = formats::describe_folder_text("fuzz", files);
  if (text.ok())
    read_all(*text);
  else
    AQ_CHECK(text.error().message.starts_with("fuzz"));
  return 0;
}
