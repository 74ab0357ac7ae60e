// SPDX-License-Identifier: Apache-2.0
// Recipes and documents: the first byte says the format. Whatever parses must be answerable: lines, canonical form, recipe.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "cli/recipe.h"
#include "engine/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  if (size == 0) return 0;
  constexpr std::string_view formats[] = {"toml", "yaml", "json"};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto document = parse_document(text, formats[data[0] % 3], "fuzz");
  if (!document) {
    if (document.error().what.empty() || document.error().mend.empty()) std::abort();
    return 0;
  }
  // What was read can be written and read again, as JSON.
  const std::string canonical = canonical_json(document->root());
  const auto again = parse_document(canonical, "json", "fuzz");
  if (!again || canonical_json(again->root()) != canonical) std::abort();
  (void)document->line_of("/step/0/verb");
  const auto recipe = cli::read_recipe(*document, {});
  if (!recipe && recipe.error().what.empty()) std::abort();
  return 0;
}
