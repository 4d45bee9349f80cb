#include <algorithm>

#include "constraint/cfg_text_internal.h"

namespace aquilon::constraint {

using Kind = CfgExpression::Kind;

bool CfgText::take(std::string_view token) {
  if (!starts_with(token)) return false;
  at_ += token.size();
  return true;
}

Status CfgText::check_size() const {
  if (text_.size() <= kMaxBytes) return {};
  return Error{Code::kUnsupported, "the grammar has more than 1 MiB"};
}

std::size_t CfgText::line() const {
  const auto here = text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size()));
  return 1 + static_cast<std::size_t>(std::count(text_.begin(), here, '\n'));
}

Error CfgText::wrong(std::string_view what) const {
  return make_error(Code::kInvalidArgument, "grammar, line {}: {}", line(), what);
}

Error CfgText::lacking(std::string_view what) const {
  return make_error(Code::kUnsupported, "grammar, line {}: {} cannot be enforced", line(), what);
}

std::uint32_t CfgText::rule_of(const std::string& name) {
  const auto [at, inserted] =
      names_.emplace(name, static_cast<std::uint32_t>(source_.rules.size()));
  if (inserted) source_.rules.push_back({name, {}, false});
  return at->second;
}

Status CfgText::define(const std::string& name, CfgExpression body) {
  CfgRule& rule = source_.rules[rule_of(name)];
  if (rule.defined) return wrong("'" + name + "' is defined twice");
  rule.body = std::move(body);
  rule.defined = true;
  return {};
}

Result<CfgSource> CfgText::finish(const std::string& start) {
  const auto found = names_.find(start);
  if (found == names_.end()) return wrong("there is no rule '" + start + "'");
  source_.start = found->second;
  return std::move(source_);
}

CfgExpression CfgText::text(RegexId id) {
  CfgExpression e{Kind::kText};
  e.text = id;
  return e;
}

CfgExpression CfgText::call(std::uint32_t rule) {
  CfgExpression e{Kind::kRule};
  e.rule = rule;
  return e;
}

CfgExpression CfgText::choice_of(std::vector<CfgExpression> parts) {
  if (parts.size() == 1) return std::move(parts[0]);
  CfgExpression e{Kind::kChoice};
  e.parts = std::move(parts);
  return e;
}

bool CfgText::number(std::uint32_t& out) {
  const std::size_t begin = at_;
  out = 0;
  for (; peek() >= '0' && peek() <= '9'; ++at_)
    out = std::min(kMaxRepeat + 1, out * 10 + static_cast<std::uint32_t>(peek() - '0'));
  return at_ > begin;
}

bool CfgText::mark(std::uint32_t& min, std::uint32_t& max) {
  if (!is_one_of("*+?")) return false;
  const char c = text_[at_++];
  min = c == '+' ? 1 : 0;
  max = c == '?' ? 1 : kUnbounded;
  return true;
}

Status CfgText::repeat(CfgExpression& part, std::uint32_t min, std::uint32_t max) const {
  if (min > max || min > kMaxRepeat || (max != kUnbounded && max > kMaxRepeat))
    return wrong("a repetition out of order, or of more than 10000");
  CfgExpression e{Kind::kRepeat};
  e.min = min;
  e.max = max;
  e.parts.push_back(std::move(part));
  part = std::move(e);
  return {};
}

}  // namespace aquilon::constraint
