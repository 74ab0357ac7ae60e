// SPDX-License-Identifier: Apache-2.0
// What is promised. With folds of m rows each (m = 1: every row left out once), n = K m:
//   plus    1 - 2 alpha - min(2 (1 - 1/K) / (n/K + 1), (1 - K/n) / (K + 1))                        Barber et al. 2021, theorem 4
//   minmax  (1 - alpha)(n + 1) / (n + m), which is 1 - alpha for m = 1 (theorem 3): put m new rows together as a fold of their own;
//           a row is strange if k others' smallest residuals over the folds lie below its own, and at most n + m - k rows are.
//           It contains the plus interval, so the larger of the two holds.
//   bootstrap  1 - 2 alpha where the number of bags was drawn as well (Kim, Xu, Barber 2020); minmax 1 - alpha
//   full    1 - alpha

#include <algorithm>
#include <cmath>

#include "base/number_text.h"
#include "engine/artifact.h"
#include "learn/score_rows.h"
#include "methods/conformal/resample/resample.h"
#include "stats/crps.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::resample {
namespace {

std::int64_t largest_fold(const Model& model) {
  std::int64_t most = 1;
  for (std::size_t f = 0; f + 1 < model.offsets.size(); ++f) most = std::max(most, model.offsets[f + 1] - model.offsets[f]);
  return most;
}

std::string name_of_interval(const Model& model) {
  const bool minmax = model.params.interval == Interval::minmax;
  if (model.params.scheme == Scheme::full) return "full conformal prediction";
  if (model.params.scheme == Scheme::bootstrap) return minmax ? "jackknife-minmax after bootstrap" : "jackknife+ after bootstrap";
  if (model.of_classes) return "cross-conformal prediction";
  if (model.models == model.n) return minmax ? "jackknife-minmax" : "jackknife+";
  return minmax ? "CV-minmax" : "CV+";
}

Error broken() { return Error(ErrorCode::corrupt_file, "the parts of the model do not fit together", "Fit the model again."); }

bool rising(std::span<const std::int64_t> offsets, std::size_t count, std::size_t last) {
  return offsets.size() == count + 1 && offsets.front() == 0 && offsets.back() == static_cast<std::int64_t>(last) && std::is_sorted(offsets.begin(), offsets.end());
}

bool parts_fit(const Model& model) {
  const auto n = static_cast<std::size_t>(model.n);
  const auto models = static_cast<std::size_t>(model.models);
  if (model.residuals.size() != n || std::any_of(model.residuals.begin(), model.residuals.end(), [](double r) { return std::isnan(r); })) return false;
  if (model.params.scheme == Scheme::full) {
    if (model.features.size() != n * model.columns.feature.size() || model.columns.feature.empty()) return false;
    const auto is_code = [&](double c) { return c >= 0 && c < static_cast<double>(model.classes.size()) && c == std::floor(c); };
    return !model.of_classes || std::all_of(model.residuals.begin(), model.residuals.end(), is_code);
  }
  if (!model.learners.empty() && model.learners.size() != models) return false;
  const auto outputs = static_cast<std::int64_t>(model.of_classes ? model.classes.size() : 1);
  if (std::any_of(model.learners.begin(), model.learners.end(), [&](const learn::FittedLearner& l) { return l.classes != outputs; })) return false;
  if (model.params.scheme == Scheme::bootstrap) {
    const auto is_bag = [&](std::int32_t b) { return b >= 0 && b < model.models; };
    return !model.of_classes && rising(model.offsets, n, model.outside.size()) && std::all_of(model.outside.begin(), model.outside.end(), is_bag);
  }
  if (!rising(model.offsets, models, n)) return false;
  for (std::size_t f = 0; f < models; ++f)
    if (!std::is_sorted(model.residuals.begin() + model.offsets[f], model.residuals.begin() + model.offsets[f + 1])) return false;
  return true;
}

}  // namespace

Result<void> sound(const Model& model) {
  if (model.n < 1 || model.params.alpha.empty() || model.ranks.size() != model.params.alpha.size() || (model.of_classes && model.classes.size() < 2)) return broken();
  if (std::any_of(model.ranks.begin(), model.ranks.end(), [&](std::int64_t k) { return k < 1 || k > model.n + 1; })) return broken();
  return parts_fit(model) ? Result<void>() : Result<void>(broken());
}

double promised(const Model& model, double alpha) {
  const bool minmax = model.params.interval == Interval::minmax && !model.of_classes;
  if (model.params.scheme == Scheme::full) return 1 - alpha;
  if (model.params.scheme == Scheme::bootstrap) return std::max(0.0, 1 - (minmax ? 1 : 2) * alpha);
  const auto n = static_cast<double>(model.n);
  const auto m = static_cast<double>(largest_fold(model));
  const double k = n / m;
  const double plus = 1 - 2 * alpha - std::min(2 * (1 - 1 / k) / (m + 1), (1 - k / n) / (k + 1));
  const double extreme = (1 - alpha) * (n + 1) / (n + m);
  return std::max(0.0, minmax ? std::max(plus, extreme) : plus);
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  Certificate certificate;
  certificate.template_id = "coverage.resample";
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  const std::string answer = model.of_classes ? "set" : "interval";
  certificate.promise = "For a new row that is exchangeable with the " + std::to_string(model.n) + " rows, the " + answer + " of " + name_of_interval(model) + " holds the truth with probability at least ";
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) {
    const double alpha = model.params.alpha[a];
    const std::string suffix = model.params.alpha.size() > 1 ? "." + learn::level_name(alpha) : "";
    const double level = model.ranks[a] > model.n ? 1 : promised(model, alpha);
    certificate.promise += std::string(a == 0 ? "" : ", ") + number_text(std::floor(level * 1e6 + 1e-6) / 1e6) + " (level " + learn::level_name(alpha) + ")";
    certificate.values["alpha" + suffix] = alpha;
    certificate.values["rank" + suffix] = static_cast<double>(model.ranks[a]);
    certificate.values["promised" + suffix] = level;
    if (model.ranks[a] > model.n) certificate.remarks.push_back("At level " + learn::level_name(alpha) + " the answer is the whole space: " + std::to_string(learn::conformal_rows_needed(alpha)) + " rows are needed.");
  }
  certificate.promise += ". The probability is over the drawing of all the rows and the new one together.";
  certificate.level = promised(model, model.params.alpha.front());
  certificate.values["n"] = static_cast<double>(model.n);
  certificate.values["models"] = static_cast<double>(model.models);
  certificate.assumptions = {"the rows and new ones are exchangeable", "the learner treats its rows alike, whatever their order"};
  if (model.params.scheme != Scheme::full && model.learners.empty()) certificate.assumptions.push_back("each row's prediction was made by a model that did not learn from its " + std::string(model.params.scheme == Scheme::cv ? "fold" : "row") + ", and new rows are predicted by the same models");
  if (model.params.scheme == Scheme::cv && model.models != model.n) certificate.assumptions.push_back("folds are of one size; the largest, " + std::to_string(largest_fold(model)) + " rows, stands in the promise");
  if (model.params.scheme == Scheme::bootstrap && model.learners.empty()) certificate.assumptions.push_back("the number of bags was drawn, as the proof asks; a fixed number is usual and unproved");
  if (model.params.scheme != Scheme::full && model.params.interval == Interval::plus) certificate.remarks.push_back("In practice coverage is near 1 - alpha; the lower promise is what is proved for any learner.");
  certificate.vacuous = std::all_of(model.ranks.begin(), model.ranks.end(), [&](std::int64_t k) { return k > model.n; }) || certificate.level <= 0;
  certificate.falsified_by = "plimsoll prove conformal.resample";
  return certificate;
}

namespace {

struct Seen {
  std::int64_t covered = 0;
  std::int64_t infinite = 0;
  double size = 0;      // sum of finite widths, or of classes
  double winkler = 0;   // sum of interval scores
};

Result<Seen> count(const Model& model, const Table& table, const Answers& answers, std::size_t a) {
  Seen seen;
  PLIMSOLL_TRY(std::string target, one_column(table, "target"));
  if (target.empty()) target = model.columns.target;
  if (model.of_classes) {
    std::vector<std::int32_t> codes;
    PLIMSOLL_CHECK(learn::LabelReader(model.classes).read(table, target, learn::row_numbers(table), codes));
    const std::size_t k = model.classes.size();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      seen.covered += answers.inside[a][i * k + static_cast<std::size_t>(codes[i])];
      for (std::size_t c = 0; c < k; ++c) seen.size += answers.inside[a][i * k + c];
    }
    return seen;
  }
  PLIMSOLL_TRY(const Reals y, table.reals(target));
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double low = answers.lower[a][i];
    const double high = answers.upper[a][i];
    seen.covered += low <= y[i] && y[i] <= high ? 1 : 0;
    const bool finite = std::isfinite(low) && std::isfinite(high);
    seen.infinite += finite ? 0 : 1;
    if (finite) {
      seen.size += high - low;
      seen.winkler += stats::interval_score(low, high, model.params.alpha[a], y[i]);
    }
  }
  return seen;
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  const std::int64_t rows = inputs.data.rows();
  if (rows == 0) return Error(ErrorCode::too_few_rows, "there are no new rows", "Give rows with the truth.").in_parameter("data");
  PLIMSOLL_TRY(const Answers answers, answer(context, model, inputs.data));
  Report report;
  report.title = "Coverage on new rows";
  report.facts = {{"method", "conformal.resample"}, {"kind", name_of_interval(model)}, {"rows of the fit", std::to_string(model.n)}, {"new rows", std::to_string(rows)}};
  report.verdict = "green";
  TableBlock table{"Coverage and size", "The interval around the coverage is Clopper and Pearson's. Red: it lies below what is promised. Infinite intervals and their scores are counted for numbers only.",
                   {"level", "promised", "coverage", "low", "high", model.of_classes ? "mean size" : "mean width", "infinite", "interval score"}, {}};
  for (std::size_t a = 0; a < model.ranks.size(); ++a) {
    PLIMSOLL_TRY(const Seen seen, count(model, inputs.data, answers, a));
    const double level = promised(model, model.params.alpha[a]);
    const stats::Interval band = stats::clopper_pearson(seen.covered, rows, params.confidence);
    const double share = static_cast<double>(seen.covered) / static_cast<double>(rows);
    const auto finite = static_cast<double>(std::max<std::int64_t>(1, rows - seen.infinite));
    table.rows.push_back({1 - model.params.alpha[a], level, share, band.lo, band.hi, seen.size / finite, seen.infinite, seen.winkler / finite});
    const std::string suffix = model.ranks.size() > 1 ? "." + learn::level_name(model.params.alpha[a]) : "";
    report.figures.push_back({"coverage" + suffix, share});
    report.figures.push_back({"coverage_low" + suffix, band.lo});
    report.figures.push_back({"coverage_high" + suffix, band.hi});
    report.figures.push_back({"size" + suffix, seen.size / finite});
    if (band.hi < level) report.verdict = "red";
  }
  report.text("What was found", report.verdict == "green" ? "The coverage is not surely below what is promised." : "The coverage is surely below what is promised: the rows are not drawn like those of the fit.", report.verdict == "green" ? ReportSeverity::note : ReportSeverity::alarm);
  report.table(std::move(table));
  return report;
}

}  // namespace plimsoll::conformal::resample
