// SPDX-License-Identifier: Apache-2.0
// One step of each rule. The window is a ring; beside it the scores stand sorted, so a quantile is one look and an update two
// binary searches and a move of memory.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "methods/conformal/online/online.h"

namespace plimsoll::conformal::online {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void sort_window(State& state) {
  state.sorted.clear();
  const auto count = static_cast<std::int64_t>(state.scores.size());
  for (std::int64_t i = 0; i < count; ++i) state.sorted.emplace_back(state.scores[static_cast<std::size_t>((state.head + i) % count)], state.seen - count + i);
  std::sort(state.sorted.begin(), state.sorted.end());
}

void begin(const Model& model, State& state) {
  const Params& params = model.params;
  state.started = true;
  state.scores = model.scores;
  state.seen = static_cast<std::int64_t>(model.scores.size());
  state.level = params.alpha;
  const std::size_t experts = params.gammas.size();
  state.levels.assign(experts, params.alpha);
  state.weights.assign(experts, 1 / static_cast<double>(experts));
  state.regrets.assign(experts, 0);
  state.variances.assign(experts, 0);
  state.spans.assign(experts, 0);
  sort_window(state);
  // The quantile that pid starts from is the warm-up's.
  const auto k = static_cast<std::int64_t>(std::ceil(static_cast<double>(state.sorted.size()) * (1 - params.alpha)));
  if (!state.sorted.empty()) state.tracked = state.sorted[static_cast<std::size_t>(std::max<std::int64_t>(k, 1) - 1)].first;
}

// The score such that those up to it hold a share 1 - level of the window and the next score together; decayed if asked.
double quantile(const Params& params, const State& state, double level) {
  if (level <= 0) return infinity;
  if (level >= 1) return -infinity;
  const auto count = static_cast<double>(state.sorted.size());
  if (params.decay == 1) {
    const double rank = std::ceil((count + 1) * (1 - level) * (1 - 4e-15));
    return rank > count ? infinity : state.sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1].first;
  }
  double total = 1;
  for (const auto& [score, when] : state.sorted) total += std::pow(params.decay, static_cast<double>(state.seen - when));
  double reached = 0;
  for (const auto& [score, when] : state.sorted) {
    reached += std::pow(params.decay, static_cast<double>(state.seen - when));
    if (reached >= (1 - level) * total) return score;
  }
  return infinity;
}

double largest(const State& state) { return state.sorted.empty() ? 1 : std::max(std::fabs(state.sorted.back().first), std::fabs(state.sorted.front().first)); }

// The integral term of Angelopoulos, Candes and Tibshirani 2023 (PID), saturated by a tangent.
double integral_term(const Params& params, const State& state) {
  if (params.integral == 0) return 0;
  const auto t = static_cast<double>(state.steps + 1);
  const double angle = state.excess * std::log(t + 1) / (params.saturation * (t + 1));
  if (angle >= std::numbers::pi / 2) return infinity;
  if (angle <= -std::numbers::pi / 2) return -infinity;
  return params.integral * largest(state) * std::tan(angle);
}

double mixed_level(const State& state) { return std::inner_product(state.weights.begin(), state.weights.end(), state.levels.begin(), 0.0); }

// Thresholds of agaci's experts; one that covers everything stands at twice the window's largest score, so that a mean exists.
std::vector<double> expert_thresholds(const Params& params, const State& state) {
  const double reach = 2 * largest(state);
  std::vector<double> thresholds;
  for (const double level : state.levels) thresholds.push_back(std::clamp(quantile(params, state, level), -reach, reach));
  return thresholds;
}

// Gibbs and Candes 2024 (DtACI), algorithm 1: experts of several gammas weighted by the pinball loss of their levels.
void update_dtaci(const Params& params, State& state, double score) {
  const auto experts = static_cast<double>(state.levels.size());
  const auto memory = static_cast<double>(params.horizon);
  const double a = params.alpha;
  const double sigma = 1 / (2 * memory);
  const double eta = std::sqrt(3 / memory) * std::sqrt((std::log(experts * memory) + 2) / ((1 - a) * (1 - a) * a * a * a + a * a * (1 - a) * (1 - a) * (1 - a)));
  const auto below = std::lower_bound(state.sorted.begin(), state.sorted.end(), std::pair(score, std::numeric_limits<std::int64_t>::min())) - state.sorted.begin();
  const double beta = 1 - static_cast<double>(below) / static_cast<double>(state.sorted.size() + 1);
  double total = 0;
  for (std::size_t i = 0; i < state.levels.size(); ++i) {
    const double gap = beta - state.levels[i];
    const double loss = a * gap - std::min(0.0, gap);
    state.weights[i] *= std::exp(-eta * loss);
    total += state.weights[i];
  }
  for (double& weight : state.weights) weight = (1 - sigma) * weight / total + sigma / experts;
}

// Zaffran et al. 2022 (AgACI) on thresholds: Bernstein online aggregation (Wintenberger 2017) of the experts by the gradient of
// the pinball loss at 1 - alpha.
void update_agaci(const Params& params, State& state, double score) {
  const std::vector<double> thresholds = expert_thresholds(params, state);
  const double mean = std::inner_product(state.weights.begin(), state.weights.end(), thresholds.begin(), 0.0);
  const double slope = score > mean ? -(1 - params.alpha) : params.alpha;
  const double least = std::log(static_cast<double>(thresholds.size()));
  std::vector<double> logs;
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const auto rate = [&] { return state.variances[i] > 0 ? std::min(1 / (2 * state.spans[i]), std::sqrt(least / state.variances[i])) : 0; };
    const double regret = slope * (mean - thresholds[i]);
    state.regrets[i] += regret - rate() * regret * regret;
    state.spans[i] = std::max(state.spans[i], std::fabs(regret));
    state.variances[i] += regret * regret;
    const double now = rate();
    logs.push_back(now > 0 ? std::log(now) + now * state.regrets[i] : -infinity);
  }
  const double top = *std::max_element(logs.begin(), logs.end());
  if (top == -infinity) return;
  double total = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) total += state.weights[i] = std::exp(logs[i] - top);
  for (double& weight : state.weights) weight /= total;
}

void take_score(const Params& params, State& state, double score) {
  const std::pair<double, std::int64_t> fresh(score, state.seen);
  const auto window = static_cast<std::size_t>(params.window);
  if (state.scores.size() < window) {
    if (state.head != 0) {  // a window that was rotated before it was full cannot be; a restored one may
      std::rotate(state.scores.begin(), state.scores.begin() + state.head, state.scores.end());
      state.head = 0;
    }
    state.scores.push_back(score);
  } else {
    double& oldest = state.scores[static_cast<std::size_t>(state.head)];
    const std::pair<double, std::int64_t> gone(oldest, state.seen - params.window);
    state.sorted.erase(std::lower_bound(state.sorted.begin(), state.sorted.end(), gone));
    oldest = score;
    state.head = (state.head + 1) % params.window;
  }
  ++state.seen;
  state.sorted.insert(std::lower_bound(state.sorted.begin(), state.sorted.end(), fresh), fresh);
}

// Where the interval of a threshold stands: [low - t scale, high + t scale].
struct Base {
  double low = 0, high = 0, scale = 1;
};
Base base_of(Score score, const Event& event) {
  switch (score) {
    case Score::normalised: return {event.prediction, event.prediction, event.sigma};
    case Score::cqr: return {std::min(event.lower, event.upper), std::max(event.lower, event.upper), 1};
    default: return {event.prediction, event.prediction, 1};
  }
}

double score_of(const Params& params, const Base& base, const Event& event) {
  if (params.score == Score::given) return event.score;
  if (params.rule == Rule::enbpi) return event.target - event.prediction;
  return std::max(base.low - event.target, event.target - base.high) / base.scale;
}

// Xu and Xie 2021 (EnbPI): the narrowest [b, 1 - alpha + b] quantiles of the window's signed residuals, b between 0 and alpha.
std::pair<double, double> narrowest(const Params& params, const State& state) {
  const auto count = static_cast<std::int64_t>(state.sorted.size());
  const auto held = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(static_cast<double>(count) * (1 - params.alpha))));
  if (count == 0) return {-infinity, infinity};
  std::pair<double, double> best(state.sorted.front().first, state.sorted[static_cast<std::size_t>(held - 1)].first);
  for (std::int64_t i = 1; i + held <= count; ++i) {
    const double low = state.sorted[static_cast<std::size_t>(i)].first;
    const double high = state.sorted[static_cast<std::size_t>(i + held - 1)].first;
    if (high - low < best.second - best.first) best = {low, high};
  }
  return best;
}

double threshold_of(const Params& params, const State& state, Row& row) {
  row.level = params.alpha;
  switch (params.rule) {
    case Rule::aci: row.level = state.level; return quantile(params, state, state.level);
    case Rule::dtaci: row.level = mixed_level(state); return quantile(params, state, row.level);
    case Rule::agaci: {
      const std::vector<double> thresholds = expert_thresholds(params, state);
      return std::inner_product(state.weights.begin(), state.weights.end(), thresholds.begin(), 0.0);
    }
    case Rule::pid: return state.tracked + integral_term(params, state);
    default: return quantile(params, state, params.alpha);
  }
}

void learn(const Params& params, State& state, const Row& row, double score) {
  const double miss = row.covered ? 0 : 1;
  state.misses += row.covered ? 0 : 1;
  if (params.rule == Rule::aci) state.level += params.gamma * (params.alpha - miss);
  if (params.rule == Rule::dtaci) update_dtaci(params, state, score);
  if (params.rule == Rule::agaci) update_agaci(params, state, score);
  if (params.rule == Rule::dtaci || params.rule == Rule::agaci)
    for (std::size_t i = 0; i < state.levels.size(); ++i) {
      const bool held = score <= quantile(params, state, state.levels[i]);
      state.levels[i] += params.gammas[i] * (params.alpha - (held ? 0.0 : 1.0));
    }
  if (params.rule == Rule::pid) {
    state.tracked += params.gamma * largest(state) * (miss - params.alpha);
    state.excess += miss - params.alpha;
  }
  ++state.steps;
  take_score(params, state, score);
}

}  // namespace

Result<Row> step(Context& context, const Model& model, State& state, const Event& event) {
  PLIMSOLL_CHECK(context.stop.check());
  const Params& params = model.params;
  if (!state.started) begin(model, state);
  if (state.sorted.size() != state.scores.size()) sort_window(state);
  if (params.score == Score::normalised && !(event.sigma > 0)) return Error(ErrorCode::bad_value, "the scale of a prediction is not positive", "Give sigma above 0.").in_parameter("sigma");
  const Base base = base_of(params.score, event);
  Row row;
  if (params.rule == Rule::enbpi) {
    const auto [low, high] = narrowest(params, state);
    row.level = params.alpha;
    row.lower = event.prediction + low;
    row.upper = event.prediction + high;
    row.threshold = (high - low) / 2;
  } else {
    row.threshold = threshold_of(params, state, row);
    row.lower = base.low - row.threshold * base.scale;
    row.upper = base.high + row.threshold * base.scale;
  }
  if (!event.observed) return row;
  const double score = score_of(params, base, event);
  if (!std::isfinite(score)) return Error(ErrorCode::bad_value, "the score of an event is not a number", "Give finite values.").in_parameter("target");
  row.covered = params.rule == Rule::enbpi ? row.lower <= event.target && event.target <= row.upper : score <= row.threshold;
  learn(params, state, row, score);
  return row;
}

double aci_bound(const Params& params, std::int64_t steps) { return (std::max(params.alpha, 1 - params.alpha) + params.gamma) / (params.gamma * static_cast<double>(steps)); }

}  // namespace plimsoll::conformal::online
