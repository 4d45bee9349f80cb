#include "bench/load_requests.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <string_view>
#include <vector>

#include "bench/prompt_words_internal.h"

namespace aquilon::bench {
namespace {

namespace json = boost::json;

const std::vector<std::string_view>& word_list() {
  static const std::vector<std::string_view> words = [] {
    std::vector<std::string_view> list;
    constexpr std::string_view kBlanks = " \n";
    std::string_view rest = kPromptWords;
    for (;;) {
      rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
      if (rest.empty()) return list;
      list.push_back(rest.substr(0, rest.find_first_of(kBlanks)));
      rest.remove_prefix(list.back().size());
    }
  }();
  return words;
}

// 0 and more, below 1; the same everywhere, which std's distributions are not.
double unit(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

json::array chat_messages(std::string_view prefix, std::string_view prompt) {
  json::array messages;
  if (!prefix.empty()) messages.push_back({{"role", "system"}, {"content", prefix}});
  messages.push_back({{"role", "user"}, {"content", prompt}});
  return messages;
}

}  // namespace

std::size_t TokenScale::words_for(std::size_t tokens) const {
  const double words = (static_cast<double>(tokens) - fixed) / tokens_per_word;
  return static_cast<std::size_t>(std::max(1.0, std::round(words)));
}

RequestMaker::RequestMaker(RequestShape shape, std::uint64_t seed)
    : shape_(std::move(shape)), random_(seed) {
  if (shape_.shared_prefix == 0) return;
  const TokenScale without_frame{.tokens_per_word = shape_.scale.tokens_per_word};
  prefix_ = words(without_frame.words_for(shape_.shared_prefix));
}

std::string RequestMaker::words(std::size_t count) {
  const auto& list = word_list();
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += list[random_() % list.size()];
  }
  return text;
}

MadeRequest RequestMaker::next() {
  MadeRequest made;
  made.shared = !prefix_.empty() && unit(random_) < shape_.shared_part;
  const std::string prompt = words(shape_.scale.words_for(shape_.prompt));
  json::object body{{"model", shape_.model},
                    {"max_tokens", shape_.generate},
                    {"temperature", 0},
                    {"stream", true}};
  if (shape_.route == LoadRoute::kChat)
    body["messages"] = chat_messages(made.shared ? prefix_ : "", prompt);
  else
    body["prompt"] = made.shared ? prefix_ + " " + prompt : prompt;
  if (shape_.ignore_eos) body["ignore_eos"] = true;
  if (shape_.include_usage) body["stream_options"] = {{"include_usage", true}};
  made.body = json::serialize(body);
  return made;
}

double poisson_wait(std::mt19937_64& random, double rate) {
  return -std::log(1 - unit(random)) / rate;
}

}  // namespace aquilon::bench
