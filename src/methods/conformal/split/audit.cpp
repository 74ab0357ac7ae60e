// SPDX-License-Identifier: Apache-2.0
// Assess: what the sets and intervals do on new rows whose truth is known. The covered count among N new rows is
// BetaBinomial(N; k, n + 1 - k) when the assumptions hold and scores are distinct (Marques 2023), so the band is exact and the
// width of the promise over the calibration draw is part of it.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "base/exact_sum.h"
#include "engine/artifact.h"
#include "methods/conformal/split/answers.h"
#include "learn/score_rows.h"
#include "stats/distributions.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::split {
namespace {

constexpr std::size_t most_parts = 60;  // rows of a table of classes or groups

struct Measured {
  std::vector<std::vector<double>> sizes;    // one a level: classes in the set, or width
  std::vector<std::vector<char>> covered;    // empty without a target
  std::vector<std::int32_t> labels;          // classes with a target
};

Result<Measured> measure_classes(Context& context, const Model& model, const Table& table, const Columns& columns, bool with_target) {
  PLIMSOLL_TRY(const ClassAnswers answers, answer_classes(context, model, table, columns, Options{}));
  Measured measured;
  if (with_target) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(table.rows()));
    std::iota(numbers.begin(), numbers.end(), table.first_row());
    PLIMSOLL_CHECK(learn::LabelReader(model.plan.classes).read(table, columns.target, numbers, measured.labels));
  }
  for (const learn::Sets& sets : answers.sets) {
    std::vector<double> sizes;
    std::vector<char> covered;
    for (std::size_t i = 0; i + 1 < sets.offsets.size(); ++i) {
      const auto begin = static_cast<std::size_t>(sets.offsets[i]);
      const auto end = static_cast<std::size_t>(sets.offsets[i + 1]);
      sizes.push_back(static_cast<double>(end - begin));
      if (!with_target) continue;
      covered.push_back(sets.holds(i, measured.labels[i]));
    }
    measured.sizes.push_back(std::move(sizes));
    if (with_target) measured.covered.push_back(std::move(covered));
  }
  return measured;
}

Result<Measured> measure_numbers(Context& context, const Model& model, const Table& table, const Columns& columns, bool with_target) {
  PLIMSOLL_TRY(const learn::Intervals answers, answer_numbers(context, model, table, columns));
  Measured measured;
  Reals y;
  if (with_target) {
    PLIMSOLL_TRY(y, table.reals(columns.target));
  }
  for (std::size_t a = 0; a < answers.lower.size(); ++a) {
    std::vector<double> sizes;
    std::vector<char> covered;
    for (std::size_t i = 0; i < answers.lower[a].size(); ++i) {
      const double low = answers.lower[a][i];
      const double high = answers.upper[a][i];
      sizes.push_back(std::max(0.0, high - low));
      if (with_target) covered.push_back(low <= y[i] && y[i] <= high);
    }
    measured.sizes.push_back(std::move(sizes));
    if (with_target) measured.covered.push_back(std::move(covered));
  }
  return measured;
}

Result<Measured> measure(Context& context, const Model& model, const Table& table, const Columns& columns, bool with_target) {
  return of_classes(model.plan.score) ? measure_classes(context, model, table, columns, with_target) : measure_numbers(context, model, table, columns, with_target);
}

// The answers that stand in scored rows, by the names apply gave them.
bool is_scored(const Model& model, const Table& table) {
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a)
    if (!table.has(learn::level_column(model.params.alpha, of_classes(model.plan.score) ? "set" : "empty", a))) return false;
  return true;
}

Result<Measured> read_scored(const Model& model, const Table& table, const std::string& target) {
  Measured measured;
  const bool classes = of_classes(model.plan.score);
  std::vector<std::string> labels;
  Reals y;
  if (!target.empty() && classes) {
    PLIMSOLL_TRY(labels, table.texts(target));
  } else if (!target.empty()) {
    PLIMSOLL_TRY(y, table.reals(target));
  }
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) {
    std::vector<double> sizes;
    std::vector<char> covered;
    if (classes) {
      PLIMSOLL_TRY(const auto sets, table.text_lists(learn::level_column(model.params.alpha, "set", a)));
      for (std::size_t i = 0; i < sets.size(); ++i) {
        sizes.push_back(static_cast<double>(sets[i].size()));
        if (!labels.empty()) covered.push_back(std::find(sets[i].begin(), sets[i].end(), labels[i]) != sets[i].end());
      }
    } else {
      PLIMSOLL_TRY(const Reals low, table.reals(learn::level_column(model.params.alpha, "lower", a), Missing::as_nan));
      PLIMSOLL_TRY(const Reals high, table.reals(learn::level_column(model.params.alpha, "upper", a), Missing::as_nan));
      for (std::size_t i = 0; i < low.size(); ++i) {
        sizes.push_back(std::max(0.0, high[i] - low[i]));
        if (!target.empty()) covered.push_back(low[i] <= y[i] && y[i] <= high[i]);
      }
    }
    measured.sizes.push_back(std::move(sizes));
    if (!target.empty()) measured.covered.push_back(std::move(covered));
  }
  return measured;
}

double mean_of(const std::vector<double>& values) {
  ExactSum sum;
  sum.add(values);
  return values.empty() ? 0 : sum.value() / static_cast<double>(values.size());
}

std::int64_t count_of(const std::vector<char>& covered) { return std::count(covered.begin(), covered.end(), 1); }

// Rank of the law of the coverage: k, or for two sides the ranks between the two order statistics.
std::int64_t law_rank(const Model& model, std::size_t a) {
  const auto sides = static_cast<std::size_t>(sides_of(model.plan.score));
  const std::int64_t k = model.ranks[a * sides];
  return sides == 1 ? k : 2 * k - (model.n + 1);
}
bool is_infinite(const Model& model, std::size_t a) { return model.ranks[a * static_cast<std::size_t>(sides_of(model.plan.score))] > model.n; }

struct Band {
  stats::CountInterval usual;
  stats::CountInterval sure;  // outside only one time in a million
};
Result<Band> band_of(const Model& model, std::size_t a, std::int64_t rows, double confidence) {
  const auto k = static_cast<double>(std::max<std::int64_t>(1, law_rank(model, a)));
  PLIMSOLL_TRY(const stats::BetaBinomial law, stats::BetaBinomial::make(rows, k, static_cast<double>(model.n + 1) - k));
  return Band{law.central(1 - confidence), law.central(1e-6)};
}

// One line a level; the verdict of the worst.
Result<void> level_table(const Model& model, const Measured& measured, double confidence, Report& report) {
  TableBlock block;
  block.title = "Coverage against the promise";
  block.caption = "Band: where the count of covered rows lies with probability " + level_name(1 - confidence) + " if calibration and new rows are exchangeable.";
  block.columns = {"level", "promised", "expected k/(n+1)", "observed", "covered", "band low", "band high", "mean size"};
  int worst = 0;
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) {
    const auto rows = static_cast<std::int64_t>(measured.covered[a].size());
    const std::int64_t covered = count_of(measured.covered[a]);
    const double observed = static_cast<double>(covered) / static_cast<double>(rows);
    const double size = mean_of(measured.sizes[a]);
    const std::string suffix = model.params.alpha.size() > 1 ? "." + level_name(model.params.alpha[a]) : "";
    report.figures.emplace_back("coverage" + suffix, observed);
    report.figures.emplace_back("size" + suffix, size);
    stats::CountInterval usual{0, rows};
    double expected = 1;
    if (!is_infinite(model, a)) {
      PLIMSOLL_TRY(const Band band, band_of(model, a, rows, confidence));
      usual = band.usual;
      expected = static_cast<double>(law_rank(model, a)) / static_cast<double>(model.n + 1);
      worst = std::max(worst, covered < band.sure.lo ? 2 : covered < usual.lo ? 1 : 0);
    }
    const auto share = [rows](std::int64_t count) { return static_cast<double>(count) / static_cast<double>(rows); };
    report.figures.emplace_back("band_low" + suffix, share(usual.lo));
    report.figures.emplace_back("band_high" + suffix, share(usual.hi));
    block.rows.push_back({level_name(model.params.alpha[a]), 1 - model.params.alpha[a], expected, observed, covered, share(usual.lo), share(usual.hi), size});
  }
  report.table(std::move(block));
  report.verdict = worst == 0 ? "green" : worst == 1 ? "yellow" : "red";
  if (worst > 0)
    report.text("Coverage is below the promise", worst == 2 ? "The promise does not hold on these rows: they are not exchangeable with the calibration rows, or the model was changed." : "The coverage lies below its band; chance explains this rarely.", worst == 2 ? ReportSeverity::alarm : ReportSeverity::warning);
  return {};
}

// Coverage of parts of the rows, the largest parts first.
void part_table(const std::string& title, const std::string& caption, const std::vector<std::string>& part_of_row, const Measured& measured, double target, double confidence, Report& report) {
  struct Part {
    std::int64_t rows = 0;
    std::int64_t covered = 0;
    ExactSum size;
  };
  std::map<std::string, Part> parts;
  for (std::size_t i = 0; i < part_of_row.size(); ++i) {
    Part& part = parts[part_of_row[i]];
    ++part.rows;
    part.covered += measured.covered[0][i];
    part.size.add(measured.sizes[0][i]);
  }
  std::vector<std::pair<std::string, const Part*>> order;
  for (const auto& [name, part] : parts) order.emplace_back(name, &part);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second->rows > b.second->rows; });
  if (order.size() > most_parts) order.resize(most_parts);
  TableBlock block;
  block.title = title + ", in numbers";
  block.caption = caption;
  block.columns = {"part", "rows", "coverage", "low", "high", "gap", "mean size"};
  FigureBlock figure;
  figure.kind = FigureKind::intervals;
  figure.title = title;
  figure.description = caption;
  figure.x_title = "part";
  figure.y_title = "coverage";
  figure.has_reference = true;
  figure.reference = target;
  for (const auto& [name, part] : order) {
    const double coverage = static_cast<double>(part->covered) / static_cast<double>(part->rows);
    const stats::Interval interval = stats::clopper_pearson(part->covered, part->rows, confidence);
    block.rows.push_back({name, part->rows, coverage, interval.lo, interval.hi, coverage - target, part->size.value() / static_cast<double>(part->rows)});
    figure.label.push_back(name);
    figure.y.push_back(coverage);
    figure.lo.push_back(interval.lo);
    figure.hi.push_back(interval.hi);
  }
  report.figure(std::move(figure));
  report.table(std::move(block));
}

// Sizes fall into parts: each number of classes, or quarters of the finite widths.
std::vector<std::string> size_parts(const Model& model, const Measured& measured) {
  std::vector<std::string> parts;
  const std::vector<double>& sizes = measured.sizes[0];
  if (of_classes(model.plan.score)) {
    for (const double size : sizes) parts.push_back(std::to_string(static_cast<std::int64_t>(size)) + (size == 1 ? " class" : " classes"));
    return parts;
  }
  std::vector<double> sorted = sizes;
  std::sort(sorted.begin(), sorted.end());
  const auto cut = [&](std::size_t quarter) { return sorted[std::min(sorted.size() - 1, sorted.size() * quarter / 4)]; };
  const std::array<double, 3> cuts = {cut(1), cut(2), cut(3)};
  static constexpr std::array<const char*, 4> names = {"narrowest quarter", "second quarter", "third quarter", "widest quarter"};
  for (const double size : sizes) parts.emplace_back(names[static_cast<std::size_t>(std::upper_bound(cuts.begin(), cuts.end(), size) - cuts.begin())]);
  return parts;
}

void size_figure(const Model& model, const Measured& measured, Report& report) {
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  const bool classes = of_classes(model.plan.score);
  figure.title = classes ? "Classes in a set" : "Width of an interval";
  figure.description = "How many rows have an answer of each size, at level " + level_name(model.params.alpha[0]) + ".";
  figure.x_title = classes ? "classes" : "width";
  figure.y_title = "rows";
  double least = infinity;
  double most = 0;
  for (const double size : measured.sizes[0]) {
    if (!std::isfinite(size)) continue;
    least = std::min(least, size);
    most = std::max(most, size);
  }
  if (!(least <= most)) return;
  const double step = classes ? std::max(1.0, std::ceil((most - least + 1) / 50)) : (most > least ? (most - least) / 40 : 1.0);
  const auto bins = static_cast<std::size_t>(std::floor((most - least) / step)) + 1;
  const double first = classes ? least - 0.5 : least;
  std::vector<double> counts(bins, 0.0);
  for (const double size : measured.sizes[0])
    if (std::isfinite(size)) counts[std::min(bins - 1, static_cast<std::size_t>((size - least) / step))] += 1;
  for (std::size_t i = 0; i < bins; ++i) {
    figure.x0.push_back(first + step * static_cast<double>(i));
    figure.x1.push_back(first + step * static_cast<double>(i + 1));
    figure.y.push_back(counts[i]);
  }
  report.figure(std::move(figure));
}

void add_facts(const Model& model, std::int64_t rows, Report& report) {
  report.facts.emplace_back("method", "conformal.split");
  report.facts.emplace_back("score", std::string(choices_of(model.plan.score)[static_cast<std::size_t>(model.plan.score)]));
  report.facts.emplace_back("calibration rows", std::to_string(model.n));
  report.facts.emplace_back("rows here", std::to_string(rows));
}

void add_winkler(const Model& model, const learn::Intervals& answers, const Reals& y, Report& report) {
  std::vector<double> scores;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double low = answers.lower[0][i];
    const double high = answers.upper[0][i];
    const double miss = y[i] < low ? low - y[i] : y[i] > high ? y[i] - high : 0;
    scores.push_back(std::max(0.0, high - low) + 2 / model.params.alpha[0] * miss);
  }
  const double mean = mean_of(scores);
  if (std::isfinite(mean)) report.figures.emplace_back("winkler", mean);
}

Result<void> warn_of_calibration_rows(Context& context, const Model& model, const Table& data) {
  if (model.calibration_fingerprint.empty()) return {};
  PLIMSOLL_TRY(const RowFingerprint earlier, RowFingerprint::from_bytes(model.calibration_fingerprint));
  RowFingerprint now;
  PLIMSOLL_CHECK(now.add(data));
  const Overlap overlap = compare(earlier, now);
  if (overlap.refused) context.warn("Assessed on rows of the calibration, whose coverage says nothing of new rows: " + overlap.sentence);
  else if (overlap.share_of_second > 0) context.warn("Some rows stand in the calibration too: " + overlap.sentence);
  return {};
}

Result<void> group_tables(const Model& model, const Table& data, const Measured& measured, double confidence, Report& report) {
  const double target = 1 - model.params.alpha[0];
  const std::string level = " at level " + level_name(model.params.alpha[0]) + ". The promise is for all rows together; parts may differ.";
  part_table("Coverage by size", "Coverage of rows by the size of their answer" + level, size_parts(model, measured), measured, target, confidence, report);
  if (of_classes(model.plan.score)) {
    std::vector<std::string> parts;
    for (const std::int32_t label : measured.labels) parts.push_back(model.plan.classes[static_cast<std::size_t>(label)]);
    part_table("Coverage by class", "Coverage of rows by their true class" + level, parts, measured, target, confidence, report);
  }
  PLIMSOLL_TRY(const std::vector<std::string> groups, data.role_columns("group"));
  for (const std::string& group : groups) {
    PLIMSOLL_TRY(const std::vector<std::string> parts, data.texts(group));
    part_table("Coverage by " + group, "Coverage of rows by " + group + level, parts, measured, target, confidence, report);
  }
  return {};
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  if (!inputs.model) return Error(ErrorCode::missing_input, "assess needs a calibrated model", "Give one: --model model.plim.").in_parameter("model");
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const Columns columns, learn::columns_of(inputs.data, model.plan, model.params, true));
  if (inputs.data.rows() == 0) return Error(ErrorCode::too_few_rows, "there are no rows to assess on", "Give at least one labelled row.").in_parameter("data");
  PLIMSOLL_CHECK(warn_of_calibration_rows(context, model, inputs.data));
  PLIMSOLL_TRY(const Measured measured, measure(context, model, inputs.data, columns, true));
  Report out;
  out.title = "Coverage of conformal " + std::string(of_classes(model.plan.score) ? "sets" : "intervals");
  add_facts(model, inputs.data.rows(), out);
  PLIMSOLL_CHECK(level_table(model, measured, params.confidence, out));
  size_figure(model, measured, out);
  PLIMSOLL_CHECK(group_tables(model, inputs.data, measured, params.confidence, out));
  if (!of_classes(model.plan.score)) {
    PLIMSOLL_TRY(const learn::Intervals answers, answer_numbers(context, model, inputs.data, columns));
    PLIMSOLL_TRY(const Reals y, inputs.data.reals(columns.target));
    add_winkler(model, answers, y, out);
  }
  PLIMSOLL_CHECK(add_measures(context, model, inputs, params, columns, measured.labels, measured.covered.front(), out));
  return out;
}

Result<Report> report(Context& context, const Model& model, const ReportInputs& inputs) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const std::vector<std::string> bound, inputs.data.role_columns("target"));
  const bool with_target = !bound.empty();
  Measured measured;
  if (is_scored(model, inputs.data)) {
    PLIMSOLL_TRY(measured, read_scored(model, inputs.data, with_target ? bound.front() : std::string()));
  } else {
    PLIMSOLL_TRY(const Columns columns, learn::columns_of(inputs.data, model.plan, model.params, with_target));
    PLIMSOLL_TRY(measured, measure(context, model, inputs.data, columns, with_target));
  }
  Report out;
  out.title = of_classes(model.plan.score) ? "Conformal sets" : "Conformal intervals";
  add_facts(model, inputs.data.rows(), out);
  PLIMSOLL_TRY(const Certificate certificate, certify(model));
  out.text("What is promised", certificate.promise, certificate.vacuous ? ReportSeverity::warning : ReportSeverity::note);
  for (const std::string& remark : certificate.remarks) out.text("Remark", remark);
  if (inputs.data.rows() == 0) return out;
  if (with_target) {
    PLIMSOLL_CHECK(level_table(model, measured, 0.99, out));
  } else {
    for (std::size_t a = 0; a < model.params.alpha.size(); ++a) out.figures.emplace_back(learn::level_column(model.params.alpha, "size", a), mean_of(measured.sizes[a]));
  }
  size_figure(model, measured, out);
  return out;
}

}  // namespace plimsoll::conformal::split
