// SPDX-License-Identifier: Apache-2.0
// The promise of a split conformal rank (Vovk, Gammerman and Shafer 2005): over draws of the conformal rows and a new row, the set
// holds the true class with probability at least 1 - alpha, and exactly k / (n + 1) when no two scores tie and no empty set is
// filled. Given the conformal rows, the share covered of ever more new rows is Beta(k, n + 1 - k) (Marques 2023).

#include <algorithm>
#include <cmath>

#include "base/number_text.h"
#include "methods/risk/classifier/model.h"
#include "stats/distributions.h"
#include "stats/order_statistics.h"

namespace plimsoll::risk::classifier {
namespace {

const Rank& smallest_of(const std::vector<Rank>& ranks) {
  return *std::min_element(ranks.begin(), ranks.end(), [](const Rank& a, const Rank& b) { return a.n < b.n; });
}

void say_assumptions(const Model& model, Certificate& c) {
  c.assumptions.push_back(model.label_conditional ? "within each class, new rows and the conformal rows are exchangeable: drawn alike and in no telling order"
                                                  : "new rows and the conformal rows are exchangeable: drawn alike and in no telling order");
  c.assumptions.push_back("nobody chose the learner, its options or alpha by looking at the conformal rows");
  c.remarks.push_back("The learner saw " + std::to_string(model.learning_rows) + " rows, the probability map and the Venn-Abers pair " + std::to_string(model.probability_rows) +
                      " others, the sets " + std::to_string(model.conformal_rows) + " that neither had seen.");
  c.remarks.push_back("lower and upper are a Venn-Abers pair: for exchangeable rows one of the two is a calibrated probability, on average over rows like this one; "
                      "which of them is not known, and `probability` itself promises nothing.");
  if (!model.overlap_remark.empty()) c.remarks.push_back(model.overlap_remark);
}

}  // namespace

Result<Certificate> certify(const Model& model) {
  Certificate c;
  const Rank& rank = smallest_of(model.ranks);
  const double level = 1.0 - model.alpha;
  const bool exists = rank.k <= rank.n;
  c.template_id = model.label_conditional ? "coverage.label_conditional" : "coverage.marginal";
  c.level = level;
  c.n = rank.n;
  c.vacuous = !exists;
  c.exactness = Exactness::exact;
  PLIMSOLL_TRY(const stats::ConformalRank needed, stats::conformal_rank(rank.n, model.alpha));
  c.values = {{"alpha", model.alpha}, {"level", level}, {"n", static_cast<double>(rank.n)}, {"k", static_cast<double>(rank.k)}, {"attained", needed.attained}, {"needed_n", static_cast<double>(needed.needed_n)}};
  const std::string who = model.label_conditional ? "For a new row of any class" : "For a new row";
  if (!exists) {
    c.promise = who + " the set holds the true class, because it holds every class" + (model.label_conditional ? " that had too few rows" : "") + ".";
    c.remarks.push_back(std::to_string(rank.n) + " conformal rows are too few for this alpha; " + std::to_string(needed.needed_n) + " are needed.");
  } else {
    const double a = static_cast<double>(rank.k);
    const double b = static_cast<double>(rank.n + 1 - rank.k);
    c.values["given_rows_low"] = stats::beta_quantile(0.05, a, b);
    c.values["given_rows_high"] = stats::beta_quantile(0.95, a, b);
    c.promise = who + " the set holds the true class with probability at least " + percent_text(level) + ".";
    c.remarks.push_back("Attained level k / (n + 1) = " + std::to_string(rank.k) + " / " + std::to_string(rank.n + 1) + (model.label_conditional ? " in the smallest class." : ".") +
                        " With these very conformal rows the share covered in the long run lies between " + percent_text(c.values["given_rows_low"]) + " and " + percent_text(c.values["given_rows_high"]) +
                        " in nine of ten such fits.");
  }
  say_assumptions(model, c);
  c.falsified_by = "plimsoll prove risk.classifier --seed S";
  if (model.trees) c.versions["xgboost"] = model.trees->version;
  return c;
}

}  // namespace plimsoll::risk::classifier
