// SPDX-License-Identifier: Apache-2.0
// Conformal prediction with conditional guarantees: I. Gibbs, J. Cherian, E. Candes (2023, arXiv 2305.12616). For a basis phi(x) and its
// span F, a new point joins a quantile regression of the scores on phi at level 1 - alpha, its dual variable eta(S) rising with the
// score S that it is given. The set {y : eta(s(x, y)) < 1 - alpha} has
//   E[f(X)(1{Y in set} - (1 - alpha))] >= 0     for every f >= 0 of F,
// so with indicators in F coverage holds for each group, overlapping or not, and with linear terms under every shift that is linear in
// the features. The randomised form {y : eta(s(x, y)) <= U}, U uniform on (-alpha, 1 - alpha), has equality for every f of F.
// eta rises with S, so the set is {y : s(x, y) <= S*(x)}, and S* comes from the dual with the new variable held fixed
// (stats/basis_quantile.h), warm-started for each row from one fit without it. Departure from the published code: no general solver, no
// bisection over S; ties are broken below what scores tell, and a basis row that no calibration row speaks for gets the whole space.

#include "methods/conformal/conditional/conditional.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "stats/basis_quantile.h"

namespace plimsoll::conformal::conditional {
namespace {

constexpr std::array<RoleInfo, 2> own_roles = {{{"group", "groups that coverage shall hold for: one column or several, which may overlap", false, true},
                                                {"feature", "columns for linear terms and bumps", false, true}}};
constexpr auto fit_roles = learn::join_roles(learn::score_fit_roles, own_roles);
constexpr auto apply_roles = learn::score_apply_roles;
constexpr std::array<RoleInfo, 1> learned_roles = {learn::id_role};
constexpr std::int64_t rows_a_task = 32;

}  // namespace

void describe(Fields& f, Params& p) {
  f({"alpha", "miscoverage: one level or several", between(0, 1)}, p.alpha);
  f({"exact", "draw one uniform a row: coverage is then equal to the level, not only at least"}, p.exact);
  f({"linear", "the features themselves are in the basis"}, p.linear);
  f({"centres", "bumps (radial functions) of the features in the basis; their centres are chosen on rows set aside", within(0, 1000)}, p.centres);
  f({"bandwidth", "width of a bump, in standard deviations of the features", above(0)}, p.bandwidth);
  f({"aside", "share of rows set aside to choose centres", between(0, 1)}, p.aside);
  learn::describe_score(f, p);
  f({"allow_empty", "leave empty sets empty; otherwise they get the most probable class"}, p.allow_empty);
  f({"missing", "calibration rows with missing values: refuse them, or drop and count them"}, p.missing);
}

Result<void> check(const Params& p) { return learn::check_levels(p.alpha); }

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, which the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, Groups& g) {
  f({"column", "column of the groups"}, g.column);
  f({"levels", "its values"}, g.levels);
}

void describe(Fields& f, Basis& b) {
  f({"groups", "columns of groups"}, b.groups);
  f({"encoder", "how features are read"}, b.encoder);
  f.tensor({"centres", "centres of the bumps"}, b.centres);
  f({"linear", "linear terms"}, b.linear);
  f({"bandwidth", "width of a bump", above(0)}, b.bandwidth);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"plan", "score, columns, classes"}, m.plan);
  f({"basis", "functions of a row"}, m.basis);
  f.tensor({"scores", "calibration scores, side by side"}, m.scores);
  f.tensor({"rows", "basis of the calibration rows"}, m.rows);
  f({"n", "calibration rows", at_least(1)}, m.n);
  f({"set_aside", "rows that chose centres", at_least(0)}, m.set_aside);
  f({"rank", "independent functions", at_least(0)}, m.rank);
  f({"dropped", "calibration rows left out", at_least(0)}, m.dropped);
  f({"crossed", "crossed quantiles swapped", at_least(0)}, m.crossed);
  f({"off", "rows whose probabilities miss one by more than 1e-6", at_least(0)}, m.off);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
}

Result<void> sound(const Model& m) {
  const Error bad(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  if (!check(m.params).ok() || m.plan.score == learn::ConformalScore::automatic || m.n < 1) return bad;
  if (learn::of_classes(m.plan.score) && (m.plan.classes.size() < 2 || m.plan.classes.size() != m.plan.columns.probability.size())) return bad;
  if (m.basis.encoder) PLIMSOLL_CHECK(learn::check(*m.basis.encoder));
  const std::size_t features = m.basis.features();
  if ((features == 0 && !m.basis.centres.empty()) || (features > 0 && m.basis.centres.size() % features != 0)) return bad;
  for (const Groups& groups : m.basis.groups)
    if (!std::is_sorted(groups.levels.begin(), groups.levels.end())) return bad;
  const auto n = static_cast<std::size_t>(m.n);
  if (m.scores.size() / static_cast<std::size_t>(learn::sides_of(m.plan.score)) != n || m.scores.size() % n != 0 || m.rows.size() / m.basis.width() != n || m.rows.size() % n != 0) return bad;
  const auto finite = [](double x) { return std::isfinite(x); };
  if (!std::all_of(m.scores.begin(), m.scores.end(), finite) || !std::all_of(m.rows.begin(), m.rows.end(), finite) || !std::all_of(m.basis.centres.begin(), m.basis.centres.end(), finite)) return bad;
  return {};
}

void describe(Fields& f, Options& o) { f({"keep", "columns of the input to keep beside the answer"}, o.keep); }
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with predictions", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "sets or intervals"}, out.rows); }

namespace {

// S* of each row for one side and level, on the runtime's threads.
Result<std::vector<double>> thresholds_of(Context& context, const Model& model, std::size_t side, double tail, const std::vector<double>& basis, const std::vector<double>& draws) {
  const std::size_t width = model.basis.width();
  const auto n = static_cast<std::size_t>(model.n);
  PLIMSOLL_TRY(const stats::BasisQuantile quantile, stats::BasisQuantile::fit(std::span<const double>(model.scores).subspan(side * n, n), model.rows, width, tail));
  const auto rows = static_cast<std::int64_t>(basis.size() / width);
  std::vector<double> thresholds(static_cast<std::size_t>(rows));
  const Result<void> done = context.runtime.for_each((rows + rows_a_task - 1) / rows_a_task, context.stop, [&](std::int64_t task) -> Result<void> {
    for (std::int64_t i = task * rows_a_task; i < std::min(rows, (task + 1) * rows_a_task); ++i) {
      PLIMSOLL_CHECK(context.stop.check());
      const auto at = static_cast<std::size_t>(i);
      const double t = draws.empty() ? 1 - tail : draws[at] - tail;
      thresholds[at] = quantile.threshold(std::span<const double>(basis).subspan(at * width, width), t);
    }
    return {};
  });
  if (!done.ok()) return done.error();
  return thresholds;
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::ScoreColumns columns, learn::columns_of(inputs.data, model.plan, model.params, false));
  PLIMSOLL_TRY(const std::vector<double> basis, basis_rows(context, model.basis, inputs.data));
  std::vector<double> draws;
  if (model.params.exact) {
    draws.resize(static_cast<std::size_t>(inputs.data.rows()));
    PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("exact"), inputs.data, columns.id, draws));
  }
  learn::RowThresholds thresholds;
  thresholds.by_row = true;
  const auto sides = static_cast<std::size_t>(learn::sides_of(model.plan.score));
  std::int64_t whole = 0;
  for (const double alpha : model.params.alpha)
    for (std::size_t side = 0; side < sides; ++side) {
      PLIMSOLL_TRY(std::vector<double> level, thresholds_of(context, model, side, alpha / static_cast<double>(sides), basis, draws));
      whole += std::count(level.begin(), level.end(), std::numeric_limits<double>::infinity());
      thresholds.levels.push_back(std::move(level));
    }
  context.tally("{} thresholds of new rows are infinite: too few calibration rows speak for their part of the basis.", whole);
  const learn::AnswerJob job{model.plan, model.params, columns, model.params.alpha.size(), model.params.allow_empty, {}};
  PLIMSOLL_TRY(Table answer, learn::answer_table(context, inputs.data, job, model.params.alpha, thresholds));
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  std::string levels;
  for (const double alpha : model.params.alpha) levels += (levels.empty() ? "" : ", ") + learn::level_name(alpha);
  std::string parts = "all rows";
  for (const Groups& groups : model.basis.groups) parts += ", each group of '" + groups.column + "'";
  if (model.basis.linear && model.basis.features() > 0) parts += ", every reweighting of rows that is linear in the features";
  if (model.basis.bumps() > 0) parts += ", every reweighting by the " + std::to_string(model.basis.bumps()) + " bumps";
  Certificate certificate;
  certificate.template_id = "coverage.conditional";
  certificate.promise = "For a new row exchangeable with the " + std::to_string(model.n) + " calibration rows, the " + (learn::of_classes(model.plan.score) ? "set holds the true class" : "interval holds the true value") + " with probability " +
                        (model.params.exact ? "" : "at least ") + levels + " over " + parts + ", and over every sum of these with weights that are nowhere negative. The probability is over the drawing of the calibration rows and the new row together.";
  certificate.level = 1 - model.params.alpha.front();
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {"calibration rows and new rows are exchangeable", "the basis was fixed before the calibration rows were looked at", "the predictor has not learned from the calibration rows"};
  certificate.values = {{"n", static_cast<double>(model.n)}, {"functions", static_cast<double>(model.rank)}};
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) certificate.values[learn::level_column(model.params.alpha, "alpha", a)] = model.params.alpha[a];
  if (!model.params.exact) certificate.remarks.push_back("The promise may be exceeded by about " + std::to_string(model.rank) + "/" + std::to_string(model.n) + ": --exact draws it even.");
  if (model.params.exact && !model.params.allow_empty && learn::of_classes(model.plan.score)) certificate.remarks.push_back("Empty sets were filled with the most probable class, which only adds coverage.");
  if (model.set_aside > 0) certificate.remarks.push_back(std::to_string(model.set_aside) + " rows chose the centres and did not calibrate.");
  if (model.dropped > 0) certificate.remarks.push_back(std::to_string(model.dropped) + " calibration rows with missing values were left out: the promise is for rows without missing values.");
  certificate.remarks.push_back(model.overlap_remark.empty() ? "That the predictor has not learned from the calibration rows was not checked: the learning rows were not given (--learned)." : model.overlap_remark);
  certificate.vacuous = static_cast<double>(model.n + 1) * model.params.alpha.front() / learn::sides_of(model.plan.score) < 1 - 1e-9;
  certificate.falsified_by = "plimsoll prove conformal.conditional";
  return certificate;
}

namespace {
bool fit_draws(const Params& p) { return p.randomized || p.centres > 0; }
bool apply_draws(const Model& m, const Options&) { return m.params.randomized || m.params.exact; }
}  // namespace

extern constinit const Method entry = method("conformal.conditional")
                                          .fit<&fit>(Law::B)
                                          .draws_in_fit<&fit_draws>()
                                          .apply<&apply>(Rows::independent)
                                          .draws_in_apply<&apply_draws>()
                                          .certify<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::conditional
