// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/door.h"
#include "engine/fields.h"
#include "learn/boosted_trees.h"

namespace plimsoll::learn {
namespace {

// "+1" or "-1" as a direction; 0 if neither.
int direction_of(std::string_view text) {
  if (text == "+1" || text == "1") return 1;
  if (text == "-1") return -1;
  return 0;
}

}  // namespace

TreeOptions small_trees() {
  TreeOptions options;
  options.learning_rate = 0.05;
  options.max_depth = 4;
  return options;
}

void describe(Fields& f, TreeOptions& o) {
  f({"rounds", "boosting rounds", within(1, 100000)}, o.rounds);
  f({"learning_rate", "shrinkage of each tree", {0, 1, true, false, false}}, o.learning_rate);
  f({"max_depth", "depth of a tree", within(1, 30)}, o.max_depth);
  f({"min_child_weight", "least sum of Hessians in a leaf", at_least(0)}, o.min_child_weight);
  f({"subsample", "share of rows of a round", {0, 1, true, false, false}}, o.subsample);
  f({"column_share", "share of columns of a tree", {0, 1, true, false, false}}, o.column_share);
  f({"l2", "ridge on leaf values", at_least(0)}, o.l2);
  f({"min_split_gain", "least gain of a split", at_least(0)}, o.min_split_gain);
  f({"max_bins", "histogram bins of a column", within(2, 65536)}, o.max_bins);
}

Result<void> check_monotone(const std::map<std::string, std::string>& monotone) {
  for (const auto& [column, direction] : monotone)
    if (direction_of(direction) == 0)
      return Error(ErrorCode::bad_parameter, "\"" + direction + "\" is no direction", "Give +1 (risk rises with the column) or -1 (it falls)").in_parameter("monotone." + column).with_candidates({"+1", "-1"});
  return {};
}

Result<std::vector<std::int64_t>> monotone_directions(const std::map<std::string, std::string>& monotone, const FeatureEncoder& encoder) {
  std::vector<std::int64_t> directions;
  if (monotone.empty()) return directions;
  std::vector<std::string> names;
  for (const FeatureColumn& column : encoder.columns) names.push_back(column.name);
  directions.assign(names.size(), 0);
  for (const auto& [name, text] : monotone) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      return Error(ErrorCode::bad_parameter, "no feature is named \"" + name + "\"", "Name a feature in use").in_parameter("monotone." + name).with_candidates(nearest_names(name, names));
    const auto place = static_cast<std::size_t>(found - names.begin());
    if (encoder.columns[place].kind != FeatureKind::numeric)
      return Error(ErrorCode::bad_parameter, "\"" + name + "\" is a column of categories, which have no order", "Leave it out of monotone, or store it as numbers").in_parameter("monotone." + name).in_column(name);
    directions[place] = direction_of(text);
  }
  return directions;
}

}  // namespace plimsoll::learn
