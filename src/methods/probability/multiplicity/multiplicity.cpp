// SPDX-License-Identifier: Apache-2.0
// Predictive multiplicity in probabilistic classification: J. Watson-Daniels, D. C. Parkes, B. Ustun (arXiv 2206.01131, AAAI
// 2023). With L(w) = mean log loss + (l2 / 2) |w without intercept|^2, L0 its minimum at w0, and S = { w : L(w) <= (1 + eps) L0 }:
//   viable range of x     [ min over S of sig(w'x), max over S of sig(w'x) ]
//   ambiguity(delta)      share of rows with max over S of |sig(w'x) - sig(w0'x)| >= delta
//   discrepancy(delta)    max over S of the share of rows with |sig(w'x) - sig(w0'x)| >= delta
// The paper trains a candidate model for each of a grid of target probabilities, which approximates the ranges from inside,
// and bounds discrepancy by a commercial solver. Here the ranges are exact: S is convex, and a linear function over it is
// maximised to 1e-6 logits with a dual bound (learn/level_set.cpp); discrepancy has a witness and a proven bound
// (discrepancy.cpp). This file says what the method is; rows.cpp reads, ranges.cpp fits and applies, audit.cpp measures.
#include "methods/probability/multiplicity/multiplicity.h"

#include <array>

namespace plimsoll::probability::multiplicity {
namespace {

constexpr std::array<std::string_view, 2> slack_names = {"relative", "absolute"};
constexpr std::array<std::string_view, 3> ends_names = {"auto", "exact", "ellipsoid"};
constexpr std::array<std::string_view, 3> keep_names = {"id", "none", "all"};

constexpr std::array<RoleInfo, 5> learning_roles = {{{"target", "what happened: 1 or 0 (or 1 and -1)", true, false},
                                                     {"weight", "row weights, 0 or more", false, false},
                                                     {"feature", "columns of the model; default: all that are bound to nothing else", false, true},
                                                     {"group", "columns whose groups the report tells apart", false, true},
                                                     {"id", "columns that name a row", false, true}}};
constexpr std::array<RoleInfo, 4> judged_roles = {{{"target", "what happened, if it is known", false, false},
                                                   {"weight", "row weights, 0 or more", false, false},
                                                   {"group", "columns whose groups the report tells apart", false, true},
                                                   {"id", "columns that name a row", false, true}}};
constexpr std::array<RoleInfo, 1> scored_roles = {{{"id", "columns that name a row", false, true}}};

}  // namespace

std::span<const std::string_view> choices_of(Slack) { return slack_names; }
std::span<const std::string_view> choices_of(Ends) { return ends_names; }
std::span<const std::string_view> choices_of(Keep) { return keep_names; }

void describe_spec(Fields& f, Spec& s) {
  f({"eps", "how much worse than the best model's loss still counts as good", above(0)}, s.eps);
  f({"slack", "eps is a share of the best loss, or added to it"}, s.slack);
  f({"l2", "ridge penalty on the coefficients, the intercept apart; 0 needs rows that are not separated", at_least(0)}, s.l2);
  f({"standardise", "divide each number by its standard deviation, so that the penalty weighs all alike"}, s.standardise);
  f({"threshold", "probability at which a decision flips; at it counts as above", between(0, 1)}, s.threshold);
  f({"ends", "exact ranges, or those of the approximating ellipsoid; auto: exact up to 100,000 distinct learning rows"}, s.ends);
}
void describe(Fields& f, Params& p) { describe_spec(f, p); }
void describe(Fields& f, AssessParams& p) {
  describe_spec(f, p);
  f({"delta", "changes of probability that matter: one or several"}, p.delta);
  f({"grid", "other eps for which ranges and ambiguity are told too"}, p.grid);
  f({"discrepancy", "search for the model that moves most rows"}, p.discrepancy);
  f({"max_time", "seconds for all searches of discrepancy; one that it ends gives a bracket and says so", above(0)}, p.max_time);
  f({"max_rounds", "rounds of each search: ends it at the same place on every machine", at_least(1)}, p.max_rounds);
  f({"gap", "share of rows by which the bounds of discrepancy may stay apart", within(0, 1)}, p.gap);
  f({"level", "of the intervals of groups", between(0, 1)}, p.level);
}

void describe(Fields& f, Feature& feature) {
  f({"name", "column"}, feature.name);
  f({"category", "text, one column a level"}, feature.category);
  f({"scale", "numbers are divided by it", above(0)}, feature.scale);
  f({"levels", "by name"}, feature.levels);
  f({"used", "which of its columns are in the model"}, feature.used);
}
void describe(Fields& f, Encoding& e) {
  f({"features", "columns of the model"}, e.features);
  f({"left_out", "columns that are not, and why"}, e.left_out);
}
void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "rows with what happened, to learn from", learning_roles}, in.data); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"data", "rows with what happened, to learn from", learning_roles}, in.data);
  f(PortInfo{"evaluation", "rows whose ranges are told; default: the learning rows", judged_roles}, in.evaluation);
}
void describe(Fields& f, Model& m) {
  f({"encoding", "columns of the model"}, m.encoding);
  f({"eps", "tolerance", above(0)}, m.eps);
  f({"l2", "penalty", at_least(0)}, m.l2);
  f({"target", "largest loss that counts as good"}, m.target);
  f({"best_loss", "of the best model"}, m.best_loss);
  f({"threshold", "probability at which a decision flips", between(0, 1)}, m.threshold);
  f({"ends", "how the ranges are found"}, m.ends);
  f({"rows", "learning rows", at_least(0)}, m.rows);
  f.tensor({"best", "coefficients of the best model, then its intercept"}, m.best);
  f.tensor({"x", "distinct learning rows, row-major"}, m.x);
  f.tensor({"weight", "weight of each"}, m.weight);
  f.tensor({"positive", "of it with outcome 1"}, m.positive);
}
void describe(Fields& f, Options& o) { f({"keep", "columns of the input that stand in the output"}, o.keep); }
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows whose ranges are asked", scored_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "probability of the best model, lowest and highest of a good one, width, and whether the threshold lies between"}, out.rows); }

Result<Certificate> certify(const Model& model) {
  Certificate c;
  c.template_id = "multiplicity.range";
  c.values = {{"eps", model.eps}, {"target", model.target}, {"best_loss", model.best_loss}, {"l2", model.l2}};
  c.n = model.rows;
  c.exactness = model.ends == Ends::exact ? Exactness::exact : Exactness::heuristic;
  c.promise = model.ends == Ends::exact
                  ? "Over all linear models whose penalised log loss on the learning rows is at most the target, the probability of a row runs from low to high exactly (to 1e-6)."
                  : "low and high approximate what linear models with a penalised log loss up to the target say of a row; they may be off by more than 0.1 either way.";
  c.assumptions = {"good means: penalised mean log loss on the learning rows; other measures of goodness give other sets",
                   "the models are linear in the columns given, with one ridge penalty"};
  c.remarks = {"This speaks of models, not of the truth: a narrow range does not mean that the probability is right.",
               "The artifact holds the distinct learning rows: share it as you would share them."};
  c.falsified_by = "plimsoll prove probability.multiplicity";
  return c;
}

extern constinit const Method entry;
constinit const Method entry = method("probability.multiplicity")
                                   .fit<&fit>(Law::A)
                                   .apply<&apply>(Rows::independent)
                                   .assess<&assess>()
                                   .certify<&certify>()
                                   .example<&example>()
                                   .prove<&prove>();

}  // namespace plimsoll::probability::multiplicity
