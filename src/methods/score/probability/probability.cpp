// SPDX-License-Identifier: Apache-2.0
// Probability forecasts scored, tested, drawn and compared. Scores: Brier 1950, Good 1952, Gneiting and Raftery 2007; CORP
// decomposition: Dimitriadis, Gneiting and Jordan 2021; calibration gaps and their null law: stats/calibration_error.h; ranking:
// stats/ranking.h; comparisons: DeLong et al. 1988, Diebold and Mariano 1995 with Newey and West 1987, Holm 1979.
// Departure: calibration gaps are never shown without what exact forecasts would show on the same rows (an exact forecaster has
// an ECE of 0.127 on 100 rows). Intervals of means and areas are linearised; what has no smooth influence is resampled.
#include "methods/score/probability/probability.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "methods/score/probability/parts.h"
#include "stats/proper_score.h"
#include "table/fingerprint.h"

namespace plimsoll::score::probability {
namespace {

constexpr double most_resampled_rows = 2e8;

// Assessing on the rows that made the forecasts flatters them.
Result<std::vector<std::string>> own_rows(const Inputs& in) {
  std::vector<std::string> remarks;
  if (!in.model || !*in.model) return remarks;
  RowFingerprint now;
  PLIMSOLL_CHECK(now.add(in.data));
  for (const auto& [purpose, bytes] : (*in.model)->provenance().fingerprints) {
    PLIMSOLL_TRY(const RowFingerprint earlier, RowFingerprint::from_bytes(bytes));
    const Overlap overlap = compare(earlier, now);
    if (overlap.refused) remarks.push_back("Assessed on the rows of the model's " + purpose + ", which says nothing of new rows: " + overlap.sentence);
    else if (overlap.share_of_second > 0) remarks.push_back("Some rows stand in the model's " + purpose + ": " + overlap.sentence);
  }
  return remarks;
}

void facts(Case& c) {
  Report& report = c.report;
  report.title = "Scores of probability forecasts";
  report.subtitle = c.data.forecasters.front().name;
  report.facts = {{"method", "score.probability"}, {"rows", std::to_string(c.data.rows())}, {"rows are", learn::in_words(c.dependence)},
                  {"weights", c.data.weight.empty() ? "equal" : "by row"}, {"bins", std::to_string(c.params.bins)}};
  if (c.data.dropped > 0) report.facts.emplace_back("rows left out", std::to_string(c.data.dropped));
  if (c.data.clipped > 0) report.facts.emplace_back("forecasts clipped", std::to_string(c.data.clipped));
  c.figure("rows", static_cast<double>(c.data.rows()));
}

void remarks(Case& c) {
  FindingsBlock block;
  block.title = "Read these first";
  for (const std::string& remark : c.remarks) block.findings.push_back({ReportSeverity::warning, "data", remark, ""});
  if (!block.findings.empty()) c.report.blocks.insert(c.report.blocks.begin(), std::move(block));
}

}  // namespace

stats::Resampling Case::resampling(std::string_view name, std::int64_t asked) const {
  const auto rows = static_cast<double>(data.rows());
  const auto most = static_cast<std::int64_t>(std::max(50.0, most_resampled_rows / std::max(1.0, rows)));
  return {context.runtime, context.stop, context.rng.child("score.probability").child(name), static_cast<int>(std::min(asked, most))};
}

void Case::figure(const std::string& name, const stats::Estimate& e) {
  report.figures.emplace_back(name, e.value);
  report.figures.emplace_back(name + "_low", e.interval.lo);
  report.figures.emplace_back(name + "_high", e.interval.hi);
}

std::span<const std::string_view> choices_of(Band) {
  static constexpr std::array<std::string_view, 2> names = {"consistency", "confidence"};
  return names;
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "forecasts and what happened", learn::forecast_roles}, in.data);
  f(PortInfo{"model", "what made the forecasts, to see whether these rows are its own"}, in.model);
}

void describe(Fields& f, Params& p) {
  describe(f, p.reading);
  f({"level", "of intervals and bands", between(0, 1)}, p.level);
  f({"bins", "cells of the binned calibration errors", within(1, 1000)}, p.bins);
  f({"replicates", "of the bootstrap; fewer on many rows, 0 for none", within(0, 100000)}, p.replicates);
  f({"null_draws", "samples of exact forecasts beside each calibration error, 0 for none", within(0, 100000)}, p.null_draws);
  f({"eps", "probabilities are clipped to [eps, 1 - eps] for the clipped log loss", between(0, 0.5)}, p.eps);
  f({"partial_to", "false positive rate up to which the partial AUROC goes", between(0, 1)}, p.partial_to);
  f({"lag", "rows apart that may depend on each other in a series (role order); -1: the cube root of the rows", at_least(-1)}, p.lag);
  f({"ordinal", "classes stand in order: adds the ranked probability score"}, p.ordinal);
  f({"band", "of the reliability diagram: where exact forecasts would lie, or where the true curve may lie"}, p.band);
}

Result<Report> assess(Context& context, const Inputs& in, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const learn::ForecastColumns data, learn::read_forecasts(context, in.data, params.reading));
  Report report;
  Case c{context, params, data, report, learn::dependence_of(data, params.lag), {}};
  PLIMSOLL_TRY(c.remarks, own_rows(in));
  facts(c);
  if (static_cast<std::int64_t>(data.rows()) < 10 * params.bins)
    c.remarks.push_back("Fewer than 10 rows a bin: read the calibration errors only beside their null law.");
  PLIMSOLL_CHECK(data.binary() ? assess_event(c) : assess_classes(c));
  for (const std::string& remark : c.remarks) context.warn(remark);
  remarks(c);
  return report;
}

extern constinit const Method entry;
constinit const Method entry = method("score.probability").assess<&assess>().example<&example>().prove<&prove>();

}  // namespace plimsoll::score::probability
