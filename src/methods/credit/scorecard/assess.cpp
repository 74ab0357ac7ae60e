// SPDX-License-Identifier: Apache-2.0
// Measuring on rows that did not choose the bins: information of each feature, drift against learning or between two samples, what
// the score holds of protected groups. Chi-square tests of given bins are valid here; Monte Carlo where cells are small; Benjamini
// and Yekutieli over the features.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/artifact.h"
#include "learn/logistic.h"
#include "methods/credit/scorecard/atoms.h"
#include "stats/divergence.h"
#include "stats/multiple_testing.h"
#include "stats/roc.h"

namespace plimsoll::credit::scorecard {
namespace {

// A feature's counts here and in the reference.
struct Measured {
  std::string name;
  std::vector<double> goods, bads;          // of these rows; without outcomes all are goods
  std::vector<double> ref_goods, ref_bads;  // empty: nothing to compare with
  std::int64_t unknown = 0;
};

struct Sample {
  const AssessParams& params;
  Past rows;
  bool outcomes = false;
  std::vector<std::int32_t> second;  // sample column: 1 for the later name; empty without
  std::vector<Measured> measured;
  bool learned_bins = false;
};

std::int64_t bin_count(std::span<const std::uint8_t> codes) {
  std::int64_t most = -1;
  for (const std::uint8_t c : codes)
    if (c != unknown_bin) most = std::max<std::int64_t>(most, c);
  return most + 1;
}

void add_counts(const Sample& sample, std::span<const std::uint8_t> codes, std::size_t bins, Measured& m) {
  m.goods.assign(bins, 0);
  m.bads.assign(bins, 0);
  if (!sample.second.empty()) {
    m.ref_goods.assign(bins, 0);
    m.ref_bads.assign(bins, 0);
  }
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == unknown_bin) {
      ++m.unknown;
      continue;
    }
    const double w = sample.rows.weight.empty() ? 1.0 : sample.rows.weight[i];
    const bool first = !sample.second.empty() && sample.second[i] == 0;
    const bool bad = sample.rows.bad[i] != 0;
    (first ? (bad ? m.ref_bads : m.ref_goods) : (bad ? m.bads : m.goods))[codes[i]] += w;
  }
}

Result<void> measure_with_model(Context& context, const Model& model, const Model& reference, const Table& table, Sample& sample, std::vector<std::vector<std::uint8_t>>& codes) {
  codes.resize(model.features.size());
  for (std::size_t f = 0; f < model.features.size(); ++f) {
    const Feature& feature = model.features[f];
    const Feature* same = nullptr;
    for (const Feature& other : reference.features)
      if (other.name == feature.name) same = &other;
    if (!same || same->cuts != feature.cuts || same->levels != feature.levels || same->level_bin != feature.level_bin || same->bins.size() != feature.bins.size())
      return Error(ErrorCode::bad_parameter, "feature '" + feature.name + "' has other bins in the reference", "Compare scorecards over the same bins: fit the reference with the same --cuts.").in_parameter("reference");
    std::int64_t unseen = 0;
    std::string example;
    PLIMSOLL_TRY(codes[f], codes_of(feature, table, &unseen, &example));
    if (unseen > 0) context.tally("{} rows have a value of \"" + feature.name + "\" that learning never saw", unseen);
    Measured m;
    m.name = feature.name;
    add_counts(sample, codes[f], feature.bins.size(), m);
    if (sample.second.empty())
      for (const Bin& bin : same->bins) {
        m.ref_goods.push_back(bin.goods * reference.kish);
        m.ref_bads.push_back(bin.bads * reference.kish);
      }
    sample.measured.push_back(std::move(m));
  }
  return {};
}

// Without a model: categories as they are, numbers at their quantiles. Neither looks at the outcome.
Result<void> measure_raw(Context& context, const Table& table, Sample& sample) {
  std::vector<std::string> names;
  PLIMSOLL_TRY(names, feature_names(table, false));
  Params params;
  params.prebins = sample.params.bins;
  params.rare_share = 0;
  std::vector<Measured> all(names.size());
  PLIMSOLL_CHECK(context.runtime.for_each(std::ssize(names), context.stop, [&](std::int64_t i) -> Result<void> {
    const std::string& name = names[static_cast<std::size_t>(i)];
    ColumnType type = ColumnType::other;
    for (const ColumnInfo& column : table.columns())
      if (column.name == name) type = column.type;
    const bool listed = std::find(sample.params.categorical.begin(), sample.params.categorical.end(), name) != sample.params.categorical.end();
    const bool category = listed || type == ColumnType::text || type == ColumnType::boolean;
    PLIMSOLL_TRY(const Atoms atoms, category ? category_atoms(table, name, sample.rows, params) : number_atoms(table, name, sample.rows, params));
    if (static_cast<std::int64_t>(atoms.all()) > most_bins_of_feature)
      return Error(ErrorCode::bad_value, "the column has " + std::to_string(atoms.all()) + " different values", "Leave it out of the features, or measure it through a scorecard.").in_column(name);
    std::vector<std::uint8_t> codes(atoms.codes.begin(), atoms.codes.end());
    Measured& m = all[static_cast<std::size_t>(i)];
    m.name = name;
    add_counts(sample, codes, static_cast<std::size_t>(bin_count(codes)), m);
    return {};
  }));
  sample.measured = std::move(all);
  return {};
}

void scale(std::vector<double>& counts, double by) {
  for (double& count : counts) count *= by;
}

bool smoothed(Smoothing how, std::vector<double>& a, std::vector<double>& b) {
  std::size_t kept = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    if (a[j] + b[j] == 0) continue;
    a[kept] = a[j];
    b[kept++] = b[j];
  }
  a.resize(kept);
  b.resize(kept);
  if (how == Smoothing::none) return false;
  if (how == Smoothing::half) return stats::smooth_halves(a, b);
  for (std::size_t j = 0; j < kept; ++j) {
    a[j] += 0.5;
    b[j] += 0.5;
  }
  return true;
}

std::vector<std::int64_t> whole(std::span<const double> counts) {
  std::vector<std::int64_t> out;
  for (const double x : counts) out.push_back(std::llround(x));
  return out;
}

Result<stats::Divergence> divergence_of(const Context& context, const Sample& sample, const std::string& name, std::vector<double> a, std::vector<double> b, bool fixed) {
  const std::vector<std::int64_t> whole_a = whole(a);
  const std::vector<std::int64_t> whole_b = whole(b);
  smoothed(sample.params.smoothing, a, b);
  stats::DivergenceOptions options;
  options.level = 1 - sample.params.alpha;
  options.fixed_first = fixed;
  auto d = stats::jeffreys_divergence(a, b, options);
  if (!d) return std::move(d).error().in_column(name);
  if (d->smallest_expected < 5 && d->freedom > 0 && sample.rows.weight.empty() && !fixed)
    d->p_value = stats::divergence_monte_carlo_p(whole_a, whole_b, sample.params.draws, context.rng.child("credit.scorecard cells").child(name));
  return d;
}

double counted(std::span<const double> counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }

struct Verdict {
  bool drifted = false;
  bool large = false;
};

Result<void> report_information(Context& context, const Sample& sample, Report& report) {
  TableBlock block;
  block.title = "Information value of each feature";
  block.caption = sample.learned_bins ? "Over the scorecard's bins, on these rows. p: chi-square test of no information (Monte Carlo where counts are small); BY: still there after Benjamini and Yekutieli over all features."
                                      : "Categories as they stand, numbers at quantiles. p: chi-square test of no information (Monte Carlo where counts are small); BY: still there after Benjamini and Yekutieli over all features.";
  block.columns = {"feature", "bins", "iv", "corrected", "error", "low", "high", "p", "BY"};
  const bool paper = sample.params.compat == Compat::paper;
  if (paper) block.columns.insert(block.columns.end(), {"paper_error", "paper_z", "paper_p"});
  std::vector<double> p;
  std::vector<stats::Divergence> all;
  for (const Measured& m : sample.measured) {
    PLIMSOLL_TRY(stats::Divergence d, divergence_of(context, sample, m.name, m.goods, m.bads, false));
    p.push_back(d.p_value);
    all.push_back(d);
  }
  const auto kept = stats::benjamini_yekutieli(p, sample.params.alpha);
  for (std::size_t j = 0; j < all.size() && block.rows.size() < report_limits::rows; ++j) {
    const stats::Divergence& d = all[j];
    const bool informative = std::find(kept.begin(), kept.end(), j) != kept.end();
    block.rows.push_back({sample.measured[j].name, d.freedom + 1, d.value, d.corrected, d.standard_error, d.interval.lo, d.interval.hi, d.p_value, std::string(informative ? "yes" : "no")});
    if (paper) {
      auto& row = block.rows.back();
      row.emplace_back(d.paper_error);
      row.emplace_back(d.paper_error > 0 ? d.value / d.paper_error : 0.0);
      row.emplace_back(d.paper_p);
    }
  }
  report.figures.emplace_back("informative_features", static_cast<double>(kept.size()));
  report.table(std::move(block));
  if (paper) {
    context.warn("compat=paper: the paper's standard error of an information value is about half the truth, and its z-test rejects up to all of the time under the null; do not act on them");
    report.text("The paper's z-test", "Its columns stand here for comparison. Its standard error holds the weights of the sum fixed and is about half the truth; under no association its z-test rejects up to all of the time. Do not act on them.", ReportSeverity::warning);
  }
  return {};
}

// IV of learning against IV here.
Result<double> iv_drift_p(const Context& context, const Sample& sample, const Measured& m, double& difference) {
  PLIMSOLL_TRY(const stats::Divergence now, divergence_of(context, sample, m.name, m.goods, m.bads, false));
  PLIMSOLL_TRY(const stats::Divergence then, divergence_of(context, sample, m.name, m.ref_goods, m.ref_bads, false));
  const double n = counted(m.goods) + counted(m.bads);
  const double r = counted(m.ref_goods) + counted(m.ref_bads);
  const auto drift = stats::divergence_drift(now, then, n == r);
  difference = drift.difference;
  if (std::max(now.value, then.value) >= 0.1 || !sample.rows.weight.empty()) return drift.p_value;
  return stats::divergence_drift_permutation_p(whole(m.goods), whole(m.bads), whole(m.ref_goods), whole(m.ref_bads), 999, context.rng.child("credit.scorecard drift").child(m.name));
}

std::string rule_of_thumb(double psi) { return psi < 0.1 ? "below .10" : psi < 0.25 ? ".10 to .25" : "above .25"; }

Result<Verdict> report_drift(Context& context, const Sample& sample, Report& report) {
  Verdict verdict;
  TableBlock block;
  block.title = "Drift of the population";
  block.caption = "PSI against " + std::string(sample.second.empty() ? "the learning rows" : "the first sample") + ". p: chi-square test of no drift; BY: significant over all features together; detectable: the smallest PSI that such samples show with the stated power.";
  const bool outcomes = sample.outcomes;
  block.columns = {"feature", "psi", "error", "critical", "p", "BY", "detectable", "rule of thumb", "unknown rows"};
  if (outcomes) block.columns.insert(block.columns.end(), {"change of iv", "p of change"});
  std::vector<double> p;
  std::vector<stats::Divergence> all;
  for (const Measured& m : sample.measured) {
    std::vector<double> ref(m.ref_goods.size()), now(m.goods.size());
    for (std::size_t j = 0; j < ref.size(); ++j) {
      ref[j] = m.ref_goods[j] + m.ref_bads[j];
      now[j] = m.goods[j] + m.bads[j];
    }
    PLIMSOLL_TRY(stats::Divergence d, divergence_of(context, sample, m.name, std::move(ref), std::move(now), sample.params.fixed_reference));
    p.push_back(d.p_value);
    all.push_back(d);
  }
  const auto moved = stats::benjamini_yekutieli(p, sample.params.alpha);
  for (std::size_t j = 0; j < all.size() && block.rows.size() < report_limits::rows; ++j) {
    const stats::Divergence& d = all[j];
    const Measured& m = sample.measured[j];
    const bool drifted = std::find(moved.begin(), moved.end(), j) != moved.end();
    verdict.drifted = verdict.drifted || drifted;
    verdict.large = verdict.large || (drifted && d.value >= 0.25);
    const double detectable = stats::detectable_divergence(d.freedom, counted(m.ref_goods) + counted(m.ref_bads), counted(m.goods) + counted(m.bads), 1 - sample.params.alpha, sample.params.power, sample.params.fixed_reference);
    block.rows.push_back({m.name, d.value, d.standard_error, d.critical, d.p_value, std::string(drifted ? "yes" : "no"), detectable, rule_of_thumb(d.value), m.unknown});
    if (!outcomes) continue;
    double difference = 0;
    PLIMSOLL_TRY(const double change_p, iv_drift_p(context, sample, m, difference));
    block.rows.back().emplace_back(difference);
    block.rows.back().emplace_back(change_p);
  }
  report.figures.emplace_back("drifted_features", static_cast<double>(moved.size()));
  report.table(std::move(block));
  return verdict;
}

Result<void> report_score(const Model& model, const Sample& sample, std::span<const double> log_odds, Sample& bands, Report& report) {
  Measured m;
  m.name = "score";
  std::vector<std::uint8_t> codes;
  for (const double x : log_odds) codes.push_back(static_cast<std::uint8_t>(std::upper_bound(model.bands.cuts.begin(), model.bands.cuts.end(), x) - model.bands.cuts.begin()));
  add_counts(sample, codes, model.bands.goods.size(), m);
  if (sample.second.empty()) {
    m.ref_goods = model.bands.goods;
    m.ref_bads = model.bands.bads;
    scale(m.ref_goods, model.kish);
    scale(m.ref_bads, model.kish);
  }
  bands.measured.push_back(std::move(m));
  if (!sample.outcomes) return {};
  const std::vector<std::int32_t> outcome(sample.rows.bad.begin(), sample.rows.bad.end());
  if (!sample.rows.weight.empty()) {
    PLIMSOLL_TRY(const double area, stats::weighted_auroc(log_odds, outcome, sample.rows.weight));
    report.figures.emplace_back("auc", area);
    return {};
  }
  PLIMSOLL_TRY(const stats::Auroc area, stats::auroc(log_odds, outcome, 1 - sample.params.alpha));
  report.figures.emplace_back("auc", area.estimate.value);
  report.figures.emplace_back("auc_low", area.estimate.interval.lo);
  report.figures.emplace_back("auc_high", area.estimate.interval.hi);
  report.figures.emplace_back("gini", 2 * area.estimate.value - 1);
  double expected = 0;
  for (const double x : log_odds) expected += learn::sigmoid(x);
  report.figures.emplace_back("expected_bad_rate", expected / static_cast<double>(log_odds.size()));
  report.figures.emplace_back("bad_rate", sample.rows.bads / (sample.rows.goods + sample.rows.bads));
  return {};
}

void report_fairness(const Groups& groups, const Sample& sample, std::span<const double> log_odds, Report& report) {
  if (groups.member.empty()) return;
  std::vector<double> sorted(log_odds.begin(), log_odds.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::uint8_t> band;
  for (const double x : log_odds) {
    std::uint8_t b = 0;
    for (std::size_t k = 1; k < 10; ++k) b = static_cast<std::uint8_t>(b + (x >= sorted[sorted.size() * k / 10] ? 1 : 0));
    band.push_back(b);
  }
  TableBlock block;
  block.title = "What the score holds of protected groups";
  block.caption = "Jeffreys' divergence of the score's tenths between the group and the rest, and the ratio of approval rates (below .8 is the usual warning).";
  block.columns = {"column", "group", "rows", "divergence", "low", "high", "p", "impact ratio"};
  double worst = 1;
  for (std::size_t g = 0; g < groups.member.size(); ++g) {
    const GroupInformation info = group_information(band, 10, groups.member[g], 1 - sample.params.alpha);
    const double ratio = impact_ratio(log_odds, groups.member[g], sample.params.approval_rate);
    worst = std::min(worst, ratio);
    block.rows.push_back({groups.guarded[g].column, groups.guarded[g].group, groups.guarded[g].rows, info.value, info.low, info.high, info.p_value, ratio});
  }
  report.figures.emplace_back("impact_ratio", worst);
  report.table(std::move(block));
}

Result<Sample> read_sample(const Table& table, const AssessParams& params, const std::string& bad) {
  Sample sample{params, {}, false, {}, {}, false};
  PLIMSOLL_TRY(const auto target, table.role_columns("target"));
  sample.outcomes = !target.empty();
  if (sample.outcomes) {
    PLIMSOLL_TRY(sample.rows, read_rows(table, bad));
  } else {
    sample.rows.bad.assign(static_cast<std::size_t>(table.rows()), 0);
    sample.rows.goods = static_cast<double>(table.rows());
  }
  PLIMSOLL_TRY(const auto column, table.role_columns("sample"));
  if (!column.empty()) {
    PLIMSOLL_TRY(const Categories names, table.categories(column.front()));
    if (names.names.size() != 2)
      return Error(ErrorCode::bad_value, "the sample column has " + std::to_string(names.names.size()) + " values, two samples are compared", "Bind a column of two values with --sample.").in_column(column.front());
    const std::int32_t first = names.names[0] < names.names[1] ? 0 : 1;
    for (std::size_t i = 0; i < names.codes.size(); ++i) {
      if (names.codes[i] < 0) return Error(ErrorCode::null_value, "a row tells no sample", "Drop the row, or say its sample.").in_column(column.front()).at_row(table.first_row() + static_cast<std::int64_t>(i));
      sample.second.push_back(names.codes[i] == first ? 0 : 1);
    }
  }
  return sample;
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  PLIMSOLL_CHECK(context.stop.check());
  if (inputs.data.rows() == 0) return Error(ErrorCode::too_few_rows, "there are no rows", "Give rows to measure on.");
  const Model* model = inputs.model ? &(*inputs.model)->model().as<Model>() : nullptr;
  const Model* reference = inputs.reference ? &(*inputs.reference)->model().as<Model>() : model;
  if (model) PLIMSOLL_CHECK(sound(*model));
  PLIMSOLL_TRY(Sample sample, read_sample(inputs.data, params, params.bad.empty() && model ? (model->bad_label == "1" || model->bad_label == "true" ? "" : model->bad_label) : params.bad));
  sample.learned_bins = model != nullptr;
  if (!model && !sample.outcomes && sample.second.empty())
    return Error(ErrorCode::missing_input, "there is nothing to compare: no outcome, no model, no second sample", "Bind --target, or --sample, or give --model.").in_parameter("target");
  if (sample.outcomes && std::count(sample.rows.bad.begin(), sample.rows.bad.end(), 1) < fewest_bads)
    context.warn("fewer than " + std::to_string(fewest_bads) + " bads: information values are rough");
  Report report;
  report.title = model ? "Scorecard on other rows" : "Information and drift";
  report.facts = {{"rows", std::to_string(inputs.data.rows())}};
  if (sample.outcomes) report.facts.emplace_back("bads", digits(sample.rows.bads));
  Sample bands = sample;
  std::vector<double> log_odds;
  if (model) {
    std::vector<std::vector<std::uint8_t>> codes;
    PLIMSOLL_CHECK(measure_with_model(context, *model, *reference, inputs.data, sample, codes));
    log_odds = log_odds_of(*model, codes, inputs.data.rows());
    PLIMSOLL_CHECK(report_score(*model, sample, log_odds, bands, report));
    sample.measured.insert(sample.measured.begin(), bands.measured.begin(), bands.measured.end());
  } else {
    PLIMSOLL_CHECK(measure_raw(context, inputs.data, sample));
  }
  for (Measured& m : sample.measured)
    for (auto* counts : {&m.goods, &m.bads}) scale(*counts, sample.rows.kish);
  if (sample.outcomes) PLIMSOLL_CHECK(report_information(context, sample, report));
  report.verdict = "green";
  if (model || !sample.second.empty()) {
    PLIMSOLL_TRY(const Verdict verdict, report_drift(context, sample, report));
    report.verdict = verdict.large ? "red" : verdict.drifted ? "yellow" : "green";
  }
  if (model) {
    PLIMSOLL_TRY(const Groups groups, read_groups(inputs.data, model->params.fairness.cuts));
    report_fairness(groups, sample, log_odds, report);
  }
  return report;
}

}  // namespace plimsoll::credit::scorecard
