// SPDX-License-Identifier: Apache-2.0
// Split conformal predictive systems: V. Vovk, I. Petej, I. Nouretdinov, V. Manokhin, A. Gammerman, "Computationally efficient versions
// of conformal predictive distributions" (2020); Mondrian categories: H. Bostrom, U. Johansson, T. Lofstrom (2021).
// With residuals C_i = (y_i - yhat_i) / sigma_i of n calibration rows, the distribution function of a new row at y is
//   Q(y, u) = (#{C_i < z} + u (#{C_i = z} + 1)) / (n + 1),  z = (y - yhat) / sigma,  u uniform,
// and Q(Y, U) is uniform for an exchangeable row, whatever the predictor and the spread. Without u it is known up to 1 / (n + 1).
// Categories: each has residuals of its own. Bins whose edges were taken from the calibration rows themselves are not fixed
// beforehand, so the certificate calls them asymptotic; edges that are given keep the promise exact.

#include "methods/conformal/predictive/predictive.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "learn/calibration_rows.h"
#include "learn/score_plan.h"
#include "stats/order_statistics.h"

namespace plimsoll::conformal::predictive {
namespace {

constexpr std::array<std::string_view, 2> bin_names = {"sigma", "prediction"};
constexpr std::array<RoleInfo, 5> fit_roles = {{{"target", "the true number", true, false},
                                                {"prediction", "predicted number", true, false},
                                                {"sigma", "spread of the prediction", false, false},
                                                {"group", "category whose residuals are kept apart", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 5> apply_roles = {{{"prediction", "predicted number", false, false},
                                                  {"sigma", "spread of the prediction", false, false},
                                                  {"group", "category", false, false},
                                                  {"target", "the true number (for p-values, CRPS and reports)", false, false},
                                                  {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {learn::id_role};

Error refuse(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::bad_parameter, what, mend).in_parameter(parameter); }

// Edges between bins of about equal size: quantiles of the sorted values, each once.
std::vector<double> edges_of(std::vector<double> values, std::int64_t bins) {
  std::sort(values.begin(), values.end());
  std::vector<double> edges;
  for (std::int64_t b = 1; b < bins; ++b) {
    const double edge = stats::quantile_of_sorted(values, static_cast<double>(b) / static_cast<double>(bins));
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  return edges;
}

bool draws(const Model&, const Options& options) { return options.p_value; }

}  // namespace

std::span<const std::string_view> choices_of(BinBy) { return bin_names; }

void describe(Fields& f, Params& p) {
  f({"offset", "added to sigma", at_least(0)}, p.offset);
  f({"bins", "categories of about equal size by sigma or by the prediction", within(1, 1000)}, p.bins);
  f({"bin_by", "what the bins are of"}, p.bin_by);
  f({"edges", "edges between bins, rising, fixed beforehand; a value on an edge belongs above it"}, p.edges);
}

Result<void> check(const Params& p) {
  if (!p.edges.empty() && p.bins > 1) return refuse("bins and edges are given together", "Give one of them.", "edges");
  for (std::size_t e = 0; e < p.edges.size(); ++e)
    if (!std::isfinite(p.edges[e]) || (e > 0 && !(p.edges[e] > p.edges[e - 1]))) return refuse("the edges do not rise", "Give finite edges in rising order, each once.", "edges");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, that the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from, to refuse their use here", learned_roles}, in.learned);
}
void describe(Fields& f, Columns& c) {
  f({"target", "truth"}, c.target);
  f({"prediction", "predicted number"}, c.prediction);
  f({"sigma", "spread"}, c.sigma);
  f({"group", "category"}, c.group);
  f({"id", "identity"}, c.id);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f({"edges", "edges between bins"}, m.edges);
  f({"groups", "names of the categories"}, m.groups);
  f.tensor({"residuals", "of each category in turn, sorted"}, m.residuals);
  f.tensor({"offsets", "where each category begins"}, m.offsets);
  f({"n", "calibration rows", at_least(0)}, m.n);
  f({"overlap_remark", "what the fingerprints said"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "new rows with predictions", apply_roles}, in.data); }
void describe(Fields& f, Options& o) {
  f({"alpha", "miscoverage of each interval, half on each side"}, o.alpha);
  f({"quantiles", "levels in (0, 1) whose quantiles are given, as the two numbers between which they lie"}, o.quantiles);
  f({"thresholds", "numbers whose chance of not being exceeded is given, as the two chances between which it lies"}, o.thresholds);
  f({"p_value", "the distribution function at the truth, with a uniform drawn for each row: uniform if all is well"}, o.p_value);
  f({"crps", "the continuous ranked probability score at the truth"}, o.crps);
  f({"keep", "columns to keep beside the answer"}, o.keep);
}
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "intervals, quantiles and chances of each row"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the model", {}, "conformal.predictive"}, in.model);
  f(PortInfo{"data", "new rows with predictions and the truth", apply_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) {
  f({"alpha", "miscoverage of the interval whose coverage is counted", between(0, 1)}, p.alpha);
  f({"confidence", "of the interval around the coverage", between(0, 1)}, p.confidence);
}

Result<void> sound(const Model& model) {
  const std::size_t categories = model.groups.empty() ? model.edges.size() + 1 : model.groups.size();
  bool good = model.offsets.size() == categories + 1 && model.offsets.front() == 0 && model.offsets.back() == static_cast<std::int64_t>(model.residuals.size()) &&
              std::is_sorted(model.offsets.begin(), model.offsets.end()) && std::is_sorted(model.edges.begin(), model.edges.end()) && model.n == static_cast<std::int64_t>(model.residuals.size()) &&
              std::all_of(model.residuals.begin(), model.residuals.end(), [](double c) { return std::isfinite(c); });
  for (std::size_t c = 0; good && c < categories; ++c) good = std::is_sorted(model.residuals.begin() + model.offsets[c], model.residuals.begin() + model.offsets[c + 1]);
  if (good) return {};
  return Error(ErrorCode::corrupt_file, "the parts of the model do not fit together", "Fit the model again.");
}

Result<Columns> columns_of(const Table& table, const Columns& fitted) {
  Columns c = fitted;
  PLIMSOLL_TRY(const std::string target, one_column(table, "target"));
  PLIMSOLL_TRY(const std::string prediction, one_column(table, "prediction"));
  PLIMSOLL_TRY(const std::string sigma, one_column(table, "sigma"));
  PLIMSOLL_TRY(const std::string group, one_column(table, "group"));
  PLIMSOLL_TRY(const std::string id, one_column(table, "id"));
  if (!target.empty()) c.target = target;
  if (!prediction.empty()) c.prediction = prediction;
  if (!sigma.empty()) c.sigma = sigma;
  if (!group.empty()) c.group = group;
  c.id = id.empty() && !c.id.empty() && table.has(c.id) ? c.id : id;
  return c;
}

Result<Placed> read_rows(const Table& table, const Columns& columns, double offset) {
  Placed rows;
  PLIMSOLL_TRY(const Reals centre, table.reals(columns.prediction));
  rows.centre.assign(centre.begin(), centre.end());
  rows.scale.assign(centre.size(), 1.0);
  rows.category.assign(centre.size(), 0);
  if (columns.sigma.empty()) return rows;
  PLIMSOLL_TRY(const Reals sigma, table.reals(columns.sigma));
  for (std::size_t i = 0; i < sigma.size(); ++i) {
    rows.scale[i] = sigma[i] + offset;
    if (sigma[i] < 0 || !(rows.scale[i] > 0)) return Error(ErrorCode::bad_value, "sigma and offset together must be positive", "Correct the spread, or give a positive --offset.").in_column(columns.sigma).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  return rows;
}

void place(const Model& model, const std::vector<double>& by, std::vector<std::int32_t>& category) {
  for (std::size_t i = 0; i < by.size(); ++i) category[i] = static_cast<std::int32_t>(std::upper_bound(model.edges.begin(), model.edges.end(), by[i]) - model.edges.begin());
}

Result<void> categorise(const Model& model, const Table& table, const Columns& columns, Placed& rows) {
  if (model.groups.empty()) {
    place(model, model.params.bin_by == BinBy::sigma ? rows.scale : rows.centre, rows.category);
    return {};
  }
  PLIMSOLL_TRY(const Categories given, table.categories(columns.group));
  std::vector<std::int32_t> place_of(given.names.size());
  for (std::size_t g = 0; g < place_of.size(); ++g) {
    const auto found = std::lower_bound(model.groups.begin(), model.groups.end(), given.names[g]);
    place_of[g] = found != model.groups.end() && *found == given.names[g] ? static_cast<std::int32_t>(found - model.groups.begin()) : -1;
  }
  for (std::size_t i = 0; i < rows.category.size(); ++i) rows.category[i] = given.codes[i] < 0 ? -1 : place_of[static_cast<std::size_t>(given.codes[i])];
  return {};
}

std::vector<stats::ResidualLaw> laws_of(const Model& model) {
  std::vector<stats::ResidualLaw> laws;
  for (std::size_t c = 0; c + 1 < model.offsets.size(); ++c) {
    const auto first = static_cast<std::size_t>(model.offsets[c]);
    laws.emplace_back(std::span<const double>(model.residuals).subspan(first, static_cast<std::size_t>(model.offsets[c + 1]) - first));
  }
  return laws;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.columns, columns_of(inputs.data, Columns{}));
  PLIMSOLL_TRY(model.columns.target, needed_column(inputs.data, "target"));
  PLIMSOLL_TRY(model.columns.prediction, needed_column(inputs.data, "prediction"));
  const bool binned = params.bins > 1 || !params.edges.empty();
  if (binned && !model.columns.group.empty()) return refuse("a group and bins are given together", "Bind --group, or give bins.", "bins");
  if (binned && params.bin_by == BinBy::sigma && model.columns.sigma.empty()) return Error(ErrorCode::missing_input, "bins by sigma need the role 'sigma'", "Bind it: --sigma COLUMN; or use --bin-by prediction.").in_parameter("sigma");
  PLIMSOLL_TRY(Placed rows, read_rows(inputs.data, model.columns, params.offset));
  PLIMSOLL_TRY(const Reals y, inputs.data.reals(model.columns.target));
  if (y.size() == 0) return Error(ErrorCode::too_few_rows, "there is no row to calibrate on", "Give rows with predictions and the truth.").in_parameter("data");
  PLIMSOLL_TRY(learn::CalibrationRows noted, learn::note_calibration(context, inputs.data, inputs.learned));
  model.fingerprint = std::move(noted.fingerprint);
  model.overlap_remark = std::move(noted.overlap_remark);
  model.edges = params.bins > 1 ? edges_of(params.bin_by == BinBy::sigma ? rows.scale : rows.centre, params.bins) : params.edges;
  if (!model.columns.group.empty()) {
    PLIMSOLL_TRY(const Categories given, inputs.data.categories(model.columns.group));
    model.groups = given.names;
    std::sort(model.groups.begin(), model.groups.end());
  }
  PLIMSOLL_CHECK(categorise(model, inputs.data, model.columns, rows));
  std::vector<std::vector<double>> lists(model.groups.empty() ? model.edges.size() + 1 : model.groups.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int64_t row = inputs.data.first_row() + static_cast<std::int64_t>(i);
    if (rows.category[i] < 0) return Error(ErrorCode::null_value, "a row has no group", "Give each row its group.").in_column(model.columns.group).at_row(row);
    const double c = (y[i] - rows.centre[i]) / rows.scale[i];
    if (!std::isfinite(c)) return Error(ErrorCode::bad_value, "the residual of a row is not a finite number", "Give values of ordinary size.").in_column(model.columns.target).at_row(row);
    lists[static_cast<std::size_t>(rows.category[i])].push_back(c);
  }
  model.offsets = {0};
  for (auto& list : lists) {
    std::sort(list.begin(), list.end());
    model.residuals.insert(model.residuals.end(), list.begin(), list.end());
    model.offsets.push_back(static_cast<std::int64_t>(model.residuals.size()));
  }
  model.n = static_cast<std::int64_t>(model.residuals.size());
  return model;
}

extern constinit const Method entry = method("conformal.predictive")
                                          .fit<&fit>(Law::A)
                                          .apply<&apply>(plimsoll::Rows::independent)
                                          .draws_in_apply<&draws>()
                                          .certify<&certify>()
                                          .assess<&assess>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::predictive
