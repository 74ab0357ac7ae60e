// SPDX-License-Identifier: Apache-2.0
// The answers on new rows whose label-sets are known: error against alpha, sizes, baselines, accuracy and what it cost.

#include <algorithm>
#include <cmath>

#include "engine/artifact.h"
#include "methods/conformal/multilabel/multilabel.h"
#include "stats/distributions.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::multilabel {
namespace {

// Per row, whether every label is right, and what micro-F1 is a ratio of: 2 TP, and 2 TP + FP + FN.
struct Accuracy {
  std::vector<double> exact, over, under;
  double hamming = 0;

  void add(std::span<const std::uint64_t> guess, std::span<const std::uint8_t> truth) {
    double right = 0, wrong = 0;
    for (std::size_t j = 0; j < truth.size(); ++j) {
      const bool said = (guess[j / 64] >> (j % 64) & 1) != 0;
      right += said && truth[j] != 0 ? 1 : 0;
      wrong += said != (truth[j] != 0) ? 1 : 0;
    }
    exact.push_back(wrong == 0 ? 1 : 0);
    over.push_back(2 * right);
    under.push_back(2 * right + wrong);
    hamming += wrong / static_cast<double>(truth.size());
  }
  static double sum(const std::vector<double>& all) {
    double total = 0;
    for (const double x : all) total += x;
    return total;
  }
  double exact_match() const { return sum(exact) / static_cast<double>(exact.size()); }
  double micro_f1() const { return sum(under) > 0 ? sum(over) / sum(under) : 1; }
  double hamming_loss() const { return hamming / static_cast<double>(exact.size()); }
  // What row i adds to the estimate, so that differences between classifiers are judged row by row.
  double f1_part(std::size_t i) const { return sum(under) > 0 ? (over[i] - micro_f1() * under[i]) * static_cast<double>(over.size()) / sum(under) : 0; }
};

struct Paired {
  double difference = 0, low = 0, high = 0;
};
Paired paired(double difference, const std::vector<double>& parts, double confidence) {
  const auto n = static_cast<double>(parts.size());
  const double mean = Accuracy::sum(parts) / n;
  double squares = 0;
  for (const double x : parts) squares += (x - mean) * (x - mean);
  const double half = stats::normal_upper_quantile((1 - confidence) / 2) * std::sqrt(squares / std::max(1.0, n - 1) / n);
  return {difference, difference - half, difference + half};
}

struct LevelSeen {
  std::int64_t errors = 0, outside = 0, empty = 0, whole = 0;
  std::int64_t bonferroni_errors = 0;
  std::vector<double> low, high, loose;   // sizes, and those of the labels taken one by one
  double undecided = 0;
};

struct Seen {
  std::vector<LevelSeen> levels;
  Accuracy ours, reference;
  bool compared = false;
  std::vector<double> p;                  // of the true label-sets
  std::int64_t top_only = 0;              // rows whose most conforming set is the true one
};

// The product of each label's own set at alpha / labels.
void add_bonferroni(const Model& model, std::size_t a, std::span<const double> o, std::span<const std::uint8_t> y, LevelSeen& level) {
  double size = 1;
  bool in = true;
  for (std::size_t j = 0; j < o.size(); ++j) {
    const double threshold = model.bonferroni[a * o.size() + j];
    size *= (o[j] <= threshold ? 1 : 0) + (1 - o[j] <= threshold ? 1 : 0);
    in = in && std::fabs(static_cast<double>(y[j]) - o[j]) <= threshold;
  }
  level.loose.push_back(size);
  level.bonferroni_errors += in ? 0 : 1;
}

void add_row(const Model& model, const Answer& answer, const Sample* sample, double u, std::span<const double> o, std::span<const std::uint8_t> y, Seen& seen) {
  const Costs costs = costs_of(model, o);
  const std::vector<std::uint64_t> truth = mask_of(y);
  std::vector<std::uint64_t> flips = truth;
  for (std::size_t w = 0; w < flips.size(); ++w) flips[w] ^= costs.base[w];
  const double p = p_value(sample, score_of(model, costs, flips), model.params.smoothing, u);
  const bool outside = extra_of_set(model, truth) < 0;
  seen.p.push_back(p);
  seen.top_only += truth == answer.best ? 1 : 0;
  for (std::size_t a = 0; a < seen.levels.size(); ++a) {
    LevelSeen& level = seen.levels[a];
    const bool forced = model.params.force_non_empty && truth == answer.best;
    level.errors += (p > model.params.alpha[a] && !outside) || forced ? 0 : 1;
    level.outside += outside ? 1 : 0;
    level.empty += answer.high[a] == 0 ? 1 : 0;
    level.low.push_back(answer.low[a]);
    level.high.push_back(answer.high[a]);
    level.undecided += static_cast<double>(std::count(answer.state[a].begin(), answer.state[a].end(), 0));
    add_bonferroni(model, a, o, y, level);
  }
  seen.ours.add(answer.best, y);
}

double median(std::vector<double> all) {
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

// The classifier of all rows: learned at fit, or the caller's own.
Result<std::vector<double>> reference_of(Context& context, const Model& model, const Table& data) {
  PLIMSOLL_TRY(const std::vector<std::string> names, data.role_columns("reference"));
  if (!names.empty() && names.size() != model.columns.label.size())
    return Error(ErrorCode::bad_parameter, "the reference has another number of columns than there are labels", "Bind one a label, in the order of the labels.").in_parameter("reference");
  if (!names.empty()) return given_probabilities(data, names);
  if (!model.whole) return std::vector<double>();
  PLIMSOLL_TRY(const learn::SparseRows rows, rows_of(context, *model.classifier, model.columns, data));
  return learn::probabilities(*model.whole, rows);
}

Result<Seen> look(Context& context, const Model& model, const Table& data, const AssessParams& params) {
  Options options;
  options.max_sets = params.max_sets;
  options.cells = params.cells;
  options.most_work = params.most_work;
  options.on_overflow = Overflow::count;
  PLIMSOLL_TRY(const std::vector<double> o, probabilities_of(context, model, data));
  PLIMSOLL_TRY(const std::vector<std::uint8_t> y, truth_of(data, model.columns));
  PLIMSOLL_TRY(const std::vector<std::string> groups, groups_of(data, model.columns));
  PLIMSOLL_TRY(const std::vector<double> other, reference_of(context, model, data));
  const std::size_t labels = model.columns.label.size();
  Seen seen;
  seen.levels.resize(model.params.alpha.size());
  seen.compared = !other.empty();
  for (std::size_t i = 0; i < static_cast<std::size_t>(data.rows()); ++i) {
    if (i % 64 == 0) PLIMSOLL_CHECK(context.stop.check());
    const Sample* sample = sample_of(model, groups.empty() ? std::string() : groups[i]);
    const double u = model.params.smoothing ? draw_of(context, data, {}, i) : 1;
    const auto row = std::span(o).subspan(i * labels, labels);
    const auto truth = std::span(y).subspan(i * labels, labels);
    PLIMSOLL_TRY(const Answer answer, answer_of(context, model, row, sample, u, options));
    add_row(model, answer, sample, u, row, truth, seen);
    if (!seen.compared) continue;
    std::vector<std::uint8_t> guess(labels);
    for (std::size_t j = 0; j < labels; ++j) guess[j] = other[i * labels + j] >= 0.5 ? 1 : 0;
    seen.reference.add(mask_of(guess), truth);
  }
  return seen;
}

void add_levels(const Model& model, const Seen& seen, double confidence, Report& report) {
  TableBlock sizes{"Sets of label-sets", "The error is how often the true label-set is left out; it should be near alpha, on average over calibrations. Sizes too large to list are brackets. Labels taken one by one (Bonferroni) keep the promise too.",
                   {"alpha", "error", "low", "high", "median size, at least", "at most", "mean undecided labels", "empty", "median size, labels one by one", "error, labels one by one", "true set outside the family"}, {}};
  report.verdict = "green";
  const auto n = static_cast<std::int64_t>(seen.p.size());
  for (std::size_t a = 0; a < seen.levels.size(); ++a) {
    const LevelSeen& level = seen.levels[a];
    const double alpha = model.params.alpha[a];
    const stats::Interval interval = stats::clopper_pearson(level.errors, n, confidence);
    const double error = static_cast<double>(level.errors) / static_cast<double>(n);
    const double low = median(level.low), high = median(level.high);
    sizes.rows.push_back({alpha, error, interval.lo, interval.hi, low, high, level.undecided / static_cast<double>(n), level.empty, median(level.loose), static_cast<double>(level.bonferroni_errors) / static_cast<double>(n), level.outside});
    const std::string name = seen.levels.size() == 1 ? "" : "." + std::to_string(a);
    report.figures.push_back({"error" + name, error});
    report.figures.push_back({"size_low" + name, low});
    report.figures.push_back({"size_high" + name, high});
    report.figures.push_back({"outside" + name, static_cast<double>(level.outside) / static_cast<double>(n)});
    if (interval.lo > alpha) report.verdict = "red";
  }
  report.text("What was found", report.verdict == "green" ? "No set leaves the truth out surely more often than its alpha." : "A set leaves the truth out surely more often than its alpha: these rows are not drawn like the calibration's, true sets lie outside the family, or the calibration was an unlucky one.", report.verdict == "green" ? ReportSeverity::note : ReportSeverity::alarm);
  report.table(std::move(sizes));
}

void add_accuracy(const Seen& seen, double confidence, Report& report) {
  TableBlock table{"The most conforming label-set as a prediction", "Beside it a classifier of all rows, where there is one: what holding rows back for calibration costs, with an interval from the differences of the rows.", {"measure", "ours", "all rows", "difference", "low", "high"}, {}};
  report.figures.push_back({"exact_match", seen.ours.exact_match()});
  report.figures.push_back({"micro_f1", seen.ours.micro_f1()});
  report.figures.push_back({"hamming_loss", seen.ours.hamming_loss()});
  if (!seen.compared) {
    table.columns = {"measure", "ours"};
    table.rows = {{std::string("exact match"), seen.ours.exact_match()}, {std::string("micro F1"), seen.ours.micro_f1()}, {std::string("Hamming loss"), seen.ours.hamming_loss()}};
    report.table(std::move(table));
    return;
  }
  std::vector<double> exact, f1;
  for (std::size_t i = 0; i < seen.ours.exact.size(); ++i) {
    exact.push_back(seen.ours.exact[i] - seen.reference.exact[i]);
    f1.push_back(seen.ours.f1_part(i) - seen.reference.f1_part(i));
  }
  const Paired first = paired(seen.ours.exact_match() - seen.reference.exact_match(), exact, confidence);
  const Paired second = paired(seen.ours.micro_f1() - seen.reference.micro_f1(), f1, confidence);
  table.rows.push_back({std::string("exact match"), seen.ours.exact_match(), seen.reference.exact_match(), first.difference, first.low, first.high});
  table.rows.push_back({std::string("micro F1"), seen.ours.micro_f1(), seen.reference.micro_f1(), second.difference, second.low, second.high});
  report.table(std::move(table));
  for (const auto& [name, one] : {std::pair{std::string("exact_match_cost"), first}, {std::string("micro_f1_cost"), second}}) {
    report.figures.push_back({name, -one.difference});
    report.figures.push_back({name + "_low", -one.high});
    report.figures.push_back({name + "_high", -one.low});
  }
}

// Error at every level: p-values of true label-sets are uniform or above.
FigureBlock curve(const Seen& seen) {
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Error along alpha";
  figure.description = "The share of rows whose true label-set has a p-value of at most alpha, against alpha; a promise kept is a line on or below the diagonal.";
  figure.x_title = "alpha";
  figure.y_title = "share";
  std::vector<double> sorted(seen.p);
  std::sort(sorted.begin(), sorted.end());
  for (int step = 1; step < 50; ++step) {
    const double alpha = step / 50.0;
    const auto left = static_cast<double>(std::upper_bound(sorted.begin(), sorted.end(), alpha) - sorted.begin());
    for (const bool ideal : {false, true}) {
      figure.x.push_back(alpha);
      figure.y.push_back(ideal ? alpha : left / static_cast<double>(sorted.size()));
      figure.series.push_back(ideal ? "alpha" : "error");
    }
  }
  return figure;
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  PLIMSOLL_CHECK(context.stop.check());
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  if (inputs.data.rows() == 0) return Error(ErrorCode::too_few_rows, "there are no new rows", "Give rows with their labels.").in_parameter("data");
  PLIMSOLL_TRY(const Seen seen, look(context, model, inputs.data, params));
  Report report;
  report.title = "Label-sets on new rows";
  report.facts = {{"method", "conformal.multilabel"}, {"labels", std::to_string(model.columns.label.size())}, {"calibration rows", std::to_string(model.n)}, {"new rows", std::to_string(seen.p.size())}};
  add_levels(model, seen, params.confidence, report);
  add_accuracy(seen, params.confidence, report);
  report.figures.push_back({"top_set_error", 1 - static_cast<double>(seen.top_only) / static_cast<double>(seen.p.size())});
  report.figure(curve(seen));
  return report;
}

}  // namespace plimsoll::conformal::multilabel
