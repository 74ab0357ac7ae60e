// SPDX-License-Identifier: Apache-2.0
// Discrepancy by outer approximation (Duran and Grossmann 1986), on the exact ranges. With s_i = w'x_i, the link monotone and
// b = 1 meaning "this row moves up (or down) by delta":
//   maximise sum c b  over w in S, b in {0, 1};
//   up    s_i >= low_i + (logit(p0_i + delta) - low_i) b,      down   s_i <= high_i - (high_i - logit(p0_i - delta)) b,
// where low_i and high_i are the ends of row i's range over S: no smaller big-M is valid. S enters as linear cuts
//   L(w_k) + grad L(w_k)'(w - w_k) <= target,
// first at the models that attain the ranges. Each round solves the mixed-integer program: its bound is an upper bound, and it
// names rows that might move together. The convex problem "least loss while these rows move" then either has a model in S, a
// new lower bound, or a cut at its minimiser ends that assignment. Beyond the source (Watson-Daniels et al.) two things keep
// the rounds few: from the minimiser's prices a smallest set of rows that cannot move together is found, and the program is told
// (b's sum at most their number less one); and all pairs of candidates are tried beforehand. The program looks only for
// assignments better than the best one known, so it ends the search by having none.
// Bounds hold to the solver's tolerance (1e-7 on a row), which only widens what the program may do.
#include "methods/probability/multiplicity/discrepancy.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "learn/logistic.h"
#include "solve/mip.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr double margin = 1e-9;              // logits: a witness is asked for a little more than delta
constexpr double most_pair_work = 2e8;       // candidates squared by learning patterns: below it all pairs are tried
constexpr std::size_t most_start_cuts = 400;
constexpr std::size_t most_scanned = 2000;   // models of the ranges that are tried as witnesses
constexpr std::size_t most_grown = 400;      // convex problems of one greedy pass

struct Candidate {
  std::size_t pattern = 0;
  int sign = 1;       // +1 up, -1 down
  double bound = 0;   // logit to reach
  double limit = 0;   // the other end of the row's range
  double weight = 0;
};

double logit(double p) { return std::log(p / (1 - p)); }

class Search {
 public:
  Search(Context& context, const learn::LevelSet& set, const Distinct& rows, const std::vector<double>& weight, const Ranges& ranges,
         double delta, const Effort& budget)
      : context_(context), set_(set), rows_(rows), ranges_(ranges), budget_(budget), width_(static_cast<std::size_t>(set.patterns().width)) {
    out_.delta = delta;
    began_ = context.clock();
    total_ = std::accumulate(weight.begin(), weight.end(), 0.0);
    whole_ = std::all_of(weight.begin(), weight.end(), [](double c) { return c == std::round(c); });
    find_candidates(weight);
  }

  Result<Discrepancy> run() {
    out_.candidates = static_cast<std::int64_t>(candidates_.size());
    out_.witness = set_.best();
    out_.upper = total_;
    if (candidates_.empty()) return finished(0);
    scan_witnesses();
    PLIMSOLL_CHECK(grow(members_of(out_.witness)));
    build();
    PLIMSOLL_CHECK(try_pairs());
    double upper = weight_of_candidates();
    bool open = true;
    while (open && upper - lower_ > budget_.gap * total_ + slack()) {
      PLIMSOLL_TRY(open, round(upper));
    }
    return finished(upper);
  }

 private:
  std::span<const double> x(std::size_t pattern) const { return {rows_.x.data() + pattern * width_, width_}; }
  double slack() const { return 1e-9 * total_; }
  double left() const { return budget_.seconds - (context_.clock() - began_); }

  void find_candidates(const std::vector<double>& weight) {
    for (std::size_t i = 0; i < weight.size(); ++i) {
      const double p = learn::sigmoid(ranges_.best[i]);
      if (!(weight[i] > 0)) continue;
      if (p + out_.delta < 1) {
        const double bound = logit(p + out_.delta);
        if (ranges_.high[i].logit >= bound) candidates_.push_back({i, 1, bound, ranges_.low[i].logit, weight[i]});
      }
      if (p - out_.delta > 0) {
        const double bound = logit(p - out_.delta);
        if (ranges_.low[i].logit <= bound) candidates_.push_back({i, -1, bound, ranges_.high[i].logit, weight[i]});
      }
    }
  }

  // A pattern may stand twice, up and down: it counts once.
  double weight_of_candidates() const {
    double sum = 0;
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      if (c == 0 || candidates_[c].pattern != candidates_[c - 1].pattern) sum += candidates_[c].weight;
    }
    return sum;
  }

  bool moves(const Candidate& c, std::span<const double> model) const {
    const double s = learn::logit_of(model, x(c.pattern));
    return c.sign > 0 ? s >= c.bound : s <= c.bound;
  }

  std::vector<std::size_t> members_of(std::span<const double> model) const {
    std::vector<std::size_t> members;
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      if (moves(candidates_[c], model)) members.push_back(c);
    }
    return members;
  }

  double weight_of(const std::vector<std::size_t>& members) const {
    double sum = 0;
    for (const std::size_t c : members) sum += candidates_[c].weight;
    return sum;
  }

  // Keeps the model if it moves more than the best one known, and lies in S.
  void offer(const std::vector<double>& model) {
    if (model.empty() || !(set_.loss(model) <= set_.target())) return;
    const double moved = weight_of(members_of(model));
    if (moved <= lower_) return;
    lower_ = moved;
    out_.witness = model;
  }

  void scan_witnesses() {
    const std::size_t n = ranges_.low.size();
    const std::size_t step = std::max<std::size_t>(1, n / most_scanned);
    for (std::size_t i = 0; i < n; i += step) {
      offer(ranges_.low[i].model);
      offer(ranges_.high[i].model);
    }
    for (const Candidate& c : candidates_) offer((c.sign > 0 ? ranges_.high : ranges_.low)[c.pattern].model);
  }

  std::vector<learn::Halfspace> halfspaces(const std::vector<std::size_t>& members) const {
    std::vector<learn::Halfspace> out;
    for (const std::size_t m : members) {
      const Candidate& c = candidates_[m];
      out.push_back({x(c.pattern), c.bound + c.sign * margin, c.sign});
    }
    return out;
  }

  bool apart(const std::vector<std::size_t>& members) const {  // proven: no model of S moves all of them
    const learn::Constrained least = set_.best_under(halfspaces(members), true);
    return !least.solved && least.lower > set_.target();
  }

  // Adds candidates one by one as long as a model of S moves them all; those nearest to moving come first.
  Result<void> grow(std::vector<std::size_t> members) {
    std::vector<std::pair<double, std::size_t>> order;
    const std::vector<double> from = out_.witness;
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      const Candidate& one = candidates_[c];
      const double missing = one.sign * (one.bound - learn::logit_of(from, x(one.pattern)));
      if (missing > 0) order.emplace_back(missing / one.weight, c);
    }
    std::sort(order.begin(), order.end());
    if (order.size() > most_grown) order.resize(most_grown);
    for (const auto& [missing, c] : order) {
      PLIMSOLL_CHECK(context_.stop.check());
      if (left() <= 0) break;
      std::vector<std::size_t> more = members;
      more.push_back(c);
      const learn::Constrained least = set_.best_under(halfspaces(more), true);
      if (!least.solved) continue;
      members = std::move(more);
      offer(least.model);
    }
    return {};
  }

  // The program: w, then one binary a candidate.
  void build() {
    mip_.sense = solve::Sense::maximise;
    for (std::size_t j = 0; j <= width_; ++j) mip_.add_variable(-solve::infinite, solve::infinite, 0);
    for (const Candidate& c : candidates_) mip_.add_binary(c.weight);
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      const Candidate& one = candidates_[c];
      std::vector<std::int32_t> columns;
      std::vector<double> values;
      const std::span<const double> values_of = x(one.pattern);
      for (std::size_t j = 0; j < width_; ++j) {
        if (values_of[j] == 0) continue;
        columns.push_back(static_cast<std::int32_t>(j));
        values.push_back(values_of[j]);
      }
      columns.push_back(static_cast<std::int32_t>(width_));
      values.push_back(1);
      columns.push_back(binary(c));
      values.push_back(one.limit - one.bound);
      mip_.add_row(one.sign > 0 ? one.limit : -solve::infinite, one.sign > 0 ? solve::infinite : one.limit, columns, values);
      if (c > 0 && candidates_[c - 1].pattern == one.pattern) forbid({c - 1, c});
    }
    const std::size_t step = std::max<std::size_t>(1, 2 * ranges_.low.size() / most_start_cuts);
    for (std::size_t i = 0; i < ranges_.low.size(); i += step) {
      cut(ranges_.low[i].model);
      cut(ranges_.high[i].model);
    }
    for (std::size_t c = 0; step > 1 && c < std::min(candidates_.size(), most_start_cuts); ++c) {
      cut((candidates_[c].sign > 0 ? ranges_.high : ranges_.low)[candidates_[c].pattern].model);
    }
    cutoff_row_ = mip_.rows();
    std::vector<std::int32_t> columns;
    std::vector<double> values;
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      columns.push_back(binary(c));
      values.push_back(candidates_[c].weight);
    }
    mip_.add_row(0, solve::infinite, columns, values);
  }

  std::int32_t binary(std::size_t c) const { return static_cast<std::int32_t>(width_ + 1 + c); }

  void cut(const std::vector<double>& model) {
    if (model.empty()) return;
    const std::vector<double> gradient = set_.gradient(model);
    const double along = std::inner_product(model.begin(), model.end(), gradient.begin(), 0.0);
    const double largest = std::abs(*std::max_element(gradient.begin(), gradient.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
    if (!(largest > 0)) return;
    std::vector<std::int32_t> columns(gradient.size());
    std::iota(columns.begin(), columns.end(), 0);
    std::vector<double> values = gradient;
    for (double& value : values) value /= largest;
    const double room = set_.target() - set_.loss(model) + along;
    mip_.add_row(-solve::infinite, room / largest + 1e-9, columns, values);
    ++out_.cuts;
  }

  void forbid(const std::vector<std::size_t>& members) {
    std::vector<std::int32_t> columns;
    for (const std::size_t c : members) columns.push_back(binary(c));
    const std::vector<double> ones(columns.size(), 1.0);
    mip_.add_row(-solve::infinite, static_cast<double>(columns.size()) - 1, columns, ones);
    ++out_.conflicts;
  }

  Result<void> try_pairs() {
    const std::size_t n = candidates_.size();
    if (static_cast<double>(n * n) * static_cast<double>(set_.patterns().size()) > most_pair_work) return {};
    std::vector<std::vector<char>> conflict(n, std::vector<char>(n, 0));
    const auto task = [&](std::int64_t which) -> Result<void> {
      const auto a = static_cast<std::size_t>(which);
      for (std::size_t b = a + 1; b < n; ++b) {
        if (candidates_[a].pattern == candidates_[b].pattern) continue;
        if (left() <= 0) return {};
        conflict[a][b] = apart({a, b}) ? 1 : 0;
      }
      return {};
    };
    PLIMSOLL_CHECK(context_.runtime.for_each(static_cast<std::int64_t>(n), context_.stop, task));
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n; ++b) {
        if (conflict[a][b] != 0) forbid({a, b});
      }
    }
    return {};
  }

  // A smallest part of `members` that still cannot move together, by leaving out one after another.
  std::vector<std::size_t> smallest_conflict(const std::vector<std::size_t>& members, const std::vector<double>& price) const {
    std::vector<std::pair<double, std::size_t>> order;
    const double largest = *std::max_element(price.begin(), price.end());
    for (std::size_t k = 0; k < members.size(); ++k) {
      if (price[k] > 1e-7 * largest) order.emplace_back(price[k], members[k]);
    }
    std::sort(order.begin(), order.end());
    std::vector<std::size_t> core;
    for (const auto& [cost, c] : order) core.push_back(c);
    if (!apart(core)) core = members;
    if (!apart(core)) return {};
    for (std::size_t k = 0; k < core.size();) {
      std::vector<std::size_t> fewer = core;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(k));
      if (!fewer.empty() && apart(fewer)) core = std::move(fewer);
      else ++k;
    }
    return core;
  }

  // One round; false when the search is over.
  Result<bool> round(double& upper) {
    PLIMSOLL_CHECK(context_.stop.check());
    if (out_.rounds >= budget_.rounds) return false;
    out_.timed_out = left() <= 0;
    if (out_.timed_out) return false;
    ++out_.rounds;
    mip_.row_lower[static_cast<std::size_t>(cutoff_row_)] = whole_ ? lower_ + 0.5 : lower_ + slack();
    solve::MipOptions options;
    options.max_seconds = left();
    options.absolute_gap = whole_ ? 0.99 : slack();
    options.relative_gap = upper > 0 ? 0.25 * (upper - lower_) / upper : 0;  // early rounds learn more from many cuts than from one proof
    auto solved = solve::solve_mip(context_, mip_, options);
    if (!solved.ok()) {
      out_.no_solver = solved.error().code == ErrorCode::missing_plugin;
      if (!out_.no_solver) return std::move(solved).error();
      return false;
    }
    const solve::MipSolution& found = *solved;
    out_.nodes += found.nodes;
    if (found.status == solve::MipStatus::infeasible) {
      upper = lower_;
      return false;
    }
    if (std::isfinite(found.bound)) {
      const double bound = whole_ ? std::floor(found.bound + 1e-6) : found.bound;
      upper = std::min(upper, std::max(bound, lower_));
    }
    if (!found.found) {
      out_.timed_out = found.limited;
      return false;
    }
    std::vector<std::size_t> members;
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      if (found.x[static_cast<std::size_t>(binary(c))] > 0.5) members.push_back(c);
    }
    return judge(members);
  }

  // Is there a model of S that moves these rows? If not, the program is told why, a row of the conflict is let go, and the
  // rest is judged, until what is left can move.
  Result<bool> judge(std::vector<std::size_t> members) {
    const double before = lower_;
    bool first = true;
    while (!members.empty()) {
      PLIMSOLL_CHECK(context_.stop.check());
      const learn::Constrained least = set_.best_under(halfspaces(members));
      if (least.model.empty()) return false;
      if (least.loss <= set_.target()) {
        offer(least.model);
        PLIMSOLL_CHECK(grow(members));
        return !first || lower_ > before;
      }
      cut(least.model);
      if (first) {
        const std::vector<double> back = set_.pulled_back(least.model);
        cut(back);
        offer(back);
      }
      const std::vector<std::size_t> core = smallest_conflict(members, least.price);
      if (core.empty()) return first;
      forbid(core);
      const std::size_t go = *std::min_element(core.begin(), core.end(), [&](std::size_t a, std::size_t b) {
        return candidates_[a].weight != candidates_[b].weight ? candidates_[a].weight < candidates_[b].weight : a < b;
      });
      std::erase(members, go);
      first = false;
    }
    return true;
  }

  Result<Discrepancy> finished(double upper) {
    out_.proven = upper - lower_ <= slack();
    out_.lower = total_ > 0 ? lower_ / total_ : 0;
    out_.upper = out_.proven ? out_.lower : total_ > 0 ? upper / total_ : 0;
    return out_;
  }

  Context& context_;
  const learn::LevelSet& set_;
  const Distinct& rows_;
  const Ranges& ranges_;
  const Effort& budget_;
  std::size_t width_;
  double began_ = 0;
  double total_ = 0;
  bool whole_ = false;  // all weights are whole: so is every bound
  std::vector<Candidate> candidates_;
  solve::MipModel mip_;
  std::int32_t cutoff_row_ = 0;
  double lower_ = 0;    // in weight
  Discrepancy out_;
};

}  // namespace

double moved_share(const Distinct& rows, const std::vector<double>& weight, const Ranges& ranges, double delta,
                   std::span<const double> model, std::int64_t width) {
  double moved = 0;
  double total = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const std::span<const double> x(rows.x.data() + i * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
    total += weight[i];
    if (std::fabs(learn::sigmoid(learn::logit_of(model, x)) - learn::sigmoid(ranges.best[i])) >= delta) moved += weight[i];
  }
  return total > 0 ? moved / total : 0;
}

Result<Discrepancy> find_discrepancy(Context& context, const learn::LevelSet& set, const Distinct& rows, const std::vector<double>& weight,
                                     const Ranges& ranges, double delta, const Effort& budget) {
  return Search(context, set, rows, weight, ranges, delta, budget).run();
}

}  // namespace plimsoll::probability::multiplicity
