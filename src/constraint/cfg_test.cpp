// Grammars in both notations.
#include <gtest/gtest.h>

#include "constraint/grammar_for_test.h"

namespace aquilon::constraint {
namespace {

struct GrammarCase {
  const char* text;
  std::vector<const char*> valid, invalid;
};

void check(const Result<Grammar>& grammar, const GrammarCase& c) {
  ASSERT_TRUE(grammar.ok()) << c.text << ": " << grammar.error().message;
  for (const char* text : c.valid) EXPECT_TRUE(accepts(*grammar, text)) << c.text << "\n" << text;
  for (const char* text : c.invalid)
    EXPECT_FALSE(accepts(*grammar, text)) << c.text << "\n" << text;
}

TEST(Gbnf, MatchesItsTexts) {
  const GrammarCase cases[] = {
      {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "yesno", "n"}},
      {"# comment\nroot ::= item (\",\" item)*\nitem ::= [a-z]+ [0-9]? # more\n",
       {"a", "ab1,c"},
       {"", "a,", "1"}},
      {"root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"(x", "()", "(x))"}},
      {"root ::= \"(\" root? \")\" root?", {"()", "(())()"}, {"", "(()", ")("}},
      {"root ::=\n  \"a\"\n  | \"b\" root", {"a"}, {}},
      {"root ::= ( \"a\" |\n \"b\" ){2,3}", {"ab", "bbb"}, {"a", "abab"}},
      {"root ::= [^\"\\n] \"\\x41\\u00e9\\\"\"", {"zA\u00e9\""}, {"\"A\u00e9\"", "\nA\u00e9\""}},
      {"root ::= expr\nexpr ::= expr \"+\" term | term\nterm ::= [0-9] | \"(\" expr \")\"",
       {"1", "1+2", "(1+2)+3"},
       {"+1", "1+", "(1"}},
      {"root ::= (\"a\"*)* \"b\"", {"b", "aab"}, {"a"}},
      {"root ::= e e\ne ::= (\"x\" e)? | \"\"", {"", "xx"}, {"y"}},
  };
  for (const GrammarCase& c : cases) {
    if (std::string_view(c.text).find("\n  | \"b\"") != std::string_view::npos) {
      EXPECT_FALSE(Grammar::gbnf(c.text).ok());  // a rule ends with its line, outside parentheses
      continue;
    }
    check(Grammar::gbnf(c.text), c);
  }
}

TEST(Gbnf, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"a ::= \"x\"", "no rule 'root'"},
      {"root ::= b", "'b' is used but not defined"},
      {"root ::= \"x", "line 1"},
      {"root ::= \"x\"\nroot ::= \"y\"", "defined twice"},
      {"root ::= root", "no text satisfies"},
      {"root ::= \"a\" root", "no text satisfies"},
      {"root ::= a \"x\"\na ::= b \"y\"\nb ::= a \"z\" | \"q\"", "begins with itself"},
      {"root ::= <[12]>", "cannot be enforced"},
      {"root ::= (\"a\"", "'(' without ')'"},
      {"root ::= \"a\"{5,2}", "out of order"},
      {"root ::= [z-a]", "out of order"},
  };
  for (const auto& [text, message] : cases) {
    const auto grammar = Grammar::gbnf(text);
    ASSERT_FALSE(grammar.ok()) << text;
    EXPECT_NE(grammar.error().message.find(message), std::string::npos)
        << text << ": " << grammar.error().message;
  }
}

TEST(Lark, MatchesItsTexts) {
  const GrammarCase cases[] = {
      {"start: \"yes\" | \"no\"i\n", {"yes", "no", "NO", "No"}, {"Yes"}},
      {"start: expr\n?expr: term | expr \"+\" term -> add\n    | expr \"-\" term -> sub\n"
       "term: NUMBER | \"(\" expr \")\"\n%import common.NUMBER\n%import common.WS\n%ignore WS\n",
       {"1", " 1 + 2", "( 1+2 ) - 3.5 "},
       {"+", "1 +", "1 2"}},
      {"start: WORD (\",\" WORD)* [\"!\"]\nWORD: \"a\"..\"z\"+\n", {"ab,c", "x!"}, {"", "A", "a,"}},
      {"start: A~2..3\nA.2: /[0-9]x?/\n", {"12", "1x2x3"}, {"1", "1234"}},
      {"// c\nstart: \"a.b\" \"\\n\" \"\\\"\"\n", {"a.b\n\""}, {"axb\n\""}},
  };
  for (const GrammarCase& c : cases) check(Grammar::lark(c.text), c);
}

TEST(Lark, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: \"x\"", "no rule 'start'"},
      {"start: /a(?<=b)/", "lookbehind"},
      {"start: x{\"a\"}", "parameters"},
      {"%declare X\nstart: X", "%declare"},
      {"%import python.NAME\nstart: NAME", "other files"},
      {"start: <eos>", "token by name"},
      {"start: /a/x", "flags"},
  };
  for (const auto& [text, message] : cases) {
    const auto grammar = Grammar::lark(text);
    ASSERT_FALSE(grammar.ok()) << text;
    EXPECT_NE(grammar.error().message.find(message), std::string::npos)
        << text << ": " << grammar.error().message;
  }
}

TEST(Choice, TakesOneOfThem) {
  const std::vector<std::string> texts{"a", "ab", "\u20ac"};
  const auto grammar = Grammar::choice(texts);
  for (const std::string& text : texts) EXPECT_TRUE(accepts(*grammar, text));
  EXPECT_FALSE(accepts(*grammar, "b"));
  EXPECT_FALSE(Grammar::choice({}).ok());
  EXPECT_FALSE(Grammar::choice(std::vector<std::string>{"a", ""}).ok());
}

TEST(Regex, MatchesTheWholeText) {
  const auto grammar = Grammar::regex("[0-9]+|\u00e9\\n");
  EXPECT_TRUE(accepts(*grammar, "12"));
  EXPECT_TRUE(accepts(*grammar, "\u00e9\n"));
  EXPECT_FALSE(accepts(*grammar, "12a"));
  EXPECT_FALSE(Grammar::regex("a(?!a)a").ok());
  EXPECT_FALSE(Grammar::regex("(").ok());
}

TEST(Gbnf, LongChainsOfRulesAreNoLeftRecursion) {
  constexpr int kRules = 6000;
  std::string text = "root ::= r1\n";
  for (int i = 1; i < kRules; ++i)
    text += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  text += "r" + std::to_string(kRules) + " ::= \"x\" | \"y\"\n";
  const auto grammar = Grammar::gbnf(text);
  ASSERT_TRUE(grammar.ok()) << grammar.error().message;
  EXPECT_TRUE(accepts(*grammar, "y"));
  EXPECT_FALSE(accepts(*grammar, "z"));
}

}  // namespace
}  // namespace aquilon::constraint
