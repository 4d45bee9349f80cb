// What readers of grammar notations share: the place in the text, errors with their line, names and
// repetitions.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "constraint/cfg_reader_internal.h"

namespace aquilon::constraint {

class CfgText {
 public:
  CfgText(std::string_view text, RegexStore& store) : text_(text), store_(store) {}

 protected:
  static constexpr int kMaxDepth = 200;  // of groups
  static constexpr std::size_t kMaxBytes = 1 << 20;
  static constexpr std::uint32_t kMaxRepeat = 10'000;

  bool at_end() const { return at_ >= text_.size(); }
  // The character here; 0 at the end.
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool is_one_of(std::string_view characters) const {
    return !at_end() && characters.find(text_[at_]) != characters.npos;
  }
  bool starts_with(std::string_view token) const { return text_.substr(at_).starts_with(token); }
  bool take(std::string_view token);

  Status check_size() const;
  Error wrong(std::string_view what) const;
  Error lacking(std::string_view what) const;

  // The rule of that name, which may be defined later.
  std::uint32_t rule_of(const std::string& name);
  Status define(const std::string& name, CfgExpression body);
  // The source from the rule `start` on.
  Result<CfgSource> finish(const std::string& start);

  static CfgExpression text(RegexId id);
  static CfgExpression call(std::uint32_t rule);
  // The only part itself where there is one.
  static CfgExpression choice_of(std::vector<CfgExpression> parts);
  // False where no digits stand here. Larger numbers than kMaxRepeat become kMaxRepeat + 1.
  bool number(std::uint32_t& out);
  // Takes *, + or ?.
  bool mark(std::uint32_t& min, std::uint32_t& max);
  Status repeat(CfgExpression& part, std::uint32_t min, std::uint32_t max) const;

  std::string_view text_;
  RegexStore& store_;
  std::size_t at_ = 0;
  CfgSource source_;
  std::unordered_map<std::string, std::uint32_t> names_;

 private:
  std::size_t line() const;
};

}  // namespace aquilon::constraint
