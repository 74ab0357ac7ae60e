// SPDX-License-Identifier: Apache-2.0
// The programme. Boundaries 0..P lie between the cells; a bin is a pair of boundaries. Let V(m, i, j) be the largest value of a
// grouping of the first j cells into m bins whose last bin is (i, j). Then
//   V(m, i, j) = value(i, j) + max { V(m - 1, h, i) : rate(h, i) + gap <= rate(i, j) }         for a rising rate,
// and with the bins that end at i and those that begin at i both sorted by rate the maximum is a running one. A peak is a
// rising phase followed by a falling one, so V gets a phase. Exact: tests compare it with full enumeration.
#include "learn/ordered_grouping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 6> trend_names = {"auto", "increasing", "decreasing", "none", "peak", "valley"};
constexpr double nothing = -std::numeric_limits<double>::infinity();

struct Totals {
  std::vector<double> goods{0.0};  // of the first i cells
  std::vector<double> bads{0.0};
  double good_total = 0;
  double bad_total = 0;

  Totals(std::span<const double> g, std::span<const double> b, const GroupingRules& rules) {
    for (std::size_t i = 0; i < g.size(); ++i) {
      goods.push_back(goods.back() + g[i]);
      bads.push_back(bads.back() + b[i]);
    }
    good_total = rules.good_total > 0 ? rules.good_total : goods.back();
    bad_total = rules.bad_total > 0 ? rules.bad_total : bads.back();
  }
  double good(std::size_t i, std::size_t j) const { return goods[j] - goods[i]; }
  double bad(std::size_t i, std::size_t j) const { return bads[j] - bads[i]; }
  double rate(std::size_t i, std::size_t j) const { return bad(i, j) / (good(i, j) + bad(i, j)); }
  double value(std::size_t i, std::size_t j) const {
    const double g = good(i, j);
    const double b = bad(i, j);
    if (!(g > 0 && b > 0) || !(good_total > 0 && bad_total > 0)) return 0;
    const double p = g / good_total;
    const double q = b / bad_total;
    return (q - p) * std::log(q / p);
  }
  bool allowed(std::size_t i, std::size_t j, const GroupingRules& rules) const {
    const double g = good(i, j);
    const double b = bad(i, j);
    return g > 0 && b > 0 && g + b >= rules.least_rows && b >= rules.least_bads && g >= rules.least_goods;
  }
};

// Which way the rate may go from a bin of one phase to the next bin.
enum class Way { up, down, any };
struct Phases {
  std::vector<Way> ways;  // one a phase; a later phase may follow an earlier one
};

Phases phases_of(Trend trend) {
  switch (trend) {
    case Trend::increasing: return {{Way::up}};
    case Trend::decreasing: return {{Way::down}};
    case Trend::peak: return {{Way::up, Way::down}};
    case Trend::valley: return {{Way::down, Way::up}};
    default: return {{Way::any}};
  }
}

class Programme {
 public:
  Programme(const Totals& totals, std::size_t cells, const GroupingRules& rules, Trend trend)
      : totals_(totals), rules_(rules), phases_(phases_of(trend)), trend_(trend), side_(cells + 1),
        most_(static_cast<std::size_t>(std::clamp<std::int64_t>(rules.most_bins, 1, static_cast<std::int64_t>(cells)))) {
    const std::size_t size = phases_.ways.size() * most_ * side_ * side_;
    best_.assign(size, nothing);
    from_.assign(size, -1);
    from_phase_.assign(size, 0);
    prepare();
    for (std::size_t i = 0; i + 1 < side_; ++i) fill(i);
  }

  std::vector<std::optional<Grouping>> read() const {
    std::vector<std::optional<Grouping>> found(most_);
    for (std::size_t m = 0; m < most_; ++m) {
      double top = nothing;
      std::size_t phase = 0;
      std::size_t begin = 0;
      for (std::size_t f = 0; f < phases_.ways.size(); ++f)
        for (std::size_t i = 0; i + 1 < side_; ++i)
          if (best_[at(f, m, i, side_ - 1)] > top) {
            top = best_[at(f, m, i, side_ - 1)];
            phase = f;
            begin = i;
          }
      if (top > nothing) found[m] = trace(phase, m, begin, top);
    }
    return found;
  }

 private:
  std::size_t at(std::size_t phase, std::size_t m, std::size_t i, std::size_t j) const { return ((phase * most_ + m) * side_ + i) * side_ + j; }

  void prepare() {
    rate_.assign(side_ * side_, 0);
    value_.assign(side_ * side_, 0);
    ending_.resize(side_);
    starting_.resize(side_);
    for (std::size_t i = 0; i + 1 < side_; ++i)
      for (std::size_t j = i + 1; j < side_; ++j) {
        if (!totals_.allowed(i, j, rules_)) continue;
        rate_[i * side_ + j] = totals_.rate(i, j);
        value_[i * side_ + j] = totals_.value(i, j);
        ending_[j].push_back(static_cast<std::int32_t>(i));
        starting_[i].push_back(static_cast<std::int32_t>(j));
      }
    if (phases_.ways == std::vector<Way>{Way::any}) return;
    for (std::size_t i = 0; i < side_; ++i) {
      std::stable_sort(ending_[i].begin(), ending_[i].end(), [&](std::int32_t a, std::int32_t b) { return rate_[static_cast<std::size_t>(a) * side_ + i] < rate_[static_cast<std::size_t>(b) * side_ + i]; });
      std::stable_sort(starting_[i].begin(), starting_[i].end(), [&](std::int32_t a, std::int32_t b) { return rate_[i * side_ + static_cast<std::size_t>(a)] < rate_[i * side_ + static_cast<std::size_t>(b)]; });
    }
  }

  // May a bin of rate `before` stand left of one of rate `after`?
  bool fits(Way way, double before, double after) const {
    if (way == Way::up) return before + rules_.least_gap <= after;
    if (way == Way::down) return after + rules_.least_gap <= before;
    return true;
  }

  void fill(std::size_t i) {
    for (std::size_t f = 0; f < phases_.ways.size(); ++f) {
      if (i == 0) {
        for (const std::int32_t j : starting_[0]) best_[at(f, 0, 0, static_cast<std::size_t>(j))] = value_[static_cast<std::size_t>(j)];
        continue;
      }
      for (std::size_t m = 1; m < most_; ++m) extend(f, m, i);
    }
  }

  // All V(m, i, .) of phase f by one sweep over both sorted lists.
  void extend(std::size_t f, std::size_t m, std::size_t i) {
    const Way way = phases_.ways[f];
    const auto& before = ending_[i];
    const auto& after = starting_[i];
    const bool back = way == Way::down;
    double top = nothing;
    std::int32_t top_from = -1;
    std::uint8_t top_phase = 0;
    std::size_t taken = 0;
    for (std::size_t s = 0; s < after.size(); ++s) {
      const auto j = static_cast<std::size_t>(after[back ? after.size() - 1 - s : s]);
      const double rate = rate_[i * side_ + j];
      while (taken < before.size()) {
        const auto h = static_cast<std::size_t>(before[back ? before.size() - 1 - taken : taken]);
        if (!fits(way, rate_[h * side_ + i], rate)) break;
        for (std::size_t g = 0; g <= f; ++g) {
          const double value = best_[at(g, m - 1, h, i)];
          if (value > top) {
            top = value;
            top_from = static_cast<std::int32_t>(h);
            top_phase = static_cast<std::uint8_t>(g);
          }
        }
        ++taken;
      }
      if (top_from < 0) continue;
      const std::size_t here = at(f, m, i, j);
      best_[here] = top + value_[i * side_ + j];
      from_[here] = static_cast<std::int16_t>(top_from);
      from_phase_[here] = top_phase;
    }
  }

  Grouping trace(std::size_t phase, std::size_t m, std::size_t begin, double value) const {
    Grouping grouping;
    grouping.value = value;
    grouping.trend = trend_;
    std::size_t end = side_ - 1;
    for (;;) {
      grouping.ends.push_back(static_cast<std::int32_t>(end));
      if (m == 0) break;
      const std::size_t here = at(phase, m, begin, end);
      end = begin;
      begin = static_cast<std::size_t>(from_[here]);
      phase = from_phase_[here];
      --m;
    }
    std::reverse(grouping.ends.begin(), grouping.ends.end());
    return grouping;
  }

  const Totals& totals_;
  const GroupingRules& rules_;
  Phases phases_;
  Trend trend_;
  std::size_t side_;
  std::size_t most_;
  std::vector<double> best_;
  std::vector<std::int16_t> from_;
  std::vector<std::uint8_t> from_phase_;
  std::vector<double> rate_;
  std::vector<double> value_;
  std::vector<std::vector<std::int32_t>> ending_;
  std::vector<std::vector<std::int32_t>> starting_;
};

Grouping all_in_one(const Totals& totals, std::size_t cells) {
  Grouping one;
  one.ends = {static_cast<std::int32_t>(cells)};
  one.value = totals.value(0, cells);
  return one;
}

double value_of(const Totals& totals, const std::vector<std::int32_t>& ends) {
  double value = 0;
  std::size_t begin = 0;
  for (const std::int32_t end : ends) {
    value += totals.value(begin, static_cast<std::size_t>(end));
    begin = static_cast<std::size_t>(end);
  }
  return value;
}

// Accumulated gain of each cut (between cell c and c + 1) of boosted stumps on the cells.
std::vector<double> cut_gains(std::span<const double> goods, std::span<const double> bads, const StumpOptions& options) {
  const std::size_t cells = goods.size();
  std::vector<double> gain(cells > 0 ? cells - 1 : 0, 0.0);
  const double good = std::accumulate(goods.begin(), goods.end(), 0.0);
  const double bad = std::accumulate(bads.begin(), bads.end(), 0.0);
  if (!(good > 0 && bad > 0)) return gain;
  std::vector<double> score(cells, std::log(bad / good));
  std::vector<double> g(cells), h(cells);
  for (std::int64_t round = 0; round < options.rounds; ++round) {
    double all_g = 0;
    double all_h = 0;
    for (std::size_t c = 0; c < cells; ++c) {
      const double p = 1 / (1 + std::exp(-score[c]));
      const double rows = goods[c] + bads[c];
      g[c] = rows * p - bads[c];
      h[c] = rows * p * (1 - p);
      all_g += g[c];
      all_h += h[c];
    }
    double top = 0;
    std::size_t cut = cells;
    double cut_g = 0, cut_h = 0, left_g = 0, left_h = 0;
    for (std::size_t c = 0; c + 1 < cells; ++c) {
      left_g += g[c];
      left_h += h[c];
      const double right_g = all_g - left_g;
      const double right_h = all_h - left_h;
      if (left_h < options.min_child_weight || right_h < options.min_child_weight) continue;
      const double now = left_g * left_g / (left_h + options.l2) + right_g * right_g / (right_h + options.l2) - all_g * all_g / (all_h + options.l2);
      if (now > top) {
        top = now;
        cut = c;
        cut_g = left_g;
        cut_h = left_h;
      }
    }
    if (cut == cells) break;
    gain[cut] += top;
    const double left = -options.learning_rate * cut_g / (cut_h + options.l2);
    const double right = -options.learning_rate * (all_g - cut_g) / (all_h - cut_h + options.l2);
    for (std::size_t c = 0; c < cells; ++c) score[c] += c <= cut ? left : right;
  }
  return gain;
}

// Joins bins until each meets the rules: the first that fails goes to the neighbour whose rate is nearer.
void join_small(const Totals& totals, const GroupingRules& rules, std::vector<std::int32_t>& ends) {
  const auto begin_of = [&](std::size_t k) { return k == 0 ? std::size_t{0} : static_cast<std::size_t>(ends[k - 1]); };
  while (ends.size() > 1) {
    std::size_t k = 0;
    while (k < ends.size() && totals.allowed(begin_of(k), static_cast<std::size_t>(ends[k]), rules)) ++k;
    if (k == ends.size()) return;
    const auto rate = [&](std::size_t b) {
      const double rows = totals.good(begin_of(b), static_cast<std::size_t>(ends[b])) + totals.bad(begin_of(b), static_cast<std::size_t>(ends[b]));
      return rows > 0 ? totals.bad(begin_of(b), static_cast<std::size_t>(ends[b])) / rows : 0.0;
    };
    const bool right = k == 0 || (k + 1 < ends.size() && std::fabs(rate(k + 1) - rate(k)) < std::fabs(rate(k - 1) - rate(k)));
    ends.erase(ends.begin() + static_cast<std::ptrdiff_t>(right ? k : k - 1));
  }
}

// Pools adjacent violators until the bad rate runs one way.
void pool_trend(const Totals& totals, bool up, double gap, std::vector<std::int32_t>& ends) {
  std::vector<std::int32_t> kept;
  const auto rate = [&](std::int32_t begin, std::int32_t end) { return totals.rate(static_cast<std::size_t>(begin), static_cast<std::size_t>(end)); };
  for (const std::int32_t end : ends) {
    kept.push_back(end);
    while (kept.size() > 1) {
      const std::int32_t middle = kept[kept.size() - 2];
      const std::int32_t begin = kept.size() > 2 ? kept[kept.size() - 3] : 0;
      const double before = rate(begin, middle);
      const double after = rate(middle, kept.back());
      if (up ? before + gap <= after : after + gap <= before) break;
      kept.erase(kept.end() - 2);
    }
  }
  ends = std::move(kept);
}

}  // namespace

std::span<const std::string_view> choices_of(Trend) { return trend_names; }

std::vector<std::optional<Grouping>> groupings_by_size(std::span<const double> goods, std::span<const double> bads, const GroupingRules& rules) {
  if (goods.empty()) return {};
  const Totals totals(goods, bads, rules);
  if (rules.trend != Trend::automatic) return Programme(totals, goods.size(), rules, rules.trend).read();
  auto found = Programme(totals, goods.size(), rules, Trend::increasing).read();
  auto falling = Programme(totals, goods.size(), rules, Trend::decreasing).read();
  for (std::size_t m = 0; m < found.size(); ++m)
    if (falling[m] && (!found[m] || falling[m]->value > found[m]->value)) found[m] = std::move(falling[m]);
  return found;
}

Grouping best_grouping(std::span<const double> goods, std::span<const double> bads, const GroupingRules& rules) {
  Grouping best;
  bool any = false;
  for (auto& grouping : groupings_by_size(goods, bads, rules)) {
    if (!grouping || (any && !(grouping->value > best.value))) continue;
    best = std::move(*grouping);
    any = true;
  }
  return any ? best : all_in_one(Totals(goods, bads, rules), goods.size());
}

Grouping stump_grouping(std::span<const double> goods, std::span<const double> bads, const GroupingRules& rules, const StumpOptions& options) {
  const Totals totals(goods, bads, rules);
  if (goods.empty()) return {};
  const std::vector<double> gain = cut_gains(goods, bads, options);
  std::vector<std::int32_t> order;
  for (std::size_t c = 0; c < gain.size(); ++c)
    if (gain[c] > 0) order.push_back(static_cast<std::int32_t>(c));
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return gain[static_cast<std::size_t>(a)] > gain[static_cast<std::size_t>(b)]; });
  if (std::ssize(order) > rules.most_bins - 1) order.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, rules.most_bins - 1)));
  std::sort(order.begin(), order.end());
  Grouping grouping;
  for (const std::int32_t cut : order) grouping.ends.push_back(cut + 1);
  grouping.ends.push_back(static_cast<std::int32_t>(goods.size()));
  join_small(totals, rules, grouping.ends);
  grouping.trend = rules.trend;
  const bool one_way = rules.trend == Trend::automatic || rules.trend == Trend::increasing || rules.trend == Trend::decreasing;
  if (one_way && totals.allowed(0, goods.size(), rules)) {
    std::vector<std::int32_t> up = grouping.ends;
    std::vector<std::int32_t> down = grouping.ends;
    pool_trend(totals, true, rules.least_gap, up);
    pool_trend(totals, false, rules.least_gap, down);
    const bool rises = rules.trend == Trend::increasing || (rules.trend == Trend::automatic && value_of(totals, up) >= value_of(totals, down));
    grouping.ends = rises ? std::move(up) : std::move(down);
    grouping.trend = rises ? Trend::increasing : Trend::decreasing;
  }
  grouping.value = value_of(totals, grouping.ends);
  return grouping;
}

}  // namespace plimsoll::learn
