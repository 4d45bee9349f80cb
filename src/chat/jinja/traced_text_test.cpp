#include <gtest/gtest.h>

#include "chat/jinja/traced_text_internal.h"

namespace aquilon::chat::jinja {
namespace {

// "ab[cd]e": the bytes, with brackets around what is trusted.
std::string shown(const TracedText& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool before = i > 0 && text.trusted_at(i - 1);
    if (text.trusted_at(i) && !before) out += '[';
    if (!text.trusted_at(i) && before) out += ']';
    out += text.bytes()[i];
  }
  return !text.empty() && text.trusted_at(text.size() - 1) ? out + ']' : out;
}

TracedText mixed() {
  TracedText text = TracedText::trusted("ab");
  text.append("cd", false);
  text.append("ef", true);
  text.append("", true);
  text.append("gh", true);
  return text;
}

TEST(TracedText, KeepsTrustAByte) {
  EXPECT_EQ(shown(mixed()), "[ab]cd[efgh]");
  EXPECT_EQ(mixed().runs().size(), 2u);  // neighbours are merged
  EXPECT_TRUE(TracedText::trusted("").runs().empty());
}

TEST(TracedText, SlicesCarryTrust) {
  EXPECT_EQ(shown(mixed().slice(1, 5)), "[b]cd[e]");
  EXPECT_EQ(shown(mixed().slice(2, 4)), "cd");
  EXPECT_EQ(shown(mixed().slice(4, 8)), "[efgh]");
  EXPECT_EQ(shown(mixed().slice(3, 3)), "");
}

TEST(TracedText, AppendsItself) {
  TracedText text = mixed();
  text.append(text);
  EXPECT_EQ(shown(text), "[ab]cd[efghab]cd[efgh]");
  EXPECT_EQ(text.runs().size(), 3u);
}

}  // namespace
}  // namespace aquilon::chat::jinja
