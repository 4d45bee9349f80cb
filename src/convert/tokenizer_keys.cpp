#include "convert/tokenizer_keys_internal.h"
#include "model/tokenizer_loader.h"

namespace aquilon::convert {

Status put_tokenizer_keys(const formats::GgufFile& file, formats::GgufWriter&) {
  const std::string path = model::companion_tokenizer(file);
  if (path.empty()) return {};
  return make_error(Code::kUnsupported, "{}: not yet", path);
}

}  // namespace aquilon::convert
