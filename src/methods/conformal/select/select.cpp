// SPDX-License-Identifier: Apache-2.0
// Conformal selection (Jin and Candes, "Selection by prediction with conformal p-values", JMLR 24, 2023). Labelled rows i = 1..n
// and candidates j = 1..m are exchangeable; a candidate is worth taking if its unseen y_j > c_j (strictly). Small scores promise:
//   clip:     V_i = +infinity if y_i > c_i, else c_i - mu_i;   T_j = c_j - mu_j
//   residual: V_i = y_i - mu_i;                                T_j = c_j - mu_j
//   p_j = (1 + #{i : V_i <= T_j}) / (n + 1), randomised (#{V_i < T_j} + U_j (1 + #{V_i = T_j})) / (n + 1)
// and Benjamini-Hochberg at level q selects p_j <= q r / m for r = max{r : p_(r) <= q r / m}. Then FDR <= q in finite samples;
// with clip, distinct scores and q (n + 1) / m whole it equals q, because the rank of V_j among the n + 1 is uniform.
// With one bar for all rows clip leaves c out (only the order matters), so that ties of mu stay ties.
// Comparisons are made on (n + 1) p, which are whole numbers: no rounding decides who is selected.

#include "methods/conformal/select/select.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <set>

#include "base/hash.h"

namespace plimsoll::conformal::select {
namespace {

constexpr std::array<std::string_view, 2> direction_names = {"above", "below"};
constexpr std::array<std::string_view, 2> score_names = {"clip", "residual"};
constexpr std::array<RoleInfo, 3> pool_roles = {{{"prediction", "predicted outcome: larger is more promising", true, false},
                                                 {"bar", "the bar of each row, if it is not one for all", false, false},
                                                 {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 4> labelled_roles = {{{"target", "the outcome", true, false},
                                                     {"prediction", "predicted outcome, by the same model", true, false},
                                                     {"bar", "the bar of each row, if it is not one for all", false, false},
                                                     {"id", "identity of a row", false, false}}};

struct Bars {
  std::vector<double> labelled;
  std::vector<double> pool;
  bool by_row = false;
};

Result<Bars> bars_of(const Params& params, const Inputs& inputs) {
  PLIMSOLL_TRY(const std::string pool, one_column(inputs.pool, "bar"));
  PLIMSOLL_TRY(const std::string labelled, one_column(inputs.labelled, "bar"));
  if (pool.empty() != labelled.empty())
    return Error(ErrorCode::missing_input, "a bar by row is bound in one table only", "Bind --bar in both tables, or give one bar for all with --c.").in_parameter("bar");
  Bars bars;
  bars.by_row = !pool.empty();
  if (!bars.by_row) {
    bars.labelled.assign(static_cast<std::size_t>(inputs.labelled.rows()), params.c);
    bars.pool.assign(static_cast<std::size_t>(inputs.pool.rows()), params.c);
    return bars;
  }
  PLIMSOLL_TRY(const Reals in_pool, inputs.pool.reals(pool));
  PLIMSOLL_TRY(const Reals in_labelled, inputs.labelled.reals(labelled));
  bars.pool.assign(in_pool.begin(), in_pool.end());
  bars.labelled.assign(in_labelled.begin(), in_labelled.end());
  return bars;
}

// With direction below everything is mirrored: y < c is -y > -c.
Result<Strangeness> strangeness_of(const Params& params, const Inputs& inputs) {
  PLIMSOLL_TRY(const std::string pool_name, needed_column(inputs.pool, "prediction"));
  PLIMSOLL_TRY(const std::string name, needed_column(inputs.labelled, "prediction"));
  PLIMSOLL_TRY(const std::string target, needed_column(inputs.labelled, "target"));
  PLIMSOLL_TRY(const Reals pool, inputs.pool.reals(pool_name));
  PLIMSOLL_TRY(const Reals mu, inputs.labelled.reals(name));
  PLIMSOLL_TRY(const Reals y, inputs.labelled.reals(target));
  PLIMSOLL_TRY(const Bars bars, bars_of(params, inputs));
  const double sign = params.direction == Direction::above ? 1.0 : -1.0;
  const bool plain = params.score == Score::clip && !bars.by_row;
  Strangeness scores;
  for (std::size_t i = 0; i < mu.size(); ++i) {
    const double bar = sign * bars.labelled[i];
    const double outcome = sign * y[i];
    const double promise = sign * mu[i];
    if (params.score == Score::residual) scores.labelled.push_back(outcome - promise);
    else if (outcome > bar) scores.labelled.push_back(std::numeric_limits<double>::infinity());
    else scores.labelled.push_back(plain ? -promise : bar - promise);
  }
  for (std::size_t j = 0; j < pool.size(); ++j) {
    const double promise = sign * pool[j];
    scores.pool.push_back(plain ? -promise : sign * bars.pool[j] - promise);
  }
  return scores;
}

Result<void> refuse_double_use(Context& context, const Inputs& inputs) {
  PLIMSOLL_TRY(const std::string pool, one_column(inputs.pool, "id"));
  PLIMSOLL_TRY(const std::string labelled, one_column(inputs.labelled, "id"));
  if (pool.empty() || labelled.empty()) return {};
  PLIMSOLL_TRY(const std::vector<std::string> known, inputs.labelled.texts(labelled));
  PLIMSOLL_TRY(const std::vector<std::string> candidates, inputs.pool.texts(pool));
  const std::set<std::string> ids(known.begin(), known.end());
  for (std::size_t j = 0; j < candidates.size(); ++j) {
    if (ids.count(candidates[j]) == 0) continue;
    const std::string words = "the row '" + candidates[j] + "' stands in both tables";
    if (context.allow_overlap.empty())
      return Error(ErrorCode::overlap, words, "A candidate whose outcome is known must not certify itself: remove it from one table, or state why this is right: --allow-overlap REASON.").in_column(pool).at_row(inputs.pool.first_row() + static_cast<std::int64_t>(j));
    context.warn(words + "; allowed by the caller: " + context.allow_overlap + ".");
    return {};
  }
  return {};
}

Result<std::vector<double>> draws_of(Context& context, const Params& params, const Inputs& inputs) {
  std::vector<double> draws;
  if (!params.randomized) return draws;
  PLIMSOLL_TRY(const std::string id, one_column(inputs.pool, "id"));
  std::vector<std::string> ids;
  if (!id.empty()) {
    PLIMSOLL_TRY(ids, inputs.pool.texts(id));
  }
  const Stream root = context.rng.child("conformal.select");
  for (std::int64_t j = 0; j < inputs.pool.rows(); ++j) {
    const std::uint64_t key = ids.empty() ? static_cast<std::uint64_t>(inputs.pool.first_row() + j) : hash64(ids[static_cast<std::size_t>(j)]);
    Stream stream = root.child(key);
    draws.push_back(stream.uniform());
  }
  return draws;
}

void warn_of_reach(Context& context, double q, std::int64_t n, std::int64_t m) {
  if (m == 0) return;
  const double smallest = 1 / static_cast<double>(n + 1);
  const auto needed = static_cast<std::int64_t>(std::ceil(1 / q * (1 - 4e-15))) - 1;
  if (smallest > q * (1 + 4e-15)) {
    context.warn("Nothing can be selected: with " + std::to_string(n) + " labelled rows no p-value is below 1/" + std::to_string(n + 1) + ", above q. At least " + std::to_string(needed) + " labelled rows are needed.");
  } else if (smallest > q / static_cast<double>(m) * (1 + 4e-15)) {
    const auto together = static_cast<std::int64_t>(std::ceil(static_cast<double>(m) / (q * static_cast<double>(n + 1)) * (1 - 4e-15)));
    context.warn("Nothing can be selected unless at least " + std::to_string(together) + " candidates share the smallest p-value 1/" + std::to_string(n + 1) + "; more labelled rows help.");
  }
}

Report report_of(const Params& params, const Outputs& outputs, const std::vector<double>& p) {
  Report report;
  report.title = "Conformal selection";
  report.facts = {{"method", "conformal.select"}, {"labelled rows", std::to_string(outputs.labelled)}, {"candidates", std::to_string(outputs.candidates)}, {"score", std::string(choices_of(params.score)[static_cast<std::size_t>(params.score)])}};
  report.figures = {{"selected", static_cast<double>(outputs.selected)}, {"threshold", outputs.threshold}, {"q", params.q}};
  report.text("What was selected", std::to_string(outputs.selected) + " of " + std::to_string(outputs.candidates) + " candidates. Among selected candidates at most a share q is expected to miss the bar: over the drawing of both tables, not for each selection.");
  if (p.empty()) return report;
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "P-values of the candidates";
  figure.description = "How many candidates have a p-value in each twentieth; small ones promise, and the line is the largest that was selected.";
  figure.x_title = "p-value";
  figure.y_title = "candidates";
  figure.has_reference = outputs.selected > 0;
  figure.reference = outputs.threshold;
  constexpr std::size_t bins = 20;
  std::vector<double> counts(bins, 0.0);
  for (const double one : p) counts[std::min(bins - 1, static_cast<std::size_t>(one * static_cast<double>(bins)))] += 1;
  for (std::size_t i = 0; i < bins; ++i) {
    figure.x0.push_back(static_cast<double>(i) / static_cast<double>(bins));
    figure.x1.push_back(static_cast<double>(i + 1) / static_cast<double>(bins));
    figure.y.push_back(counts[i]);
  }
  report.figure(std::move(figure));
  return report;
}

}  // namespace

std::span<const std::string_view> choices_of(Direction) { return direction_names; }
std::span<const std::string_view> choices_of(Score) { return score_names; }

void describe(Fields& f, Params& p) {
  f({"q", "largest expected share of selected candidates that miss the bar (false discovery rate)", between(0, 1)}, p.q);
  f({"c", "the bar that an outcome must exceed, strictly, unless a column of bars is bound"}, p.c);
  f({"direction", "select outcomes above or below the bar"}, p.direction);
  f({"score", "clip: labelled rows beyond the bar never count against a candidate; residual: outcome less prediction"}, p.score);
  f({"randomized", "break ties of p-values by a uniform draw for each candidate"}, p.randomized);
}

Result<void> check(const Params& p) {
  if (p.q > 0 && p.q < 1) return {};
  return Error(ErrorCode::bad_parameter, "'q' must be in (0, 1)", "Give a share such as 0.1.").in_parameter("q");
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"pool", "candidates with predictions", pool_roles}, in.pool);
  f(PortInfo{"labelled", "rows with predictions and outcomes, exchangeable with the candidates, which the predictor has not learned from", labelled_roles}, in.labelled);
}
void describe(Fields& f, Options& o) { f({"keep", "columns of the pool to keep beside the answer"}, o.keep); }
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"rows", "candidates in the order of the pool: p_value and selected"}, out.rows);
  f(PortInfo{"report", "what was selected"}, out.report);
  f({"selected", "candidates selected", at_least(0)}, out.selected);
  f({"candidates", "candidates", at_least(0)}, out.candidates);
  f({"labelled", "labelled rows", at_least(0)}, out.labelled);
  f({"threshold", "largest p-value selected; 0 if none", at_least(0)}, out.threshold);
}

std::vector<double> scaled_p_values(const Strangeness& scores, std::span<const double> draws) {
  std::vector<double> sorted = scores.labelled;
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> scaled;
  scaled.reserve(scores.pool.size());
  for (std::size_t j = 0; j < scores.pool.size(); ++j) {
    const auto upper = std::upper_bound(sorted.begin(), sorted.end(), scores.pool[j]);
    if (draws.empty()) {
      scaled.push_back(static_cast<double>(1 + (upper - sorted.begin())));
      continue;
    }
    const auto lower = std::lower_bound(sorted.begin(), upper, scores.pool[j]);
    scaled.push_back(static_cast<double>(lower - sorted.begin()) + draws[j] * static_cast<double>(1 + (upper - lower)));
  }
  return scaled;
}

// The slack is relative and only for the rounding of q: 0.1 * 30 is 3.0000000000000004 or 3 by chance of the decimals.
double largest_selected(std::vector<double> scaled, std::int64_t n, double q) {
  std::sort(scaled.begin(), scaled.end());
  const auto m = static_cast<double>(scaled.size());
  for (std::size_t r = scaled.size(); r >= 1; --r)
    if (scaled[r - 1] * m <= q * static_cast<double>(r) * static_cast<double>(n + 1) * (1 + 4e-15)) return scaled[r - 1];
  return -1;
}

Result<Outputs> apply(Context& context, const Params& params, const Inputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(refuse_double_use(context, inputs));
  PLIMSOLL_TRY(const Strangeness scores, strangeness_of(params, inputs));
  PLIMSOLL_TRY(const std::vector<double> draws, draws_of(context, params, inputs));
  const std::int64_t n = inputs.labelled.rows();
  warn_of_reach(context, params.q, n, inputs.pool.rows());
  // Without labelled rows p is 1 for every candidate, drawn or not.
  const std::vector<double> scaled = n == 0 ? std::vector<double>(scores.pool.size(), 1.0) : scaled_p_values(scores, draws);
  PLIMSOLL_CHECK(context.stop.check());
  const double last = largest_selected(scaled, n, params.q);
  Outputs outputs;
  outputs.labelled = n;
  outputs.candidates = inputs.pool.rows();
  std::vector<double> p;
  std::vector<bool> selected;
  for (const double one : scaled) {
    p.push_back(one / static_cast<double>(n + 1));
    selected.push_back(one <= last);
    outputs.selected += one <= last ? 1 : 0;
  }
  if (outputs.selected > 0) outputs.threshold = last / static_cast<double>(n + 1);
  outputs.report = report_of(params, outputs, p);
  TableBuilder builder;
  builder.real("p_value", std::move(p)).boolean("selected", std::move(selected));
  PLIMSOLL_TRY(Table answer, std::move(builder).build());
  PLIMSOLL_TRY(const std::string id, one_column(inputs.pool, "id"));
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.pool, id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Params& params, const Outputs& outputs) {
  Certificate certificate;
  certificate.template_id = "fdr.selection";
  std::array<char, 32> share{};
  std::snprintf(share.data(), share.size(), "%.12g", params.q);
  certificate.promise = "Among selected candidates the expected share whose outcome is not " + std::string(params.direction == Direction::above ? "above" : "below") + " the bar is at most " + std::string(share.data()) + " (false discovery rate, in finite samples). An outcome equal to the bar misses it. The expectation is over the drawing of both tables; the share in this very selection may be larger.";
  certificate.values = {{"q", params.q}, {"n", static_cast<double>(outputs.labelled)}, {"candidates", static_cast<double>(outputs.candidates)}, {"selected", static_cast<double>(outputs.selected)}, {"threshold", outputs.threshold}};
  certificate.level = 1 - params.q;
  certificate.n = outputs.labelled;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {"labelled rows and candidates are exchangeable", "the predictor has learned from neither table", "bars were fixed without looking at the outcomes", "the selection is made once, on the whole pool"};
  certificate.vacuous = outputs.selected == 0;
  if (certificate.vacuous) certificate.remarks.push_back("Nothing was selected, so nothing is promised of anything.");
  certificate.falsified_by = "plimsoll prove conformal.select";
  return certificate;
}

extern constinit const Method entry = method("conformal.select")
                                          .apply<&apply>(Rows::whole)
                                          .certify_outputs<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::select
