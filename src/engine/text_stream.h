// Turns the tokens of an answer into the text that its reader sees: whole UTF-8, no control tokens,
// nothing from a stop string on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace aquilon::engine {

// Threads: one user at a time.
class TextStream {
 public:
  // `stop`: none empty. `drop_first_space`: the text's first byte, if it is a space. The tokenizer
  // outlives the stream.
  // `shown`: control tokens that are in the text, as they are written.
  TextStream(const text::Tokenizer& tokenizer, std::vector<std::string> stop,
             bool drop_first_space = false, std::vector<text::TokenId> shown = {});

  // Adds a token; returns the text that is certain now. `may_stop` false: no stop string ends in
  // it, nor begins.
  std::string push(text::TokenId id, bool may_stop = true);
  // A stop string was met; nothing more will come.
  bool stopped() const { return met_.has_value(); }
  // Which: the one that is complete first, of several the longest. Empty: none.
  std::string stop() const { return met_ ? stop_[*met_] : std::string(); }
  // The end of the answer for another reason: what was held back.
  std::string finish();

 private:
  std::string take_certain();

  const text::Tokenizer& tokenizer_;
  std::vector<std::string> stop_;
  text::Utf8Stream utf8_;
  std::string held_;                // might begin a stop string
  std::optional<std::size_t> met_;  // in stop_
  std::vector<text::TokenId> shown_;
  bool drop_space_;  // nothing has come yet, and a space would be dropped
};

}  // namespace aquilon::engine
