// Puts a JSON Schema to the test: whether it is enforced, which instances its masks let through,
// what the masks cost, and random answers under them.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "constraint/matcher.h"

namespace aquilon::apps {

// Tokens, and how texts are cut into them.
struct CheckedTokens {
  std::unique_ptr<text::Tokenizer> tokenizer;  // null: bytes
  std::shared_ptr<const constraint::Vocabulary> vocabulary;

  std::vector<text::TokenId> encode(std::string_view text) const;
};

// Those of a model or tokenizer file; single bytes for an empty name.
Result<CheckedTokens> load_checked_tokens(const std::string& name_or_path);

class SchemaChecker {
 public:
  // `split_seed`: one token in ten is cut at a random byte, by this seed; 0: none.
  SchemaChecker(CheckedTokens tokens, std::uint64_t split_seed, constraint::GrammarOptions options);

  std::optional<constraint::Grammar> compile(const boost::json::value& schema);
  // Whether every token of the instance was allowed, and then the end. `rejected_at`: bytes before
  // the token that was not, or all of them.
  bool accepts(const constraint::Grammar& grammar, std::string_view text, std::size_t& rejected_at);
  // A random answer, each token drawn from those that the mask allows; null where none came to an
  // end in time, "!" and what was written where no token was allowed.
  boost::json::value walk(const constraint::Grammar& grammar);

  const constraint::SchemaRefusal& refusal() const { return refusal_; }
  // Why the last instance could not be judged: a limit was met.
  const Status& limit() const { return limit_; }
  double compile_us() const { return compile_us_; }
  // Microseconds of each mask since compile().
  const std::vector<double>& mask_us() const { return times_; }
  // Tokens of the last instance.
  const std::vector<text::TokenId>& tokens() const { return ids_; }

 private:
  std::vector<text::TokenId> split(const std::vector<text::TokenId>& ids);
  std::vector<text::TokenId> allowed_tokens() const;
  text::TokenId draw(const std::vector<text::TokenId>& allowed, bool closing);

  CheckedTokens tokens_;
  bool splits_;
  constraint::GrammarOptions options_;
  std::mt19937_64 random_;
  std::vector<constraint::MaskWord> mask_;
  std::vector<text::TokenId> ids_;
  std::vector<double> times_;
  constraint::SchemaRefusal refusal_;
  Status limit_;
  double compile_us_ = 0;
};

// Count, mean and percentiles.
boost::json::object summary_of(std::vector<double> us);

}  // namespace aquilon::apps
