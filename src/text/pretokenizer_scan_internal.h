// The scanners of pretokenizer.h, inline for the encoder's loop.
#pragma once

#include <cstdint>

#include "text/pretokenizer.h"
#include "text/unicode_class.h"
#include "text/utf8_internal.h"

namespace aquilon::text {

// A character: its class and the bytes it takes.
struct Char {
  std::uint8_t cls;
  std::uint8_t length;
};

// Cuts pieces by one pattern. All functions want p < end unless said otherwise.
class PieceScanner {
 public:
  explicit PieceScanner(const UnicodeClasses& classes) : classes_(classes) {}

  template <PreTokenizer kPre>
  const char* piece(const char* p, const char* end) const {
    if constexpr (kPre == PreTokenizer::kGpt2) return gpt2_piece<0>(p, end);
    if constexpr (kPre == PreTokenizer::kSmollm) {
      const Char c = at(p, end);
      return c.cls & kNumber ? p + c.length : gpt2_piece<kNumber>(p, end);
    }
    if constexpr (kPre == PreTokenizer::kQwen2) return llama_piece<1>(p, end);
    if constexpr (kPre == PreTokenizer::kLlamaBpe) return llama_piece<3>(p, end);
    if constexpr (kPre == PreTokenizer::kQwen35) return llama_piece<1, true>(p, end);
    if constexpr (kPre == PreTokenizer::kTekken) return cased_piece<false>(p, end);
    if constexpr (kPre == PreTokenizer::kLlama4) return cased_piece<true>(p, end);
    if constexpr (kPre == PreTokenizer::kDefault) return default_piece(p, end);
  }

 private:
  Char at(const char* p, const char* end) const {
    const auto byte = static_cast<std::uint8_t>(*p);
    if (byte < 0x80) return {classes_.of_ascii(byte), 1};
    const Utf8Step step = utf8_step(p, end);
    if (step.state != Utf8State::kComplete) return {kOther, 1};
    return {classes_.of(step.code_point), step.length};
  }

  // End of the run of characters that have a class of `wanted` and none of `barred`; p may be end.
  const char* run(const char* p, const char* end, std::uint8_t wanted,
                  std::uint8_t barred = 0) const {
    while (p != end) {
      const Char c = at(p, end);
      if (!(c.cls & wanted) || (c.cls & barred)) break;
      p += c.length;
    }
    return p;
  }

  // Length of 's 't 're 've 'm 'll 'd at the apostrophe p, or 0. With kAnyCase capitals too, and
  // the long s (U+017F), whose capital is S.
  template <bool kAnyCase>
  static std::size_t contraction(const char* p, const char* end) {
    const auto letter = [&](std::size_t i) -> char {
      if (end - p <= static_cast<std::ptrdiff_t>(i)) return 0;
      const char c = p[i];
      return kAnyCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    const char a = letter(1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    const char b = letter(2);
    if ((a == 'r' || a == 'v') && b == 'e') return 3;
    if (a == 'l' && b == 'l') return 3;
    if (kAnyCase && a == '\xC5' && b == '\xBF') return 3;
    return 0;
  }

  // A run of white space [p, q), its last character beginning at `last`.
  struct Blanks {
    const char* q;
    const char* last;
    const char* after_newline;  // behind the last line break in it, or null
  };
  Blanks blanks(const char* p, const char* end) const {
    Blanks b{p, p, nullptr};
    while (b.q != end) {
      const Char c = at(b.q, end);
      if (!(c.cls & (kSpace | kNewline))) break;
      b.last = b.q;
      b.q += c.length;
      if (c.cls & kNewline) b.after_newline = b.q;
    }
    return b;
  }

  // GPT-2's pattern on a text that ends before the first character of a class in kBarred.
  template <std::uint8_t kBarred>
  const char* gpt2_piece(const char* p, const char* end) const {
    constexpr std::uint8_t kWord = kLetter | kNumber | kOther;
    if (*p == '\'') {
      if (const std::size_t n = contraction<false>(p, end)) return p + n;
    }
    const Char c = at(p, end);
    if (c.cls & kWord) return run(p + c.length, end, c.cls & kWord, kBarred);
    if (*p == ' ' && p + 1 != end) {
      const Char next = at(p + 1, end);
      if ((next.cls & kWord) && !(next.cls & kBarred)) {
        return run(p + 1 + next.length, end, next.cls & kWord, kBarred);
      }
    }
    const Blanks b = blanks(p, end);
    if (b.q == end || (at(b.q, end).cls & kBarred)) return b.q;
    return b.last == p ? b.q : b.last;
  }

  // End of the run of at most n numbers that begins at p.
  const char* numbers(const char* p, const char* end, int n) const {
    for (; n > 0 && p != end; --n) {
      const Char c = at(p, end);
      if (!(c.cls & kNumber)) break;
      p += c.length;
    }
    return p;
  }

  // \s*[\r\n]+|\s+(?!\S)|\s+
  const char* blank_piece(const char* p, const char* end) const {
    const Blanks b = blanks(p, end);
    if (b.after_newline) return b.after_newline;
    return b.q == end || b.last == p ? b.q : b.last;
  }

  // With kMarks, marks are part of words.
  template <int kMaxDigits, bool kMarks = false>
  const char* llama_piece(const char* p, const char* end) const {
    constexpr std::uint8_t kWord = kMarks ? kHead | kTail : kLetter;
    constexpr std::uint8_t kBarred = kMarks ? kHead : 0;  // from kOther
    if (*p == '\'') {
      if (const std::size_t n = contraction<true>(p, end)) return p + n;
    }
    const Char c = at(p, end);
    const char* const second = p + c.length;
    if (c.cls & kLetter) return run(second, end, kWord);
    if (c.cls & kNumber) return numbers(p, end, kMaxDigits);
    const Char next = second != end ? at(second, end) : Char{0, 0};
    if (!(c.cls & kNewline) && (next.cls & kWord)) return run(second + next.length, end, kWord);
    if (c.cls & kBarred) return second;
    if ((c.cls & kOther) || (*p == ' ' && (next.cls & kOther))) {
      return run(run(second, end, kOther, kBarred), end, kNewline);
    }
    return blank_piece(p, end);
  }

  // Where H*T+ that begins at p ends, or null, and where H* ends; p may be end.
  struct CasedRun {
    const char* with_tail;
    const char* head;
  };
  CasedRun cased_run(const char* p, const char* end) const {
    CasedRun found{nullptr, p};
    std::uint8_t cls = 0;  // of the character at found.head
    while (found.head != end) {
      const Char c = at(found.head, end);
      cls = c.cls;
      if (!(cls & kHead)) break;
      found.head += c.length;
      if (cls & kTail) found.with_tail = found.head;
      cls = 0;
    }
    if (cls & kTail) found.with_tail = run(found.head, end, kTail);
    return found;
  }

  // [^\r\n\p{L}\p{N}]?H*T+|[^\r\n\p{L}\p{N}]?H+T*, or null. c is the character at p.
  const char* cased_word(const char* p, const char* end, Char c) const {
    if (c.cls & (kNumber | kNewline)) return nullptr;
    if (!(c.cls & kLetter)) {
      const char* const second = p + c.length;
      const CasedRun rest = cased_run(second, end);
      if (rest.with_tail) return rest.with_tail;
      if (!(c.cls & kHead)) return rest.head == second ? nullptr : rest.head;
    }
    const CasedRun all = cased_run(p, end);
    return all.with_tail ? all.with_tail : all.head;
  }

  template <bool kLlama4>
  const char* cased_piece(const char* p, const char* end) const {
    const Char c = at(p, end);
    if (const char* const q = cased_word(p, end, c)) {
      if (!kLlama4 || q == end || *q != '\'') return q;
      return q + contraction<true>(q, end);
    }
    if (c.cls & kNumber) return numbers(p, end, kLlama4 ? 3 : 1);
    const char* q = p + c.length;
    if ((c.cls & kOther) || (*p == ' ' && q != end && (at(q, end).cls & kOther))) {
      q = run(q, end, kOther);
      while (q != end && (*q == '\r' || *q == '\n' || *q == '/')) ++q;
      return q;
    }
    return blank_piece(p, end);
  }

  const char* default_piece(const char* p, const char* end) const {
    const Char c = at(p, end);
    if (c.cls & kSplit) return run(p, end, kSplit);
    if (c.cls & kNumber) return default_digits(p, end);
    if (*p == ' ' && p + 1 != end && (at(p + 1, end).cls & kNumber)) return p + 1;
    return gpt2_piece<kSplit>(p, end);
  }

  // In a run of \p{N}: three ASCII digits, or everything up to the next three.
  const char* default_digits(const char* p, const char* end) const {
    int digits = 0;  // ASCII ones that end at q
    const char* q = p;
    while (q != end) {
      const Char c = at(q, end);
      if (!(c.cls & kNumber)) break;
      digits = c.length == 1 ? digits + 1 : 0;
      q += c.length;
      if (digits == 3) return q - 3 == p ? q : q - 3;
    }
    return q;
  }

  const UnicodeClasses& classes_;
};

// f(piece) for every piece of [p, end), in order.
template <PreTokenizer kPre, class F>
void scan_pieces(const char* p, const char* end, F&& f) {
  const PieceScanner scanner(UnicodeClasses::get());
  while (p != end) {
    const char* const q = scanner.piece<kPre>(p, end);
    f(std::string_view(p, static_cast<std::size_t>(q - p)));
    p = q;
  }
}

template <class F>
void for_each_piece(PreTokenizer pre, std::string_view text, F&& f) {
  const char* const p = text.data();
  const char* const end = p + text.size();
  switch (pre) {
    case PreTokenizer::kGpt2:
      return scan_pieces<PreTokenizer::kGpt2>(p, end, f);
    case PreTokenizer::kSmollm:
      return scan_pieces<PreTokenizer::kSmollm>(p, end, f);
    case PreTokenizer::kQwen2:
      return scan_pieces<PreTokenizer::kQwen2>(p, end, f);
    case PreTokenizer::kLlamaBpe:
      return scan_pieces<PreTokenizer::kLlamaBpe>(p, end, f);
    case PreTokenizer::kQwen35:
      return scan_pieces<PreTokenizer::kQwen35>(p, end, f);
    case PreTokenizer::kTekken:
      return scan_pieces<PreTokenizer::kTekken>(p, end, f);
    case PreTokenizer::kLlama4:
      return scan_pieces<PreTokenizer::kLlama4>(p, end, f);
    case PreTokenizer::kDefault:
      return scan_pieces<PreTokenizer::kDefault>(p, end, f);
  }
}

}  // namespace aquilon::text
