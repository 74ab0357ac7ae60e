// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/fields.h"
#include "methods/risk/classifier/params.h"

namespace plimsoll::risk::classifier {

enum class Decision : std::uint8_t { act, pass, abstain };
const std::vector<std::string>& decision_names();

// From a row's probabilities, Venn-Abers pair and set to act, pass or abstain.
struct Rule {
  std::vector<double> cost;  // 3 x classes: cost of act, pass, abstain when the row is of that class; infinite: not for sale
  Abstain abstain = Abstain::uncertain;
  std::int64_t positive = -1;  // class the threshold speaks of; -1: none (several classes, none named)
  double threshold = 0.5;      // act when the probability of `positive` is at least this; from the costs
  double zone_low = 0;
  double zone_high = 0;
};
void describe(Fields& f, Rule& rule);

Result<Rule> make_rule(const Params& params, std::int64_t classes, std::int64_t positive);

struct Case {
  std::span<const double> probability;  // one a class
  double lower = 0;
  double upper = 1;
  std::int64_t set_size = 1;
};
Decision decide(const Rule& rule, const Case& one);

}  // namespace plimsoll::risk::classifier
