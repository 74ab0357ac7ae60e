// SPDX-License-Identifier: Apache-2.0
// Conformal answers that use every row to learn and to calibrate. With mu_{-i} a prediction that row i had no part in and
// R_i = |y_i - mu_{-i}(x_i)|, j = n + 1 - k, k = ceil((1 - alpha)(n + 1)):
//   plus    [j-th smallest of mu_{-i}(x) - R_i, k-th smallest of mu_{-i}(x) + R_i]           jackknife+, CV+
//   minmax  [min_i mu_{-i}(x) - k-th smallest R, max_i mu_{-i}(x) + k-th smallest R]
// R. Barber, E. Candes, A. Ramdas, R. Tibshirani, "Predictive inference with the jackknife+" (2021). B. Kim, C. Xu, R. Barber,
// "Predictive inference is free with the jackknife+-after-bootstrap" (2020): mu_{-i} is the mean or median of the bags without i.
// Classes: cross-conformal p-values p(y) = (#{i : s_i >= s(x, y; fold of i)} + 1) / (n + 1) (Vovk 2015), the set {y : p(y) > alpha},
// which is the CV+ set of Y. Romano, M. Sesia, E. Candes (2020). Full conformal: Vovk, Gammerman, Shafer (2005), for least squares in
// closed form (Nouretdinov, Melluish, Vovk 2001).
// Rank 0 gives -infinity, rank n + 1 +infinity. A row that stands in every bag has no prediction of its own: its residual counts as
// infinite, which no choice of that prediction can exceed.

#include "methods/conformal/resample/resample.h"

#include <algorithm>
#include <array>

namespace plimsoll::conformal::resample {
namespace {

constexpr std::array<std::string_view, 3> scheme_names = {"cv", "bootstrap", "full"};
constexpr std::array<std::string_view, 2> interval_names = {"plus", "minmax"};
constexpr std::array<std::string_view, 2> aggregate_names = {"mean", "median"};
constexpr std::array<std::string_view, 3> task_names = {"auto", "number", "classes"};

constexpr std::array<RoleInfo, 7> fit_roles = {{{"target", "the true number or class", true, false},
                                                {"feature", "what to learn from, if the method learns", false, true},
                                                {"prediction", "prediction of each row by the model that did not learn from its fold; bootstrap: by each bag's model", false, true},
                                                {"probability", "class probabilities of each row by the model that did not learn from its fold", false, true},
                                                {"fold", "fold of each row", false, false},
                                                {"bag", "bootstrap: how often each bag holds the row, a column a bag", false, true},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 5> apply_roles = {{{"feature", "features, if named otherwise than at fit", false, true},
                                                  {"prediction", "prediction of each fold's or bag's model, in the order of the folds' names or of the bags", false, true},
                                                  {"probability", "class probabilities of each fold's model, fold after fold", false, true},
                                                  {"id", "identity of a row", false, false},
                                                  {"target", "the truth (for reports)", false, false}}};

bool draws(const Model& model, const Options&) { return model.of_classes && model.params.randomized; }

}  // namespace

std::span<const std::string_view> choices_of(Scheme) { return scheme_names; }
std::span<const std::string_view> choices_of(Interval) { return interval_names; }
std::span<const std::string_view> choices_of(Aggregate) { return aggregate_names; }
std::span<const std::string_view> choices_of(Task) { return task_names; }

void describe(Fields& f, Params& p) {
  f({"alpha", "miscoverage of each level"}, p.alpha);
  f({"scheme", "cv: folds, or each row left out; bootstrap: bags; full: every candidate answer, exact, for few rows and a linear model"}, p.scheme);
  f({"interval", "plus: each row's own prediction and residual; minmax: the extreme predictions and one residual, wider"}, p.interval);
  f({"folds", "cv on features: number of folds; 0: as many as rows", within(0, 1e9)}, p.folds);
  f({"bags", "bootstrap on features: expected number of bags, of as many rows as there are, drawn with replacement", within(1, 100000)}, p.bags);
  f({"aggregate", "bootstrap: how the bags without a row are joined"}, p.aggregate);
  f({"task", "auto: classes where probabilities are bound or the target is text or boolean"}, p.task);
  f({"score", "score of a class; see conformal.split"}, p.score);
  f({"randomized", "aps, raps, saps: draw a uniform for each row, which makes sets sharper"}, p.randomized);
  f({"penalty", "raps and saps: weight of the rank penalty", at_least(0)}, p.penalty);
  f({"penalty_free", "raps: ranks free of penalty", at_least(0)}, p.penalty_free);
  f({"allow_empty", "leave sets empty instead of giving them the class of the largest p-value"}, p.allow_empty);
  f({"small_n", "too few rows for an alpha: answer with the whole space, or fail"}, p.small_n);
  f({"prefix", "what the columns of probabilities begin with before the class name"}, p.prefix);
  f({"classes", "the classes, in the order of their probabilities; empty: from the columns' names or the target"}, p.classes);
  learn::describe_learner(f, p);
}

Result<void> check(const Params& p) {
  PLIMSOLL_CHECK(learn::check_levels(p.alpha));
  if (p.folds == 1) return Error(ErrorCode::bad_parameter, "one fold leaves no row to learn from", "Give at least 2, or 0 to leave each row out once.").in_parameter("folds");
  if (p.scheme == Scheme::full && p.interval == Interval::minmax) return Error(ErrorCode::bad_parameter, "full conformal prediction has no minmax form", "Leave out --interval.").in_parameter("interval");
  if (p.scheme == Scheme::full && p.learner != learn::Learner::linear) return Error(ErrorCode::bad_parameter, "full conformal prediction has a closed form for the linear learner only", "Use --learner linear, or --scheme cv.").in_parameter("learner");
  if (p.scheme == Scheme::bootstrap && p.task == Task::classes) return Error(ErrorCode::bad_parameter, "the bootstrap scheme is for numbers", "Use --scheme cv for classes.").in_parameter("scheme");
  if (p.randomized && p.score != learn::ClassScore::aps && p.score != learn::ClassScore::raps && p.score != learn::ClassScore::saps)
    return Error(ErrorCode::bad_parameter, "only the scores aps, raps and saps are randomised", "Leave out --randomized, or choose one of them.").in_parameter("randomized").with_candidates({"aps", "raps", "saps"});
  return {};
}

learn::ClassScoreOptions score_options(const Params& params) {
  learn::ClassScoreOptions options;
  options.score = params.score;
  options.randomized = params.randomized;
  options.penalty = params.penalty;
  options.penalty_free = params.penalty_free;
  return options;
}

void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "rows with the truth, and either features or predictions that did not learn from the row", fit_roles}, in.data); }
void describe(Fields& f, Columns& c) {
  f({"feature", "features"}, c.feature);
  f({"prediction", "predictions"}, c.prediction);
  f({"bag", "counts of the bags"}, c.bag);
  f({"probability", "class probabilities"}, c.probability);
  f({"target", "truth"}, c.target);
  f({"fold", "fold"}, c.fold);
  f({"id", "identity"}, c.id);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f({"of_classes", "whether the truth is a class"}, m.of_classes);
  f({"classes", "class names"}, m.classes);
  f({"folds", "names of the folds"}, m.folds);
  f({"n", "rows that calibrate", at_least(0)}, m.n);
  f({"models", "folds or bags", at_least(0)}, m.models);
  f({"ranks", "rank of the residual, one an alpha"}, m.ranks);
  f.tensor({"residuals", "residuals or scores; full: targets"}, m.residuals);
  f.tensor({"offsets", "where each fold's residuals, or each row's bags begin"}, m.offsets);
  f.tensor({"outside", "the bags that do not hold a row"}, m.outside);
  f.tensor({"features", "full: the rows' features"}, m.features);
  f({"learners", "the fitted models"}, m.learners);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "new rows", apply_roles}, in.data); }
void describe(Fields& f, Options& o) {
  f({"p_values", "classes: give the p-value of each"}, o.p_values);
  f({"keep", "columns to keep beside the answer"}, o.keep);
}
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "the interval or set of each row"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the model", {}, "conformal.resample"}, in.model);
  f(PortInfo{"data", "new rows with the truth", apply_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) { f({"confidence", "of the interval around the coverage", between(0, 1)}, p.confidence); }

extern constinit const Method entry = method("conformal.resample")
                                          .fit<&fit>(Law::B)
                                          .apply<&apply>(Rows::independent)
                                          .draws_in_apply<&draws>()
                                          .certify<&certify>()
                                          .assess<&assess>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::resample
