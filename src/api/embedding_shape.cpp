// POST /v1/embeddings: a list of embeddings, in the order of the inputs.
#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>
#include <cmath>
#include <cstring>

#include "api/answer_shape.h"
#include "api/json_text.h"
#include "api/shape_parts_internal.h"

namespace aquilon::api {
namespace {

using Dtype = EmbeddingForm::Dtype;

std::string base64(std::string_view bytes) {
  namespace codec = boost::beast::detail::base64;
  std::string out(codec::encoded_size(bytes.size()), '\0');
  out.resize(codec::encode(out.data(), bytes.data(), bytes.size()));
  return out;
}

// The first `dimension` numbers, of length 1.
std::vector<float> cut(std::vector<float> x, std::optional<int> dimension) {
  if (!dimension || static_cast<std::size_t>(*dimension) >= x.size()) return x;
  x.resize(static_cast<std::size_t>(*dimension));
  double squares = 0;
  for (const float v : x) squares += static_cast<double>(v) * v;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (float& v : x) v = static_cast<float>(v * scale);
  return x;
}

// Whole numbers from -128 to 255: rounded, or eight signs a byte, the first one highest.
std::vector<int> whole_numbers(const std::vector<float>& x, Dtype dtype) {
  std::vector<int> out;
  if (dtype == Dtype::kInt8 || dtype == Dtype::kUint8) {
    for (const float v : x) {
      const int rounded = static_cast<int>(std::lround(std::clamp(v, -1.0f, 1.0f) * 127));
      out.push_back(dtype == Dtype::kInt8 ? rounded : rounded + 128);
    }
    return out;
  }
  out.resize((x.size() + 7) / 8);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] > 0) out[i / 8] |= 128 >> (i % 8);
  if (dtype == Dtype::kBinary)
    for (int& byte : out) byte -= 128;
  return out;
}

void append_embedding(std::string& out, const std::vector<float>& whole,
                      const EmbeddingForm& form) {
  const std::vector<float> x = cut(whole, form.dimension);
  if (form.dtype == Dtype::kFloat && form.base64) {
    std::string bytes(x.size() * sizeof(float), '\0');
    std::memcpy(bytes.data(), x.data(), bytes.size());
    append_json_string(out, base64(bytes));
    return;
  }
  if (form.dtype == Dtype::kFloat) {
    out += '[';
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i > 0) out += ',';
      append_json_number(out, x[i]);
    }
    out += ']';
    return;
  }
  const std::vector<int> numbers = whole_numbers(x, form.dtype);
  if (form.base64) {
    std::string bytes;
    for (const int n : numbers) bytes += static_cast<char>(n);
    append_json_string(out, base64(bytes));
    return;
  }
  out += fmt::format("[{}]", fmt::join(numbers, ","));
}

// Never a stream.
class EmbeddingShape final : public AnswerShape {
 public:
  EmbeddingShape(AnswerHead head, const EmbeddingForm& form)
      : start_(answer_start(head, "list") + ",\"data\":["), form_(form) {}

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    std::string out = start_;
    for (const ChoicePart& choice : choices) {
      if (&choice != choices.data()) out += ',';
      out += fmt::format("{{\"object\":\"embedding\",\"index\":{},\"embedding\":", choice.index);
      append_embedding(out, choice.embedding, form_);
      out += '}';
    }
    out += ']';
    append_usage(out, usage);
    out += '}';
    return out;
  }

  StreamEvents begin(int, int) override { return {}; }
  StreamEvents part(const ChoicePart&, const chat::Usage*) override { return {}; }
  StreamEvents end(const chat::Usage&, bool) override { return {}; }
  StreamEvents fail(std::span<const int>, const ApiError&) override { return {}; }

 private:
  std::string start_;
  EmbeddingForm form_;
};

}  // namespace

std::unique_ptr<AnswerShape> make_embedding_shape(AnswerHead head, const EmbeddingForm& form) {
  return std::make_unique<EmbeddingShape>(std::move(head), form);
}

}  // namespace aquilon::api
