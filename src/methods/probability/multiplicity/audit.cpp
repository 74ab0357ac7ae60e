// SPDX-License-Identifier: Apache-2.0
// assess: the ranges of all rows, and what they add up to.
//   ambiguity(delta)    share of rows that some model of S moves by delta or more (each row may use its own model)
//   discrepancy(delta)  largest share of rows that one model of S moves so (discrepancy.cpp); never above the ambiguity
//   flips               share of rows whose range holds the threshold: low < t <= high
#include "methods/probability/multiplicity/audit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "learn/logistic.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr std::size_t most_tested = 2000;  // witnesses tried on other rows

Result<void> check_params(const AssessParams& p) {
  const auto inside = [](double x) { return x > 0 && x < 1; };
  if (p.delta.empty() || p.delta.size() > 16 || !std::all_of(p.delta.begin(), p.delta.end(), inside)) {
    return Error(ErrorCode::bad_parameter, "a delta is a change of probability in (0, 1), one to sixteen of them", "Give e.g. --delta 0.05,0.1.").in_parameter("delta");
  }
  if (p.grid.size() > 32 || !std::all_of(p.grid.begin(), p.grid.end(), [](double x) { return x > 0 && std::isfinite(x); })) {
    return Error(ErrorCode::bad_parameter, "the grid holds an eps that is not above 0, or more than 32", "Give e.g. --grid 0.005,0.01,0.02.").in_parameter("grid");
  }
  return {};
}

AuditedRows rows_of(const Distinct& distinct, const Ranges& ranges, std::vector<double> weight) {
  AuditedRows rows;
  for (const std::int32_t which : distinct.pattern_of_row) {
    const auto i = static_cast<std::size_t>(which);
    rows.p.push_back(learn::sigmoid(ranges.best[i]));
    rows.low.push_back(learn::sigmoid(ranges.low[i].logit));
    rows.high.push_back(learn::sigmoid(ranges.high[i].logit));
  }
  rows.weight = std::move(weight);
  return rows;
}

// A pattern belongs to the ambiguity exactly if the program of discrepancy has a binary for it: both ask the logits.
std::vector<double> ambiguity_of(const Ranges& ranges, const std::vector<double>& weight, const std::vector<double>& deltas) {
  std::vector<double> out;
  const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
  for (const double delta : deltas) {
    double moved = 0;
    for (std::size_t i = 0; i < weight.size(); ++i) {
      const double p = learn::sigmoid(ranges.best[i]);
      const bool up = p + delta < 1 && ranges.high[i].logit >= std::log((p + delta) / (1 - p - delta));
      const bool down = p - delta > 0 && ranges.low[i].logit <= std::log((p - delta) / (1 - p + delta));
      if (up || down) moved += weight[i];
    }
    out.push_back(total > 0 ? moved / total : 0);
  }
  return out;
}

Summary summary_of(const Ranges& ranges, const std::vector<double>& weight, const Spec& spec, double eps, const std::vector<double>& deltas) {
  Summary s;
  s.eps = eps;
  s.ambiguity = ambiguity_of(ranges, weight, deltas);
  double total = 0;
  std::vector<std::pair<double, double>> widths;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double low = learn::sigmoid(ranges.low[i].logit);
    const double high = learn::sigmoid(ranges.high[i].logit);
    widths.emplace_back(high - low, weight[i]);
    total += weight[i];
    s.mean += weight[i] * (high - low);
    if (low < spec.threshold && spec.threshold <= high) s.flips += weight[i];
    if (weight[i] > 0) s.largest = std::max(s.largest, high - low);
  }
  if (!(total > 0)) return s;
  s.mean /= total;
  s.flips /= total;
  std::sort(widths.begin(), widths.end());
  double reached = 0;
  for (const auto& [width, mass] : widths) {
    reached += mass;
    s.median = width;
    if (reached >= total / 2) break;
  }
  return s;
}

std::vector<double> pattern_weights(const Distinct& rows, const std::vector<double>& row_weight) {
  std::vector<std::size_t> order(row_weight.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return row_weight[a] < row_weight[b]; });
  std::vector<double> weight(static_cast<std::size_t>(rows.size()), 0.0);
  for (const std::size_t i : order) weight[static_cast<std::size_t>(rows.pattern_of_row[i])] += row_weight[i];
  return weight;
}

Proof proof_of(const Ranges& ranges, double target) {
  Proof proof;
  proof.multiplier = std::numeric_limits<double>::infinity();
  for (const std::vector<learn::RangeEnd>* ends : {&ranges.low, &ranges.high}) {
    for (const learn::RangeEnd& end : *ends) {
      proof.gap = std::max(proof.gap, end.gap);
      proof.slack = std::max(proof.slack, std::fabs(end.loss - target));
      proof.multiplier = std::min(proof.multiplier, end.multiplier);
      proof.steps += end.steps;
      ++proof.ends;
    }
  }
  return proof;
}

// Mean log loss of a model on rows with outcomes, no penalty.
double loss_on(const Distinct& rows, const std::vector<double>& weight, const std::vector<double>& positive, std::span<const double> model) {
  const std::size_t width = model.size() - 1;
  double sum = 0;
  double total = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const double z = learn::logit_of(model, {rows.x.data() + i * width, width});
    sum += weight[i] * learn::log1p_exp(z) - positive[i] * z;
    total += weight[i];
  }
  return total > 0 ? sum / total : 0;
}

Result<Elsewhere> elsewhere_of(Context& context, const Table& judged, const Distinct& rows, const std::vector<double>& row_weight, const Ranges& ranges,
                               const learn::LevelSet& set, const AssessParams& params) {
  Elsewhere out;
  if (judged.roles().find("target") == judged.roles().end()) return out;
  PLIMSOLL_TRY(const std::vector<std::uint8_t> labels, read_labels(judged));
  std::vector<double> positive_row = row_weight;
  for (std::size_t i = 0; i < labels.size(); ++i) positive_row[i] = labels[i] != 0 ? row_weight[i] : 0;
  const std::vector<double> weight = pattern_weights(rows, row_weight);
  const std::vector<double> positive = pattern_weights(rows, positive_row);
  out.known = true;
  out.best_loss = loss_on(rows, weight, positive, set.best());
  const double most = params.slack == Slack::relative ? out.best_loss * (1 + params.eps) : out.best_loss + params.eps;
  const std::size_t step = std::max<std::size_t>(1, 2 * ranges.low.size() / most_tested);
  for (std::size_t i = 0; i < ranges.low.size(); i += step) {
    PLIMSOLL_CHECK(context.stop.check());
    for (const learn::RangeEnd* end : {&ranges.low[i], &ranges.high[i]}) {
      ++out.witnesses;
      if (loss_on(rows, weight, positive, end->model) <= most) ++out.within;
    }
  }
  return out;
}

std::vector<CoefficientRange> coefficient_ranges(const learn::LevelSet& set, std::vector<std::string> names) {
  std::vector<CoefficientRange> out;
  names.push_back("(intercept)");
  std::vector<double> direction(names.size(), 0.0);
  for (std::size_t j = 0; j < names.size(); ++j) {
    CoefficientRange range{names[j], set.best()[j], 0, 0};
    direction[j] = 1;
    range.high = set.farthest_along(direction).logit;
    direction[j] = -1;
    range.low = -set.farthest_along(direction).logit;
    direction[j] = 0;
    out.push_back(std::move(range));
  }
  return out;
}

Result<void> add_discrepancy(Context& context, const learn::LevelSet& set, const Distinct& rows, const std::vector<double>& weight,
                             const Ranges& ranges, const AssessParams& params, Audit& audit) {
  const double until = context.clock() + params.max_time;
  // The largest delta first: few rows move so far, so it is quickly proven, and leaves its time to the others.
  std::vector<std::size_t> order(params.delta.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return params.delta[a] > params.delta[b]; });
  audit.discrepancy.resize(params.delta.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    const double share = (until - context.clock()) / static_cast<double>(order.size() - k);
    const Effort effort{std::max(share, 1e-3), params.max_rounds, params.gap};
    PLIMSOLL_TRY(Discrepancy found, find_discrepancy(context, set, rows, weight, ranges, params.delta[order[k]], effort));
    if (found.timed_out) context.warn("the search for discrepancy at delta " + short_text(found.delta) + " was ended by max_time: its bounds are proven, but do not meet.");
    if (found.no_solver) context.warn("HiGHS is not there (pip install highsbox): discrepancy is bounded from above by the ambiguity only.");
    audit.discrepancy[order[k]] = std::move(found);
  }
  return {};
}

Result<void> add_grid(Context& context, learn::LevelSet& set, const Distinct& rows, const std::vector<double>& weight, const AssessParams& params, Ends ends, Audit& audit) {
  for (const double eps : params.grid) {
    set.set_target(params.slack == Slack::relative ? set.best_loss() * (1 + eps) : set.best_loss() + eps);
    PLIMSOLL_TRY(const Ranges ranges, find_ranges(context, set, rows, ends, false));
    audit.grid.push_back(summary_of(ranges, weight, params, eps, params.delta));
  }
  set.set_target(audit.target);
  return {};
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  PLIMSOLL_CHECK(check_params(params));
  Audit audit;
  PLIMSOLL_TRY(Learning learning, read_learning(context, inputs.data, params));
  PLIMSOLL_TRY(learn::LevelSet set, learn_set(context, learning, params));
  const Table& judged = inputs.evaluation ? *inputs.evaluation : inputs.data;
  PLIMSOLL_TRY(const Distinct rows, read_rows(context, judged, learning.encoding));
  if (rows.size() == 0) return Error(ErrorCode::too_few_rows, "there is no row to judge", "Give evaluation rows, or leave the port out.");
  PLIMSOLL_TRY(std::vector<double> row_weight, read_weights(judged));
  const std::vector<double> weight = pattern_weights(rows, row_weight);
  const Ends ends = ends_for(params.ends, set.patterns().size());
  PLIMSOLL_TRY(const Ranges ranges, find_ranges(context, set, rows, ends, true));
  audit.names = learning.encoding.names();
  audit.left_out = learning.encoding.left_out;
  audit.learning_rows = inputs.data.rows();
  audit.patterns = set.patterns().size();
  audit.best_loss = set.best_loss();
  audit.target = set.target();
  audit.exact = ranges.exact;
  audit.summary = summary_of(ranges, weight, params, params.eps, params.delta);
  if (ranges.exact) {
    audit.proof = proof_of(ranges, set.target());
    audit.coefficients = coefficient_ranges(set, audit.names);
    if (inputs.evaluation) {
      PLIMSOLL_TRY(audit.elsewhere, elsewhere_of(context, judged, rows, row_weight, ranges, set, params));
    }
    if (params.discrepancy) PLIMSOLL_CHECK(add_discrepancy(context, set, rows, weight, ranges, params, audit));
  } else {
    context.warn("the ranges are those of an ellipsoid that approximates the set of good models: they may be off by more than 0.1, and nothing is proven.");
  }
  audit.rows = rows_of(rows, ranges, std::move(row_weight));
  PLIMSOLL_CHECK(add_grid(context, set, rows, weight, params, ends, audit));
  Report report = draw(audit, params, judged);
  PLIMSOLL_CHECK(draw_groups(audit, params, judged, report));
  return report;
}

}  // namespace plimsoll::probability::multiplicity
