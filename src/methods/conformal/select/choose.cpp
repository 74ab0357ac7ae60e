// SPDX-License-Identifier: Apache-2.0
// From scores to a selection: Benjamini and Hochberg and its relatives on p-values of one model, or pruned e-values of the model
// that each candidate's auxiliary list prefers.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/conformal/select/select.h"
#include "stats/multiple_testing.h"

namespace plimsoll::conformal::select {
namespace {

// The best model of each candidate so far, folded in model by model in their order.
struct Best {
  std::vector<double> p;
  std::vector<std::int32_t> size, model, ties;
};

struct Scored {
  std::vector<double> p;  // (n + 1) p, or p itself where rows are weighted
  std::vector<std::int32_t> size;
};

void fold(Best& best, Scored scored, std::int32_t model, TieModel rule, std::vector<Stream>& coins) {
  if (best.p.empty() && model == 0) {
    best = {std::move(scored.p), std::move(scored.size), std::vector<std::int32_t>(coins.size(), 0), std::vector<std::int32_t>(coins.size(), 1)};
    return;
  }
  for (std::size_t j = 0; j < scored.size.size(); ++j) {
    if (scored.size[j] < best.size[j]) continue;
    const bool tie = scored.size[j] == best.size[j];
    best.ties[j] = tie ? best.ties[j] + 1 : 1;
    if (tie && (rule == TieModel::first || coins[j].below(static_cast<std::uint64_t>(best.ties[j])) != 0)) continue;
    best.p[j] = scored.p[j];
    best.size[j] = scored.size[j];
    best.model[j] = model;
  }
}

std::vector<double> draws_of(const Context& context, const Params& params, const Read& read) {
  return params.randomized ? uniforms(context.rng.child("conformal.select"), read.keys) : std::vector<double>();
}

Scored score(const Params& params, const Read& read, const SelectionScores& scores, const std::vector<double>& draws) {
  if (params.method == Procedure::weighted_cs) {
    stats::WeightedSelection weighted = stats::weighted_selection(scores, read.labelled_weight.span(), read.pool_weight.span(), draws, params.q);
    return {std::move(weighted.p), std::move(weighted.sizes)};
  }
  return {stats::scaled_p_values(scores, draws), stats::auxiliary_sizes(scores, params.q)};
}

// Each candidate against the models that learned with its own label alone imputed.
Scored score_own(const Params& params, const Refit& model, const std::vector<double>& draws) {
  Scored scored;
  for (std::size_t j = 0; j < model.own.size(); ++j) {
    scored.p.push_back(stats::scaled_p_values(model.own[j], draws)[j]);
    scored.size.push_back(stats::auxiliary_sizes(model.own[j], params.q)[j]);
  }
  return scored;
}

// Scores of every model, eight at a time on the runtime's threads, folded in order.
template <class ScoreModel>
Result<Best> best_models(Context& context, const Params& params, const Read& read, std::size_t models, const ScoreModel& score_model) {
  constexpr std::size_t wave = 8;
  Best best;
  std::vector<Stream> coins;
  const Stream root = context.rng.child("conformal.select tie");
  for (const std::uint64_t key : read.keys) coins.push_back(root.child(key));
  for (std::size_t first = 0; first < models; first += wave) {
    const std::size_t count = std::min(wave, models - first);
    std::vector<Scored> scored(count);
    const auto task = [&](std::int64_t i) -> Result<void> {
      scored[static_cast<std::size_t>(i)] = score_model(first + static_cast<std::size_t>(i));
      return {};
    };
    PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(count), context.stop, task));
    for (std::size_t i = 0; i < count; ++i) fold(best, std::move(scored[i]), static_cast<std::int32_t>(first + i), params.tie_model, coins);
  }
  return best;
}

// Gate: p_j <= beta q s_j / m; then e_j = m / (beta q s_j), and e-BH on e_j / xi_j.
Choice prune(const Context& context, const Params& params, const Read& read, Best best, std::int64_t n) {
  Choice choice;
  const std::size_t m = read.keys.size();
  const bool weighted = params.method == Procedure::weighted_cs;
  const double scale = weighted ? 1 : static_cast<double>(n + 1);
  const Stream root = pruning_stream(context, params);
  Stream shared = root.child("one");
  const double one = shared.uniform_open();
  std::vector<double> scaled(m, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t j = 0; j < m; ++j) {
    const auto size = static_cast<double>(best.size[j]);
    const double reach = params.beta * params.q * size;
    const bool gated = best.p[j] * static_cast<double>(m) <= reach * scale * (1 + 4e-15);
    Stream own = root.child("each").child(read.keys[j]);
    const double xi = params.prune == Prune::dtm ? 1 : params.prune == Prune::homo ? one : own.uniform_open();
    if (gated) scaled[j] = xi * size * params.beta;
    choice.e_value.push_back(gated ? static_cast<double>(m) / reach : 0);
    choice.p.push_back(best.p[j] / scale);
  }
  choice.selected = stats::pruned_selection(scaled);
  choice.model = std::move(best.model);
  choice.size = std::move(best.size);
  for (std::size_t j = 0; j < m; ++j)
    if (choice.selected[j]) choice.threshold = std::max(choice.threshold, choice.p[j]);
  return choice;
}

Choice by_p_values(const Params& params, const std::vector<double>& scaled, std::int64_t n) {
  Choice choice;
  for (const double one : scaled) choice.p.push_back(one / static_cast<double>(n + 1));
  choice.selected.assign(scaled.size(), false);
  if (params.rule == Rule::storey) {
    for (const std::size_t j : stats::storey(choice.p, params.q, params.storey_lambda)) choice.selected[j] = true;
  } else {
    const double last = params.rule == Rule::fixed ? params.threshold * static_cast<double>(n + 1) * (1 + 4e-15) : stats::largest_selected(scaled, n, params.q);
    for (std::size_t j = 0; j < scaled.size(); ++j) choice.selected[j] = scaled[j] <= last;
  }
  for (std::size_t j = 0; j < scaled.size(); ++j)
    if (choice.selected[j]) choice.threshold = std::max(choice.threshold, choice.p[j]);
  return choice;
}

Result<Choice> choose_scores(Context& context, const Params& params, const Read& read, const std::vector<SelectionScores>& scores, std::int64_t n, bool e_values) {
  const std::vector<double> draws = draws_of(context, params, read);
  if (!e_values) {
    // Without labelled rows p is 1 for every candidate, drawn or not.
    return by_p_values(params, n == 0 ? std::vector<double>(read.keys.size(), 1.0) : stats::scaled_p_values(scores.front(), draws), n);
  }
  PLIMSOLL_TRY(Best best, best_models(context, params, read, scores.size(), [&](std::size_t k) { return score(params, read, scores[k], draws); }));
  return prune(context, params, read, std::move(best), n);
}

}  // namespace

Stream pruning_stream(const Context& context, const Params& params) {
  return (params.xi_seed < 0 ? context.rng : Stream(static_cast<std::uint64_t>(params.xi_seed))).child("conformal.select xi");
}

Result<Choice> choose(Context& context, const Params& params, const Inputs& inputs, const Read& read) {
  const std::int64_t n = inputs.labelled.rows();
  const bool one_model = params.method == Procedure::cfbh || params.method == Procedure::optcs_full;
  const bool plain = one_model && params.rule != Rule::ebh && params.impute == Impute::all && (!refits(params) || leaves_one_out(params));
  std::vector<std::string> names;
  std::vector<SelectionScores> scores;
  Choice choice;
  if (refits(params)) {
    PLIMSOLL_TRY(const std::vector<Refit> models, refit(context, params, inputs, read));
    for (const Refit& model : models) names.push_back(model.name);
    for (const Refit& model : models) scores.push_back(model.scores);
    if (params.impute == Impute::one) {
      const std::vector<double> draws = draws_of(context, params, read);
      PLIMSOLL_TRY(Best best, best_models(context, params, read, models.size(), [&](std::size_t k) { return score_own(params, models[k], draws); }));
      choice = prune(context, params, read, std::move(best), n);
    } else {
      PLIMSOLL_TRY(choice, choose_scores(context, params, read, scores, n, !plain));
    }
  } else {
    for (const Prediction& prediction : read.predictions) {
      names.push_back(prediction.name);
      scores.push_back(scores_of(params, read, prediction));
    }
    PLIMSOLL_TRY(choice, choose_scores(context, params, read, scores, n, !plain));
  }
  if (!plain) choice.models = std::move(names);
  return choice;
}

}  // namespace plimsoll::conformal::select
