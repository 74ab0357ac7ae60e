// SPDX-License-Identifier: Apache-2.0
// One row's set of label-sets: listed, counted, and summed up label by label. No step touches a label-set outside the answer, but for
// those that a family or a penalty leaves out.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/hash.h"
#include "methods/conformal/multilabel/multilabel.h"

namespace plimsoll::conformal::multilabel {
namespace {

constexpr std::int64_t no_limit = std::int64_t{1} << 61;

class Row {
 public:
  Row(Context& context, const Model& model, std::span<const double> o, const Options& options)
      : model_(model), options_(options), labels_(o.size()), costs_(costs_of(model, o)), extra_(extra_of(model, costs_)) {
    search_.most = options.max_sets;
    search_.most_work = options.most_work;
    search_.stop = [&context] { return context.stop.check(); };
  }

  bool plain() const { return !extra_ && model_.params.measure != Measure::mahalanobis; }

  // Sets of a score of at most `budget`, as masks of labels.
  Result<stats::FlipSets> listed(std::int64_t budget, std::int64_t most) const {
    stats::FlipSearch search = search_;
    search.most = most;
    stats::FlipSets found;
    if (model_.params.restrict_to == Restrict::seen_in_training) {
      found = seen_within(budget, most);
    } else if (model_.params.measure == Measure::mahalanobis) {
      PLIMSOLL_TRY(found, stats::quadratic_flips(model_.shape->shape, costs_.kept, costs_.flipped, 0x1p36, budget, search, extra_));
    } else {
      PLIMSOLL_TRY(found, stats::flips_within(costs_.flips, budget - costs_.least, search, extra_));
      for (std::int64_t& cost : found.costs) cost += costs_.least;
    }
    for (std::size_t i = 0; i < found.masks.size(); ++i) found.masks[i] ^= costs_.base[i % found.words];
    return found;
  }

  // The best set and the next score, without a list where labels are apart.
  Result<void> lead(const Sample* sample, double u, Answer& answer) const {
    std::int64_t second = no_limit;
    if (plain()) {
      answer.best = costs_.base;
      answer.best_score = costs_.least;
      second = costs_.least + *std::min_element(costs_.flips.begin(), costs_.flips.end());
    } else {
      PLIMSOLL_TRY(const stats::FlipSets two, listed(no_limit, 2));
      if (two.size() == 0) return Error(ErrorCode::too_large, "no label-set of the family was found within the allowed work", "Raise --most-work, or loosen the rules.").in_parameter("most_work");
      answer.best.assign(two.at(0).begin(), two.at(0).end());
      answer.best_score = two.costs[0];
      if (two.size() > 1) second = two.costs[1];
    }
    const bool smoothing = model_.params.smoothing;
    answer.credibility = p_value(sample, answer.best_score, smoothing, u);
    answer.confidence = second == no_limit ? 1 : 1 - p_value(sample, second, smoothing, u);
    return {};
  }

  stats::FlipCount counted(const Budget& budget) const {
    const std::int64_t rest = (budget.all ? no_limit : budget.score) - costs_.least;
    if (model_.params.restrict_to == Restrict::seen_in_training) {
      const auto size = static_cast<double>(seen_within(budget.all ? no_limit : budget.score, no_limit).size());
      return {size, size, true};
    }
    const bool penalised = model_.params.hamming_weight > 0 || model_.params.cardinality_weight > 0;
    if (model_.params.restrict_to == Restrict::cardinality && model_.params.measure != Measure::mahalanobis && !penalised) {
      std::vector<bool> on(labels_);
      for (std::size_t j = 0; j < labels_; ++j) on[j] = has(costs_.base, j);
      const std::int64_t most = std::accumulate(costs_.flips.begin(), costs_.flips.end(), std::int64_t{0});
      return stats::count_flips_up_to(costs_.flips, on, model_.params.most_labels, std::min(rest, most), options_.cells);
    }
    stats::FlipCount count = stats::count_flips(costs_.flips, rest, options_.cells, plain() ? options_.exact_labels : 0);
    if (plain()) return count;
    count.low = 0;  // the bound of the measure, or the sets that a family leaves out, say nothing from below
    count.exact = count.high == 0;
    return count;
  }

  std::vector<int> states(const Budget& budget) const {
    std::vector<int> state(labels_);
    for (std::size_t j = 0; j < labels_; ++j)
      if (!budget.all && costs_.flips[j] > budget.score - costs_.least) state[j] = has(costs_.base, j) ? 1 : -1;
    return state;
  }
  // How few and how many labels a set can have: the cheapest ones go off or come on first.
  std::pair<std::int64_t, std::int64_t> cardinality(const Budget& budget) const {
    std::vector<std::int64_t> off, on;
    for (std::size_t j = 0; j < labels_; ++j) (has(costs_.base, j) ? off : on).push_back(costs_.flips[j]);
    const auto start = static_cast<std::int64_t>(off.size());
    const auto reach = [&](std::vector<std::int64_t>& costs) {
      std::sort(costs.begin(), costs.end());
      std::int64_t rest = (budget.all ? no_limit : budget.score) - costs_.least;
      std::int64_t count = 0;
      for (const std::int64_t cost : costs) {
        rest -= cost;
        if (rest < 0) break;
        ++count;
      }
      return count;
    };
    const std::int64_t fewer = reach(off);
    const std::int64_t more = reach(on);
    return {start - fewer, start + more};
  }
  double affordable(const Budget& budget) const {
    const std::vector<int> state = states(budget);
    return std::ldexp(1.0, static_cast<int>(std::min<std::ptrdiff_t>(std::count(state.begin(), state.end(), 0), 2000)));
  }
  bool surely_empty(const Budget& budget) const { return !budget.all && budget.score < costs_.least; }

 private:
  stats::FlipSets seen_within(std::int64_t budget, std::int64_t most) const {
    const std::size_t words = costs_.base.size();
    std::vector<std::pair<std::int64_t, std::size_t>> close;
    std::vector<std::uint64_t> flips(words);
    for (std::size_t at = 0; at < model_.seen.size(); at += words) {
      for (std::size_t w = 0; w < words; ++w) flips[w] = static_cast<std::uint64_t>(model_.seen[at + w]) ^ costs_.base[w];
      const std::int64_t score = score_of(model_, costs_, flips);
      if (score <= budget) close.emplace_back(score, at);
    }
    std::sort(close.begin(), close.end());
    stats::FlipSets found;
    found.words = words;
    found.complete = static_cast<std::int64_t>(close.size()) <= most;
    for (const auto& [score, at] : close) {
      if (static_cast<std::int64_t>(found.size()) >= most) break;
      found.costs.push_back(score);
      for (std::size_t w = 0; w < words; ++w) found.masks.push_back(static_cast<std::uint64_t>(model_.seen[at + w]) ^ costs_.base[w]);
    }
    return found;
  }

  const Model& model_;
  const Options& options_;
  std::size_t labels_;
  Costs costs_;
  stats::ExtraCost extra_;
  stats::FlipSearch search_;
};

std::vector<int> states_of_list(const stats::FlipSets& sets, std::size_t count, std::size_t labels) {
  std::vector<int> state(labels);
  for (std::size_t j = 0; j < labels; ++j) {
    std::size_t in = 0;
    for (std::size_t i = 0; i < count; ++i) in += has(sets.at(i), j) ? 1U : 0U;
    state[j] = in == count ? 1 : in == 0 ? -1 : 0;
  }
  return state;
}

// Labels of the smallest and the largest set listed; of the forced one, or none, if nothing conforms.
std::pair<std::int64_t, std::int64_t> sizes_of_list(const stats::FlipSets& sets, std::size_t within, const Answer& answer) {
  if (within == 0) return answer.forced ? std::pair(count_of(answer.best), count_of(answer.best)) : std::pair<std::int64_t, std::int64_t>(0, 0);
  std::pair<std::int64_t, std::int64_t> sizes(count_of(sets.at(0)), count_of(sets.at(0)));
  for (std::size_t i = 1; i < within; ++i) {
    const std::int64_t count = count_of(sets.at(i));
    sizes = {std::min(sizes.first, count), std::max(sizes.second, count)};
  }
  return sizes;
}

// Size and labels of the set at one alpha, from the list as far as that reaches.
void settle(const Row& row, const Budget& budget, const Options& options, std::size_t labels, Answer& answer) {
  const stats::FlipSets& sets = answer.sets;
  const std::int64_t score = budget.all ? no_limit : budget.score;
  const auto within = static_cast<std::size_t>(std::upper_bound(sets.costs.begin(), sets.costs.end(), score) - sets.costs.begin());
  const bool reaches = sets.complete || within < sets.size() || row.surely_empty(budget);
  stats::FlipCount count{static_cast<double>(within), static_cast<double>(within), true};
  if (!reaches && options.on_overflow == Overflow::count) {
    count = row.counted(budget);
    count.low = std::max(count.low, static_cast<double>(within));
  } else if (!reaches) {
    count = {static_cast<double>(within), row.affordable(budget), false};
    if (row.plain() && !row.surely_empty(budget)) count.low = std::max(count.low, 1.0);
  }
  count.exact = count.exact || count.low == count.high;
  std::vector<int> state;
  if (reaches && within == 0) {
    if (answer.forced) {
      count = {1, 1, true};
      for (std::size_t j = 0; j < labels; ++j) state.push_back(has(answer.best, j) ? 1 : -1);
    }
  } else if (reaches && !row.plain()) {
    state = states_of_list(sets, within, labels);
  } else {
    state = row.states(budget);
  }
  std::pair<std::int64_t, std::int64_t> cardinality = row.cardinality(budget);
  if (reaches && (!row.plain() || within == 0)) cardinality = sizes_of_list(sets, within, answer);
  answer.fewest.push_back(cardinality.first);
  answer.most.push_back(cardinality.second);
  answer.low.push_back(count.low);
  answer.high.push_back(count.high);
  answer.exact.push_back(count.exact);
  answer.state.push_back(std::move(state));
}

}  // namespace

Result<Answer> answer_of(Context& context, const Model& model, std::span<const double> o, const Sample* sample, double u, const Options& options) {
  const Row row(context, model, o, options);
  Answer answer;
  PLIMSOLL_CHECK(row.lead(sample, u, answer));
  const double least_alpha = *std::min_element(model.params.alpha.begin(), model.params.alpha.end());
  const Budget widest = budget_of(sample, least_alpha, model.params.smoothing, u);
  answer.sets.words = stats::words_of(o.size());
  answer.sets.complete = row.surely_empty(widest);
  if (options.max_sets > 0 && !answer.sets.complete) {
    PLIMSOLL_TRY(answer.sets, row.listed(widest.all ? no_limit : widest.score, options.max_sets));
  }
  answer.forced = model.params.force_non_empty;
  for (const double alpha : model.params.alpha) settle(row, budget_of(sample, alpha, model.params.smoothing, u), options, o.size(), answer);
  answer.forced = answer.forced && answer.sets.size() == 0 && answer.sets.complete;
  if (answer.forced && options.max_sets > 0) {
    answer.sets.masks = answer.best;
    answer.sets.costs = {answer.best_score};
  }
  return answer;
}

double draw_of(const Context& context, const Table& table, const std::vector<std::string>& ids, std::size_t row) {
  Stream stream = context.rng.child("conformal.multilabel smoothing").child(ids.empty() ? static_cast<std::uint64_t>(table.first_row()) + row : hash64(ids[row]));
  return stream.uniform();
}

}  // namespace plimsoll::conformal::multilabel
