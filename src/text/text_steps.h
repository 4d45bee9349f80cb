// What a tokenizer.json does to a text before it is cut, as PyPI's tokenizers do it: each step
// takes a text and gives the next one. Bytes of invalid UTF-8 stay as they are.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "text/normal_form_internal.h"
#include "text/piece_normalizer.h"  // Charsmap

namespace aquilon::text {

using TextStep = std::function<std::string(std::string_view)>;

// Grapheme clusters of less than six bytes, then characters, become what the map has for the
// shortest key that they begin with ("Precompiled").
TextStep charsmap_step(Charsmap map);
TextStep form_step(NormalForm form);
TextStep replace_step(std::string from, std::string to);
// Runs of two spaces and more become `to`.
TextStep replace_spaces_step(std::string to);
TextStep strip_step(bool left, bool right);
TextStep prepend_step(std::string text);
TextStep lowercase_step();
// Without nonspacing marks, which a normal form D has taken off their letters.
TextStep strip_accents_step();
// SentencePiece's treatment of controls and of other spaces ("Nmt").
TextStep nmt_step();
// Words between white space, each with "▁" in front ("WhitespaceSplit" before "Metaspace").
TextStep mark_words_step();

}  // namespace aquilon::text
