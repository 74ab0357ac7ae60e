// SPDX-License-Identifier: Apache-2.0
// Given the conformal rows, the number of m new rows that a split conformal set of rank k among n covers is
// BetaBinomial(m; k, n + 1 - k) (Marques 2023, arXiv 2303.02770), or above it where scores tie or an empty set was filled. The
// promise is broken when fewer are covered than all but one in a million such draws would show.
#include "cli/demo_truth.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/exact_sum.h"
#include "cli/terminal.h"
#include "stats/distributions.h"

namespace plimsoll::cli {
namespace {

constexpr double false_alarm = 1e-6;

std::string fixed(double value, int digits) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, digits).ptr;
  return std::string(buffer, end);
}
std::string percent(double share) { return fixed(100.0 * share, 2) + " %"; }

double mean(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.add(value);
  return values.empty() ? 0 : sum.value() / static_cast<double>(values.size());
}

double value_or(const Certificate& certificate, const std::string& name, double otherwise) {
  const auto found = certificate.values.find(name);
  return found == certificate.values.end() ? otherwise : found->second;
}

struct Cases {
  std::vector<double> risk, lower, upper, truth;
  std::vector<bool> defaulted;
  std::vector<std::string> decision;
};

Result<void> add_coverage(DemoVerdict& verdict, const Certificate& certificate, const Table& scored, const Cases& cases) {
  PLIMSOLL_TRY(const auto sets, scored.text_lists("set"));
  std::int64_t covered = 0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const std::string outcome = cases.defaulted[i] ? "yes" : "no";
    covered += std::find(sets[i].begin(), sets[i].end(), outcome) != sets[i].end() ? 1 : 0;
  }
  const auto m = static_cast<std::int64_t>(sets.size());
  const double n = value_or(certificate, "n", 0);
  const double k = value_or(certificate, "k", 0);
  PLIMSOLL_TRY(const auto law, stats::BetaBinomial::make(m, k, n + 1 - k));
  const std::int64_t least = law.quantile(false_alarm);
  const bool holds = covered >= least;
  verdict.holds = verdict.holds && holds;
  verdict.rows.push_back({"the set holds the outcome", "at least " + percent(certificate.level) + " (of " + grouped(m) + ": never under " + grouped(least) + ")",
                          percent(static_cast<double>(covered) / static_cast<double>(m)) + " (" + grouped(covered) + ")", holds ? "holds" : "BROKEN"});
  return {};
}

void add_probabilities(DemoVerdict& verdict, const Cases& cases) {
  verdict.rows.push_back({"mean risk, beside the true mean", percent(mean(cases.truth)), percent(mean(cases.risk)), ""});
  // Ten groups of rising estimated risk: the largest gap between estimate and truth.
  std::vector<std::size_t> order(cases.risk.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&cases](std::size_t a, std::size_t b) { return cases.risk[a] < cases.risk[b]; });
  double worst = 0;
  for (std::size_t group = 0; group < 10; ++group) {
    std::vector<double> risk;
    std::vector<double> truth;
    for (std::size_t i = group * order.size() / 10; i < (group + 1) * order.size() / 10; ++i) {
      risk.push_back(cases.risk[order[i]]);
      truth.push_back(cases.truth[order[i]]);
    }
    worst = std::max(worst, std::fabs(mean(risk) - mean(truth)));
  }
  verdict.rows.push_back({"largest gap to the truth in tenths by risk", "none stated", percent(worst), ""});
  std::vector<double> ours;
  std::vector<double> oracle;
  std::vector<double> base;
  const double rate = mean(cases.truth);
  for (std::size_t i = 0; i < cases.risk.size(); ++i) {
    const double outcome = cases.defaulted[i] ? 1 : 0;
    ours.push_back((cases.risk[i] - outcome) * (cases.risk[i] - outcome));
    oracle.push_back((cases.truth[i] - outcome) * (cases.truth[i] - outcome));
    base.push_back((rate - outcome) * (rate - outcome));
  }
  verdict.rows.push_back({"Brier score (an oracle's; one rate for all)", fixed(mean(oracle), 4) + "; " + fixed(mean(base), 4), fixed(mean(ours), 4), ""});
}

double cost_of(const std::string& decision, bool defaulted, const DemoCosts& costs) {
  if (decision == "abstain") return costs.abstain;
  if (decision == "act") return defaulted ? 0 : costs.false_positive;
  return defaulted ? costs.false_negative : 0;
}

std::string best_decision(double truth, const DemoCosts& costs) {
  const double act = (1 - truth) * costs.false_positive;
  const double pass = truth * costs.false_negative;
  if (costs.abstain < std::min(act, pass)) return "abstain";
  return act < pass ? "act" : "pass";
}

void add_costs(DemoVerdict& verdict, const Cases& cases, const DemoCosts& costs) {
  std::array<std::vector<double>, 4> realised;  // ours, oracle, lend to all, refuse all
  std::int64_t abstained = 0;
  for (std::size_t i = 0; i < cases.truth.size(); ++i) {
    const bool defaulted = cases.defaulted[i];
    abstained += cases.decision[i] == "abstain" ? 1 : 0;
    realised[0].push_back(cost_of(cases.decision[i], defaulted, costs));
    realised[1].push_back(cost_of(best_decision(cases.truth[i], costs), defaulted, costs));
    realised[2].push_back(cost_of("pass", defaulted, costs));
    realised[3].push_back(cost_of("act", defaulted, costs));
  }
  const auto per_thousand = [](const std::vector<double>& list) { return fixed(1000 * mean(list), 0); };
  verdict.rows.push_back({"cost of 1,000 decisions (an oracle's; lend to all; refuse all)",
                          per_thousand(realised[1]) + "; " + per_thousand(realised[2]) + "; " + per_thousand(realised[3]), per_thousand(realised[0]), ""});
  verdict.rows.push_back({"left to a person", "", percent(static_cast<double>(abstained) / static_cast<double>(cases.truth.size())), ""});
}

}  // namespace

Result<DemoVerdict> compare_with_truth(const Certificate& certificate, const Table& scored, const std::vector<double>& truth,
                                       const std::vector<std::string>& outcomes, const DemoCosts& costs) {
  Cases cases;
  PLIMSOLL_TRY(const Reals risk, scored.reals("probability"));
  PLIMSOLL_TRY(cases.decision, scored.texts("decision"));
  cases.risk.assign(risk.begin(), risk.end());
  cases.truth = truth;
  for (const std::string& outcome : outcomes) cases.defaulted.push_back(outcome == "yes");
  if (cases.risk.size() != truth.size() || cases.defaulted.size() != truth.size())
    return Error(ErrorCode::internal, "the scored table has another number of rows than the truth", "Please report this");
  DemoVerdict verdict;
  PLIMSOLL_CHECK(add_coverage(verdict, certificate, scored, cases));
  add_probabilities(verdict, cases);
  add_costs(verdict, cases, costs);
  return verdict;
}

}  // namespace plimsoll::cli
