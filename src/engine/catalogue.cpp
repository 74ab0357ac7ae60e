// SPDX-License-Identifier: Apache-2.0
#include "engine/catalogue.h"

#include <algorithm>

namespace plimsoll {

const CatalogueLine* find_line(std::string_view id) {
  const auto lines = catalogue_lines();
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const CatalogueLine& line) { return line.id == id; });
  return found == lines.end() ? nullptr : &*found;
}

Result<const CatalogueLine*> find_method(std::string_view id) {
  if (const CatalogueLine* line = find_line(id)) return line;
  std::vector<std::string> ids;
  for (const CatalogueLine& line : catalogue_lines()) ids.emplace_back(line.id);
  return Error(ErrorCode::unknown_name, "no method is named '" + std::string(id) + "'", "See `plimsoll methods` for the catalogue.")
      .with_candidates(nearest_names(id, ids));
}

}  // namespace plimsoll
