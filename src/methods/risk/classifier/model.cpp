// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "methods/risk/classifier/labels.h"

namespace plimsoll::risk::classifier {
namespace {

constexpr std::array<RoleInfo, 5> past_roles{{
    {"target", "column of classes", true, false},
    {"feature", "columns to learn from; default: every column without another role", false, true},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};
constexpr std::array<RoleInfo, 4> later_roles{{
    {"target", "column of classes", false, false},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};
constexpr std::array<RoleInfo, 1> new_roles{{{"id", "columns that name a row", false, true}}};

Result<void> corrupt(const std::string& what) { return Error(ErrorCode::corrupt_file, "the classifier's " + what, "Fit the model again"); }

Result<void> check_learner(const Model& m) {
  const auto classes = std::ssize(m.classes);
  if (m.learner == Learner::logistic) {
    if (!m.logistic) return corrupt("coefficients are missing");
    PLIMSOLL_CHECK(check(*m.logistic));
    if (m.logistic->classes != classes || m.logistic->width != m.encoder.linear_width()) return corrupt("coefficients do not fit its columns");
    return {};
  }
  if (!m.trees) return corrupt("trees are missing");
  if (m.trees->classes != classes || m.trees->width != m.encoder.tree_width()) return corrupt("trees do not fit its columns");
  return {};
}

}  // namespace

void describe(Fields& f, Inputs& inputs) {
  f(PortInfo{"data", "past cases with their classes", past_roles}, inputs.data);
  f(PortInfo{"calibration", "rows kept for calibration; default: cut from data", later_roles}, inputs.calibration);
  f(PortInfo{"test", "rows that only the report looks at", later_roles}, inputs.test);
}

void describe(Fields& f, Model& m) {
  f({"target", "column of classes"}, m.target);
  f({"classes", "class names in order"}, m.classes);
  f({"positive", "index of the class whose risk is estimated, -1 for none", within(-1, 999)}, m.positive);
  f({"learner", "what was fitted"}, m.learner);
  f({"encoder", "from columns to numbers"}, m.encoder);
  f({"trees", "boosted trees"}, m.trees);
  f({"logistic", "logistic regression"}, m.logistic);
  f({"calibrator", "probability map"}, m.calibrator);
  f({"several", "probability map of more than two classes"}, m.several);
  f({"pairs", "Venn-Abers maps"}, m.pairs);
  f({"alpha", "miscoverage", between(0, 1)}, m.alpha);
  f({"score", "class score"}, m.score.score);
  f({"score_penalty", "penalty of a rank", at_least(0)}, m.score.penalty);
  f({"score_penalty_free", "ranks without penalty", at_least(0)}, m.score.penalty_free);
  f({"label_conditional", "one rank a class"}, m.label_conditional);
  f({"ranks", "conformal ranks"}, m.ranks);
  f({"rule", "how decisions are taken"}, m.rule);
  f({"learning_rows", "rows learned from", at_least(0)}, m.learning_rows);
  f({"probability_rows", "rows that calibrated probabilities", at_least(0)}, m.probability_rows);
  f({"conformal_rows", "rows that calibrated sets", at_least(0)}, m.conformal_rows);
  f.blob({"learning_fingerprint", "sketch of the learning rows"}, m.learning_fingerprint);
  f.blob({"calibration_fingerprint", "sketch of the calibration rows"}, m.calibration_fingerprint);
  f({"overlap_remark", "reason given for an overlap"}, m.overlap_remark);
  f({"importance", "share of each feature"}, m.importance);
  f({"groups", "columns of per-group tables"}, m.groups);
  f({"held_out", "diagnostics of rows that were not learned from"}, m.held_out);
}

Result<void> check_model(const Model& m) {
  const std::size_t k = m.classes.size();
  if (k < 2 || k > most_classes) return corrupt("number of classes is " + std::to_string(k));
  if (std::set<std::string>(m.classes.begin(), m.classes.end()).size() != k) return corrupt("classes repeat");
  const auto classes = static_cast<std::int64_t>(k);
  if (m.positive >= classes || (k == 2 && m.positive < 0)) return corrupt("positive class is not among its classes");
  if (m.rule.positive != m.positive || m.rule.cost.size() != 3 * k) return corrupt("decision rule does not fit its classes");
  if (m.ranks.size() != (m.label_conditional ? k : 1)) return corrupt("number of conformal ranks does not fit");
  for (const Rank& rank : m.ranks)
    if (std::isnan(rank.threshold)) return corrupt("threshold is not a number");
  if (m.pairs.size() != (m.positive >= 0 ? 1 : k)) return corrupt("number of Venn-Abers maps does not fit");
  PLIMSOLL_CHECK(check(m.encoder));
  PLIMSOLL_CHECK(check_learner(m));
  for (const learn::Calibrator& pair : m.pairs) {
    PLIMSOLL_CHECK(learn::check(pair));
    if (pair.method != learn::Calibration::venn_abers) return corrupt("Venn-Abers map is another map");
  }
  if (k == 2) return m.calibrator ? learn::check(*m.calibrator) : corrupt("probability map is missing");
  return m.several ? learn::check(*m.several, classes) : corrupt("probability map is missing");
}

void describe(Fields& f, Options& options) { f({"keep", "input columns beside the results: those of the id role, none, all"}, options.keep); }

void describe(Fields& f, Cases& cases) { f(PortInfo{"data", "new cases", new_roles}, cases.data); }

void describe(Fields& f, Outputs& outputs) { f(PortInfo{"scored", "probability, lower, upper, set and decision of each row"}, outputs.scored); }

}  // namespace plimsoll::risk::classifier
