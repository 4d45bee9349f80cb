// The tokenizer of a folder as the keys that GGUF files have.
#pragma once

#include "base/result.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace aquilon::convert {

// Puts `tokenizer.ggml.*` of the tokenizer file beside a folder's weights; nothing for a model
// whose keys hold it. Errors: kUnsupported for a tokenizer that those keys cannot describe; those
// of its reader.
Status put_tokenizer_keys(const formats::GgufFile& file, formats::GgufWriter& writer);

}  // namespace aquilon::convert
