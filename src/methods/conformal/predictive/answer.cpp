// SPDX-License-Identifier: Apache-2.0
// Apply, the promise, and the audit. Ends of intervals hold a number exactly if its residual, as doubles compute it, lies between the
// two ranks.

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/number_text.h"
#include "engine/artifact.h"
#include "learn/score_rows.h"
#include "methods/conformal/predictive/predictive.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::predictive {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Bounds {
  double low = -infinity;
  double high = infinity;
};

class Answerer {
 public:
  Answerer(const Model& model, Placed rows) : laws_(laws_of(model)), rows_(std::move(rows)) {}
  std::size_t size() const { return rows_.centre.size(); }
  const stats::ResidualLaw* law(std::size_t i) const {
    const std::int32_t c = rows_.category[i];
    return c < 0 || laws_[static_cast<std::size_t>(c)].size() == 0 ? nullptr : &laws_[static_cast<std::size_t>(c)];
  }
  double residual(std::size_t i, double y) const { return (y - rows_.centre[i]) / rows_.scale[i]; }
  // Between the quantile of the lower level from below and of the upper one from above.
  Bounds between(std::size_t i, double lower, double upper) const {
    const stats::ResidualLaw* own = law(i);
    if (own == nullptr) return {};
    return {learn::lower_end(rows_.centre[i], rows_.scale[i], -own->low_quantile(lower)), learn::upper_end(rows_.centre[i], rows_.scale[i], own->high_quantile(upper))};
  }
  stats::ResidualLaw::Step step(std::size_t i, double y) const { return law(i) == nullptr ? stats::ResidualLaw::Step{} : law(i)->step(residual(i, y)); }
  double crps(std::size_t i, double y) const { return law(i) == nullptr ? none : rows_.scale[i] * law(i)->crps(residual(i, y)); }

 private:
  std::vector<stats::ResidualLaw> laws_;
  Placed rows_;
};

Result<void> check_options(const Options& options) {
  if (!options.alpha.empty()) PLIMSOLL_CHECK(learn::check_levels(options.alpha));
  for (const double q : options.quantiles)
    if (!(q > 0 && q < 1)) return Error(ErrorCode::bad_parameter, "'quantiles' must be in (0, 1)", "Give levels such as 0.25.").in_parameter("quantiles");
  for (const double t : options.thresholds)
    if (!std::isfinite(t)) return Error(ErrorCode::bad_parameter, "a threshold is not a finite number", "Give numbers.").in_parameter("thresholds");
  return {};
}

void put_pair(TableBuilder& builder, const std::string& low, const std::string& high, std::size_t rows, const std::function<Bounds(std::size_t)>& of) {
  std::vector<double> lows(rows), highs(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const Bounds b = of(i);
    lows[i] = b.low;
    highs[i] = b.high;
  }
  builder.real(low, std::move(lows)).real(high, std::move(highs));
}

Result<Answerer> answerer_of(Context& context, const Model& model, const Table& data, Columns& columns) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(columns, columns_of(data, model.columns));
  if (model.columns.sigma.empty()) columns.sigma.clear();
  PLIMSOLL_TRY(Placed rows, read_rows(data, columns, model.params.offset));
  PLIMSOLL_CHECK(categorise(model, data, columns, rows));
  return Answerer(model, std::move(rows));
}

// u of each row, and what the truth says.
Result<void> put_truth(Context& context, const Table& data, const Columns& columns, const Answerer& all, const Options& options, TableBuilder& builder) {
  if (!data.has(columns.target)) return Error(ErrorCode::missing_input, "p-values and CRPS need the truth", "Bind it: --target COLUMN.").in_parameter("target");
  PLIMSOLL_TRY(const Reals y, data.reals(columns.target));
  if (options.p_value) {
    std::vector<double> p(all.size());
    PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("apply"), data, columns.id, p));
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = all.step(i, y[i]).at(p[i]);
    builder.real("p_value", std::move(p));
  }
  if (options.crps) {
    std::vector<double> scores(all.size());
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = all.crps(i, y[i]);
    builder.real_or_null("crps", std::move(scores));
  }
  return {};
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(check_options(options));
  Columns columns;
  PLIMSOLL_TRY(const Answerer all, answerer_of(context, model, inputs.data, columns));
  TableBuilder builder;
  for (std::size_t a = 0; a < options.alpha.size(); ++a)
    put_pair(builder, learn::level_column(options.alpha, "lower", a), learn::level_column(options.alpha, "upper", a), all.size(), [&](std::size_t i) { return all.between(i, options.alpha[a] / 2, 1 - options.alpha[a] / 2); });
  for (const double q : options.quantiles)
    put_pair(builder, "quantile_low." + number_text(q), "quantile_high." + number_text(q), all.size(), [&](std::size_t i) { return all.between(i, q, q); });
  for (const double t : options.thresholds)
    put_pair(builder, "chance_low." + number_text(t), "chance_high." + number_text(t), all.size(), [&](std::size_t i) {
      const auto step = all.step(i, t);
      return Bounds{step.low, step.high};
    });
  if (options.p_value || options.crps) PLIMSOLL_CHECK(put_truth(context, inputs.data, columns, all, options, builder));
  PLIMSOLL_TRY(Table answer, std::move(builder).build());
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  Certificate certificate;
  const bool learned_bins = model.params.bins > 1;
  const bool categories = !model.groups.empty() || !model.edges.empty();
  certificate.template_id = "distribution.predictive";
  certificate.promise = "For a new row that is exchangeable with the " + std::to_string(model.n) + " calibration rows" + std::string(categories ? " of its category" : "") + ", the predicted distribution function at the truth, with its uniform draw, is uniform on (0, 1): quantiles are exceeded as often as they say, and an interval of level 1 - alpha holds the truth with probability at least 1 - alpha, over the drawing of the calibration rows and the new one together.";
  certificate.level = 1;
  certificate.n = model.n;
  certificate.values["n"] = static_cast<double>(model.n);
  certificate.values["categories"] = static_cast<double>(model.offsets.size() - 1);
  std::int64_t least = model.n;
  for (std::size_t c = 0; c + 1 < model.offsets.size(); ++c) least = std::min(least, model.offsets[c + 1] - model.offsets[c]);
  certificate.values["rows_of_the_smallest_category"] = static_cast<double>(least);
  certificate.values["smallest_alpha_with_finite_intervals"] = 2 / (static_cast<double>(least) + 1);
  certificate.exactness = learned_bins ? Exactness::asymptotic : Exactness::exact;
  certificate.assumptions = {"calibration rows and new rows are exchangeable", "the predictor and its spread have not learned from the calibration rows"};
  if (learned_bins) certificate.remarks.push_back("The edges of the bins were taken from the calibration rows, so the promise within a bin is asymptotic; give edges for an exact one.");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  certificate.falsified_by = "plimsoll prove conformal.predictive";
  return certificate;
}

namespace {

FigureBlock histogram(const std::vector<double>& p) {
  constexpr std::size_t bins = 20;
  std::vector<double> share(bins, 0.0);
  for (const double v : p) share[std::min(bins - 1, static_cast<std::size_t>(v * static_cast<double>(bins)))] += static_cast<double>(bins) / static_cast<double>(p.size());
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "The distribution function at the truth";
  figure.description = "Even bars say that the predicted distributions are right; a hump in the middle that they are too wide, a valley that they are too narrow.";
  figure.x_title = "p-value";
  figure.y_title = "density";
  for (std::size_t b = 0; b < bins; ++b) {
    figure.x0.push_back(static_cast<double>(b) / static_cast<double>(bins));
    figure.x1.push_back(static_cast<double>(b + 1) / static_cast<double>(bins));
    figure.y.push_back(share[b]);
  }
  return figure;
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  const Model& model = inputs.model->model().as<Model>();
  Columns columns;
  PLIMSOLL_TRY(const Answerer all, answerer_of(context, model, inputs.data, columns));
  PLIMSOLL_TRY(const Reals y, inputs.data.reals(columns.target));
  const auto rows = static_cast<std::int64_t>(y.size());
  if (rows == 0) return Error(ErrorCode::too_few_rows, "there are no new rows", "Give rows with the truth.").in_parameter("data");
  std::vector<double> p(y.size());
  PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("apply"), inputs.data, columns.id, p));
  std::int64_t covered = 0;
  double crps = 0;
  double width = 0;
  std::int64_t finite = 0;
  std::int64_t scored = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    p[i] = all.step(i, y[i]).at(p[i]);
    const Bounds b = all.between(i, params.alpha / 2, 1 - params.alpha / 2);
    covered += b.low <= y[i] && y[i] <= b.high ? 1 : 0;
    if (std::isfinite(b.high - b.low)) {
      width += b.high - b.low;
      ++finite;
    }
    if (const double score = all.crps(i, y[i]); !std::isnan(score)) {
      crps += score;
      ++scored;
    }
  }
  const stats::Interval band = stats::clopper_pearson(covered, rows, params.confidence);
  const double share = static_cast<double>(covered) / static_cast<double>(rows);
  Report report;
  report.title = "Predicted distributions on new rows";
  report.facts = {{"method", "conformal.predictive"}, {"calibration rows", std::to_string(model.n)}, {"new rows", std::to_string(rows)}};
  report.verdict = band.hi < 1 - params.alpha ? "red" : "green";
  report.figures = {{"coverage", share}, {"coverage_low", band.lo}, {"coverage_high", band.hi}, {"crps", crps / static_cast<double>(std::max<std::int64_t>(1, scored))}, {"width", width / static_cast<double>(std::max<std::int64_t>(1, finite))}};
  report.text("What was found", report.verdict == "green" ? "The coverage is not surely below its level." : "The coverage is surely below its level: the new rows are not drawn like the calibration's.", report.verdict == "green" ? ReportSeverity::note : ReportSeverity::alarm);
  report.table({"Coverage, width and score", "The interval around the coverage is Clopper and Pearson's. CRPS is of the law that gives each residual the same weight; lower is better.", {"level", "coverage", "low", "high", "mean width", "mean crps"}, {{1 - params.alpha, share, band.lo, band.hi, width / static_cast<double>(std::max<std::int64_t>(1, finite)), crps / static_cast<double>(std::max<std::int64_t>(1, scored))}}});
  report.figure(histogram(p));
  return report;
}

}  // namespace plimsoll::conformal::predictive
