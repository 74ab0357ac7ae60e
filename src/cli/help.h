// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.h"
#include "cli/method_flags.h"
#include "engine/catalogue.h"

namespace plimsoll::cli {

struct VerbHelp {
  std::string_view name;
  std::string_view usage;
  std::string_view says;
};
const std::vector<VerbHelp>& verb_help();

std::string program_help();
// Usage, what the verb does, its flags, the methods that have it.
std::string help_of_verb(std::string_view name, const std::vector<Flag>& flags);
// One verb of one method: card's first words, inputs, roles, parameters.
std::string help_of_method(const Method& method, Verb verb, const std::vector<BoundFlag>& flags);

std::string flags_text(const std::vector<Flag>& flags);
// Title and first sentence of a card.
std::string card_title(std::string_view card);
std::string card_summary(std::string_view card);

}  // namespace plimsoll::cli
