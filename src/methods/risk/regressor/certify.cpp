// SPDX-License-Identifier: Apache-2.0
// The promise of a split conformal rank: over draws of the conformal rows and a new row, the interval holds the truth with
// probability at least 1 - alpha, exactly k / (n + 1) for one side and scores without ties; two sides add up (Bonferroni). Given
// the conformal rows the share covered in the long run is Beta(k, n + 1 - k) (Marques 2023).

#include <algorithm>
#include <cmath>

#include "base/number_text.h"
#include "methods/risk/regressor/regressor.h"
#include "stats/distributions.h"
#include "stats/order_statistics.h"

namespace plimsoll::risk::regressor {
namespace {

void promise_of(const Model& model, const learn::Rank& rank, Certificate& c) {
  const std::string who = model.mondrian == Mondrian::none ? "For a new row" : model.mondrian == Mondrian::group ? "For a new row of any group of the conformal rows" : "For a new row of any bin of predicted spread";
  if (c.vacuous) {
    c.promise = who + " the interval holds the outcome, because it is unbounded" + (model.cell_count() > 1 ? " where rows were too few." : ".");
    return;
  }
  c.promise = who + " the interval holds the outcome with probability at least " + percent_text(c.level) + ".";
  if (model.sides() == 2) return;
  const auto a = static_cast<double>(rank.k);
  const auto b = static_cast<double>(rank.n + 1 - rank.k);
  c.values["given_rows_low"] = stats::beta_quantile(0.05, a, b);
  c.values["given_rows_high"] = stats::beta_quantile(0.95, a, b);
  c.remarks.push_back("Attained level k / (n + 1) = " + std::to_string(rank.k) + " / " + std::to_string(rank.n + 1) + (model.cell_count() > 1 ? " in the smallest cell." : ".") +
                      " With these very conformal rows the share covered in the long run lies between " + percent_text(c.values["given_rows_low"]) + " and " + percent_text(c.values["given_rows_high"]) + " in nine of ten such fits.");
}

}  // namespace

Result<Certificate> certify(const Model& model) {
  Certificate c;
  const learn::Rank rank = *std::min_element(model.ranks.begin(), model.ranks.end(), [](const learn::Rank& a, const learn::Rank& b) { return a.n < b.n; });
  PLIMSOLL_TRY(const stats::ConformalRank needed, stats::conformal_rank(rank.n, model.alpha / static_cast<double>(model.sides())));
  c.template_id = model.mondrian == Mondrian::none ? "coverage.marginal" : "coverage.mondrian";
  c.level = 1 - model.alpha;
  c.n = rank.n;
  c.vacuous = rank.k > rank.n;
  c.exactness = Exactness::exact;
  c.values = {{"alpha", model.alpha}, {"level", c.level}, {"n", static_cast<double>(rank.n)}, {"k", static_cast<double>(rank.k)}, {"attained", needed.attained}, {"needed_n", static_cast<double>(needed.needed_n)}, {"sides", static_cast<double>(model.sides())}};
  promise_of(model, rank, c);
  if (c.vacuous) c.remarks.push_back(std::to_string(rank.n) + " conformal rows are too few for this alpha; " + std::to_string(needed.needed_n) + " are needed.");
  c.assumptions = {std::string(model.mondrian == Mondrian::none ? "" : "within each cell, ") + "new rows and the conformal rows are exchangeable: drawn alike and in no telling order",
                   "nobody chose the learner, its options or alpha by looking at the conformal rows"};
  c.remarks.push_back("The learner saw " + std::to_string(model.learning_rows) + " rows, the spread " + std::to_string(model.spread_rows) + " others, the intervals " + std::to_string(model.conformal_rows) +
                      " that neither had seen. `prediction` and `quantile` columns promise nothing by themselves.");
  if (!model.overlap_remark.empty()) c.remarks.push_back(model.overlap_remark);
  c.falsified_by = "plimsoll prove risk.regressor --seed S";
  if (model.trees) c.versions["xgboost"] = model.trees->version;
  else if (model.low) c.versions["xgboost"] = model.low->trees.version;
  else if (model.spread) c.versions["xgboost"] = model.spread->version;
  return c;
}

}  // namespace plimsoll::risk::regressor
