// Any bytes are a streamed answer: read alike however they are split.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "bench/answer_stream.h"

using aquilon::bench::AnswerStream;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AnswerStream whole, split;
  whole.take(bytes, 1);
  whole.end(1);
  const std::size_t at = size == 0 ? 0 : data[0] % size;
  split.take(bytes.substr(0, at), 1);
  split.take(bytes.substr(at), 1);
  split.end(1);
  AQ_CHECK(whole.pieces == split.pieces);
  AQ_CHECK(whole.finish_reason == split.finish_reason && whole.error == split.error);
  AQ_CHECK(whole.done == split.done && whole.prompt_tokens == split.prompt_tokens);
  AQ_CHECK(whole.pieces.size() <= size);
  return 0;
}
