// SPDX-License-Identifier: Apache-2.0
// Three claims, each over many independent features of one table (given the outcomes, the columns are drawn apart):
//   size      features of K equal bins that say nothing: the chi-square test at 5 % rejects 5 % (asymptotic: a slack of one point)
//   coverage  features of five bins with information value 0.44: the 95 % interval holds it (a slack of two points)
//   choice    numbers that say nothing, binned on the rows that test them: the p-value is at most 5 % for at most 5 % (exact)
// and beside them, as figures, what the paper's z-test and its standard error do in the same cells. Counts are binomial; every
// bound is Clopper and Pearson's at the stated false alarm divided by the number of bounds.

#include <array>
#include <cmath>

#include "engine/subject.h"
#include "methods/credit/scorecard/scorecard.h"
#include "stats/divergence.h"
#include "stats/intervals.h"

namespace plimsoll::credit::scorecard {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::array<double, 5> good_shares = {0.10, 0.15, 0.20, 0.25, 0.30};
constexpr std::array<double, 5> bad_shares = {0.31, 0.21, 0.19, 0.16, 0.13};

struct Setting {
  std::size_t bins = 5;
  std::int64_t goods = 700;
  std::int64_t bads = 300;
};

struct Design {
  std::vector<std::size_t> sizes;  // bins of the null features
  std::int64_t features = 0;       // of each cell
  std::int64_t fits = 0;
};

Design design_of(ProveSize size) {
  if (size == ProveSize::quick) return {{2, 5, 10}, 700, 20};
  if (size == ProveSize::normal) return {{2, 5, 10, 20}, 6000, 200};
  return {{2, 5, 10, 20}, 20000, 1000};
}

std::int32_t pick(Stream& stream, std::span<const double> shares) {
  double u = stream.uniform();
  for (std::size_t k = 0; k + 1 < shares.size(); ++k) {
    if (u < shares[k]) return static_cast<std::int32_t>(k);
    u -= shares[k];
  }
  return static_cast<std::int32_t>(shares.size()) - 1;
}

// `features` columns of categories, the outcome beside them.
Result<Table> category_table(const Stream& stream, const Setting& cell, std::span<const double> p, std::span<const double> q, std::int64_t features) {
  const auto rows = static_cast<std::size_t>(cell.goods + cell.bads);
  TableBuilder builder;
  std::vector<std::string> names;
  for (std::size_t k = 0; k < cell.bins; ++k) names.push_back("b" + std::to_string(k));
  for (std::int64_t f = 0; f < features; ++f) {
    Stream own = stream.child(static_cast<std::uint64_t>(f));
    std::vector<std::int32_t> codes(rows);
    for (std::size_t i = 0; i < rows; ++i) codes[i] = pick(own, i < static_cast<std::size_t>(cell.goods) ? p : q);
    builder.category("x" + std::to_string(f), std::move(codes), names);
  }
  std::vector<std::int64_t> outcome(rows, 0);
  for (std::size_t i = static_cast<std::size_t>(cell.goods); i < rows; ++i) outcome[i] = 1;
  builder.integer("y", std::move(outcome));
  PLIMSOLL_TRY(Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}});
}

struct Counted {
  std::int64_t trials = 0;
  std::int64_t hits = 0;        // rejections, or intervals that hold the truth
  std::int64_t paper_hits = 0;  // the same by the paper
};

double number_at(const std::vector<Cell>& row, std::size_t column) {
  if (const auto* x = std::get_if<double>(&row[column])) return *x;
  if (const auto* k = std::get_if<std::int64_t>(&row[column])) return static_cast<double>(*k);
  return std::nan("");
}

// Columns of the first table of the report: iv 2, low 5, high 6, p 7, paper_error 9, paper_p 11.
Result<Counted> count_features(Context& context, const Subject& subject, const Stream& stream, const Setting& cell, std::span<const double> p, std::span<const double> q, std::int64_t features) {
  const double truth = stats::jeffreys_value(p, q);
  constexpr std::int64_t per_table = 500;
  Counted counted;
  AssessParams params;
  params.compat = Compat::paper;
  Context quiet = context;
  quiet.warn = [](const std::string&) {};
  quiet.tally = [](const std::string&, std::int64_t) {};
  for (std::int64_t first = 0; first < features; first += per_table) {
    PLIMSOLL_CHECK(context.stop.check());
    AssessInputs inputs;
    PLIMSOLL_TRY(inputs.data, category_table(stream.child(static_cast<std::uint64_t>(first)), cell, p, q, std::min(per_table, features - first)));
    PLIMSOLL_TRY(const Report report, subject.assess(quiet, inputs, params));
    for (const auto& row : std::get<TableBlock>(report.blocks.front()).rows) {
      ++counted.trials;
      if (truth > 0) {
        if (number_at(row, 5) <= truth && truth <= number_at(row, 6)) ++counted.hits;
        if (std::fabs(number_at(row, 2) - truth) <= 1.959963984540054 * number_at(row, 9)) ++counted.paper_hits;
      } else {
        if (number_at(row, 7) <= 0.05) ++counted.hits;
        if (number_at(row, 11) <= 0.05) ++counted.paper_hits;
      }
    }
  }
  return counted;
}

Result<Counted> count_choices(Context& context, const Subject& subject, const Stream& stream, std::int64_t fits) {
  constexpr std::size_t rows = 300;
  constexpr std::size_t features = 25;
  Counted counted;
  Params params;
  params.permutations = 39;
  params.prebins = 20;
  params.trend = Trend::none;  // the most freedom of choice
  std::vector<Counted> parts(static_cast<std::size_t>(fits));
  PLIMSOLL_CHECK(context.runtime.for_each(fits, context.stop, [&](std::int64_t t) -> Result<void> {
    const Stream own = stream.child(static_cast<std::uint64_t>(t));
    Context quiet = context;
    quiet.rng = own.child("method");
    quiet.warn = [](const std::string&) {};
    quiet.tally = [](const std::string&, std::int64_t) {};
    TableBuilder builder;
    for (std::size_t f = 0; f < features; ++f) {
      Stream draws = own.child(f);
      std::vector<double> x(rows);
      for (double& value : x) value = draws.normal();
      builder.real("x" + std::to_string(f), std::move(x));
    }
    std::vector<std::int64_t> outcome(rows, 0);
    for (std::size_t i = 0; i < rows / 3; ++i) outcome[i] = 1;
    builder.integer("y", std::move(outcome));
    PLIMSOLL_TRY(const Table table, std::move(builder).build());
    PLIMSOLL_TRY(const Model model, subject.fit<Model>(quiet, Inputs{table.with_roles({{"target", {"y"}}})}, params));
    Counted& part = parts[static_cast<std::size_t>(t)];
    for (const Feature& feature : model.features) {
      ++part.trials;
      if (feature.p_value <= 0.05) ++part.hits;
      if (feature.p_fixed <= 0.05) ++part.paper_hits;
    }
    return {};
  }));
  for (const Counted& part : parts) {
    counted.trials += part.trials;
    counted.hits += part.hits;
    counted.paper_hits += part.paper_hits;
  }
  return counted;
}

double share(std::int64_t hits, std::int64_t trials) { return static_cast<double>(hits) / static_cast<double>(trials); }

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const Design design = design_of(options.size);
  const Stream root = Stream(options.seed).child("credit.scorecard.prove");
  const double tail = false_alarm / static_cast<double>(2 * design.sizes.size() + 3);
  Evidence evidence;
  evidence.method = "credit.scorecard";
  evidence.claim = "a feature without information is called informative at the stated rate at most, also when its bins were chosen on the same rows, and the interval of an information value holds it";
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "an interval by the paper's standard error";
  evidence.passed = true;
  for (const std::size_t bins : design.sizes) {
    const Setting cell{bins, 700, 300};
    const std::vector<double> even(bins, 1.0 / static_cast<double>(bins));
    PLIMSOLL_TRY(const Counted null, count_features(context, subject, root.child("size").child(bins), cell, even, even, design.features));
    const bool held = stats::clopper_pearson_lower(null.hits, null.trials, 1 - tail) <= 0.06 && stats::clopper_pearson_upper(null.hits, null.trials, 1 - tail) >= 0.04;
    evidence.passed = evidence.passed && held;
    evidence.trials += null.trials;
    const std::string name = std::to_string(bins) + "_bins";
    evidence.figures["size_" + name] = share(null.hits, null.trials);
    evidence.figures["size_of_paper_z_" + name] = share(null.paper_hits, null.trials);
  }
  PLIMSOLL_TRY(const Counted covered, count_features(context, subject, root.child("coverage"), Setting{}, good_shares, bad_shares, design.features));
  evidence.passed = evidence.passed && stats::clopper_pearson_upper(covered.hits, covered.trials, 1 - tail) >= 0.93 && stats::clopper_pearson_lower(covered.hits, covered.trials, 1 - tail) <= 0.97;
  evidence.figures["coverage"] = share(covered.hits, covered.trials);
  evidence.figures["coverage_of_paper_error"] = share(covered.paper_hits, covered.trials);
  evidence.figures["true_iv"] = stats::jeffreys_value(good_shares, bad_shares);
  PLIMSOLL_TRY(const Counted chosen, count_choices(context, subject, root.child("choice"), design.fits));
  evidence.passed = evidence.passed && stats::clopper_pearson_lower(chosen.hits, chosen.trials, 1 - tail) <= 0.05;
  evidence.figures["size_after_choice"] = share(chosen.hits, chosen.trials);
  evidence.figures["size_if_choice_is_ignored"] = share(chosen.paper_hits, chosen.trials);
  evidence.trials += covered.trials + chosen.trials;
  evidence.level = 0.05;
  evidence.observed = share(chosen.hits, chosen.trials);
  const stats::Interval band = stats::clopper_pearson(chosen.hits, chosen.trials, 1 - false_alarm);
  evidence.low = band.lo;
  evidence.high = band.hi;
  return evidence;
}

}  // namespace plimsoll::credit::scorecard
