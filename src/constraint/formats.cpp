// RFC 3339, 5322 (dot-atoms and quoted), 1123, 4291, 3986, 3987, 6901, 6570, 4122 and ISO 8601
// durations, as far as each is a regular language.
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "constraint/formats_internal.h"
#include "constraint/pattern_internal.h"

namespace aquilon::constraint {
namespace {

std::string group(std::string_view a) {
  return "(?:" + std::string(a) + ")";
}

const std::string kLeapYear =
    "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
const std::string kDate =
    "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|"
    "02-(?:0[1-9]|1\\d|2[0-8]))|" +
    kLeapYear + "-02-29)";

// A leap second is 23:59:60 in UTC; written with another offset it is not accepted.
const std::string kLeapSecond = "23:59:60(?:\\.\\d+)?(?:[zZ]|[+-]00:00)";
const std::string kOffset = "(?:[zZ]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const std::string kTime = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?" + kOffset;

const std::string kOctet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const std::string kIpv4 = "(?:" + kOctet + "\\.){3}" + kOctet;

std::string ipv6() {
  const std::string h = "[0-9a-fA-F]{1,4}";
  const std::string last = "(?:" + h + ":" + h + "|" + kIpv4 + ")";
  std::string out = "(?:" + h + ":){6}" + last;
  out += "|::(?:" + h + ":){5}" + last;
  out += "|(?:" + h + ")?::(?:" + h + ":){4}" + last;
  for (int before = 1; before <= 3; ++before)
    out += "|(?:(?:" + h + ":){0," + std::to_string(before) + "}" + h + ")?::(?:" + h + ":){" +
           std::to_string(4 - before) + "}" + last;
  out += "|(?:(?:" + h + ":){0,4}" + h + ")?::" + last;
  out += "|(?:(?:" + h + ":){0,5}" + h + ")?::" + h;
  out += "|(?:(?:" + h + ":){0,6}" + h + ")?::";
  return group(out);
}

const std::string kUnreserved = "a-zA-Z0-9\\-._~";
const std::string kSubDelims = "!$&'()*+,;=";
const std::string kPercent = "%[0-9a-fA-F]{2}";

// URIs (RFC 3986) and IRIs (RFC 3987, `more`: the code points that it adds).
struct UriParts {
  std::string scheme_part, relative;
  UriParts(const std::string& more, const std::string& more_query) {
    const std::string pchar = "(?:[" + kUnreserved + more + kSubDelims + ":@]|" + kPercent + ")";
    const std::string no_colon = "(?:[" + kUnreserved + more + kSubDelims + "@]|" + kPercent + ")";
    const std::string user = "(?:[" + kUnreserved + more + kSubDelims + ":]|" + kPercent + ")*";
    const std::string name = "(?:[" + kUnreserved + more + kSubDelims + "]|" + kPercent + ")*";
    const std::string literal =
        "\\[(?:" + ipv6() + "|[vV][0-9a-fA-F]+\\.[" + kUnreserved + kSubDelims + ":]+)\\]";
    const std::string authority = "(?:" + user + "@)?(?:" + literal + "|" + name + ")(?::\\d*)?";
    const std::string rest = "(?:/" + pchar + "*)*";
    const std::string rooted = "/(?:" + pchar + "+" + rest + ")?";
    const std::string tail =
        "(?:\\?(?:" + pchar + "|[/?" + more_query + "])*)?(?:#(?:" + pchar + "|[/?])*)?";
    scheme_part = "[a-zA-Z][a-zA-Z0-9+\\-.]*:(?://" + authority + rest + "|" + rooted + "|" +
                  pchar + "+" + rest + "|)" + tail;
    relative =
        "(?://" + authority + rest + "|" + rooted + "|" + no_colon + "+" + rest + "|)" + tail;
  }
};

const std::string kIriMore =
    "\\u{A0}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFEF}\\u{10000}-\\u{1FFFD}\\u{20000}-"
    "\\u{2FFFD}\\u{30000}-\\u{3FFFD}\\u{E1000}-\\u{EFFFD}";

const std::string kLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?";
// No label of a host name has hyphens in both its third and fourth place, but for punycode.
const std::string kHostname =
    "(?!(?:.*\\.)?(?![xX][nN])[^.]{2}--)(?=.{1,253}$)" + kLabel + "(?:\\." + kLabel + ")*";
const std::string kAtom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\\-]+";

std::string email(const std::string& more) {
  std::string atom = kAtom;
  atom.insert(1, more);
  const std::string quoted = "\"(?:[ !#-\\[\\]-~" + more + "]|\\\\[ -~])*\"";
  const std::string label = more.empty() ? kLabel
                                         : "[a-zA-Z0-9" + more + "](?:[a-zA-Z0-9\\-" + more +
                                               "]{0,61}[a-zA-Z0-9" + more + "])?";
  return "(?:" + atom + "(?:\\." + atom + ")*|" + quoted + ")@(?:" + label + "(?:\\." + label +
         ")*|\\[(?:" + kIpv4 + "|IPv6:" + ipv6() + ")\\])";
}

std::string pattern_of(std::string_view name) {
  if (name == "date") return kDate;
  if (name == "time") return group(kTime) + "|" + kLeapSecond;
  if (name == "date-time") return kDate + "[tT](?:" + kTime + "|" + kLeapSecond + ")";
  if (name == "duration")
    return "P(?:\\d+W|(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)"
           "(?:T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))?|"
           "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))";
  if (name == "email") return email("");
  if (name == "idn-email") return email("\\u{80}-\\u{10FFFF}");
  if (name == "hostname") return kHostname;
  if (name == "ipv4") return kIpv4;
  if (name == "ipv6") return ipv6();
  if (name == "uuid") return "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
  if (name == "uri") return UriParts("", "").scheme_part;
  if (name == "uri-reference") {
    const UriParts parts("", "");
    return group(parts.scheme_part) + "|" + parts.relative;
  }
  if (name == "iri") return UriParts(kIriMore, "\\u{E000}-\\u{F8FF}").scheme_part;
  if (name == "iri-reference") {
    const UriParts parts(kIriMore, "\\u{E000}-\\u{F8FF}");
    return group(parts.scheme_part) + "|" + parts.relative;
  }
  const std::string pointer = "(?:/(?:[^~/]|~[01])*)*";
  if (name == "json-pointer") return pointer;
  if (name == "relative-json-pointer") return "(?:0|[1-9]\\d*)(?:#|" + pointer + ")";
  if (name == "uri-template") {
    const std::string variable = "(?:[a-zA-Z0-9_]|" + kPercent + ")(?:\\.?(?:[a-zA-Z0-9_]|" +
                                 kPercent + "))*(?::[1-9]\\d{0,3}|\\*)?";
    return "(?:[^\\u{0}-\\u{20}\"'%<>\\\\^`{|}]|" + kPercent + "|\\{[+#./;?&=,!@|]?" + variable +
           "(?:," + variable + ")*\\})*";
  }
  return {};
}

}  // namespace

std::optional<RegexId> format_language(RegexStore& store, const JsonStrings& strings,
                                       std::string_view name) {
  (void)strings;
  const std::string pattern = pattern_of(name);
  if (pattern.empty()) return std::nullopt;
  auto language = compile_pattern(store, pattern, {.spelling = Spelling::kJson, .search = false});
  AQ_CHECK(language.ok() || store.exhausted());
  return language.ok() ? *language : kNothing;
}

}  // namespace aquilon::constraint
