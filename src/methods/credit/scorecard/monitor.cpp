// SPDX-License-Identifier: Apache-2.0
// The drift monitor. Rows are counted in the bins of learning; after every `monitor_window` rows each feature and the score are
// compared with learning by the chi-square test of PSI. Looking again and again must not raise alarms by itself: the size of the
// k-th window is alpha (6 / pi^2) / k^2, so that all windows together, however many, raise a false alarm with chance at most
// alpha; within a window Benjamini and Yekutieli's procedure guards the features.

#include <algorithm>

#include "methods/credit/scorecard/scorecard.h"
#include "stats/divergence.h"
#include "stats/multiple_testing.h"

namespace plimsoll::credit::scorecard {

namespace {

constexpr double six_over_pi_squared = 0.60792710185402662866;

std::size_t cells_of(const Model& model) {
  std::size_t cells = model.bands.goods.size();
  for (const Feature& feature : model.features) cells += feature.bins.size() + 1;
  return cells;
}

struct Compared {
  std::string name;
  double psi = 0;
  double p = 1;
};

Compared compare(std::string name, std::vector<double> learned, std::vector<double> window) {
  Compared out{std::move(name), 0, 1};
  double seen = 0;
  for (const double count : window) seen += count;
  if (!(seen > 0)) return out;
  stats::smooth_halves(learned, window);
  stats::DivergenceOptions options;
  options.interval = false;
  const auto d = stats::jeffreys_divergence(learned, window, options);
  if (!d) return out;
  out.psi = d->value;
  out.p = d->p_value;
  return out;
}

void close_window(const Model& model, Monitor& monitor, Watch& watch) {
  std::vector<Compared> compared;
  std::size_t at = 0;
  for (const Feature& feature : model.features) {
    std::vector<double> learned;
    std::vector<double> window;
    for (std::size_t b = 0; b < feature.bins.size(); ++b) {
      learned.push_back((feature.bins[b].goods + feature.bins[b].bads) * model.kish);
      window.push_back(static_cast<double>(monitor.counts[at + b]));
    }
    at += feature.bins.size() + 1;
    compared.push_back(compare(feature.name, std::move(learned), std::move(window)));
  }
  std::vector<double> learned;
  std::vector<double> window;
  for (std::size_t b = 0; b < model.bands.goods.size(); ++b) {
    learned.push_back((model.bands.goods[b] + model.bands.bads[b]) * model.kish);
    window.push_back(static_cast<double>(monitor.counts[at + b]));
  }
  compared.push_back(compare("score", std::move(learned), std::move(window)));
  ++monitor.windows;
  const double k = static_cast<double>(monitor.windows);
  std::vector<double> p;
  for (const Compared& one : compared) p.push_back(one.p);
  for (const std::size_t j : stats::benjamini_yekutieli(p, model.params.alpha * six_over_pi_squared / (k * k))) watch.drifted.push_back(compared[j].name);
  for (const Compared& one : compared) {
    watch.largest_psi = std::max(watch.largest_psi, one.psi);
    watch.smallest_p = std::min(watch.smallest_p, one.p);
  }
  watch.window_closed = true;
  watch.alarm = !watch.drifted.empty();
  monitor.alarms += watch.alarm ? 1 : 0;
  std::fill(monitor.counts.begin(), monitor.counts.end(), 0);
}

}  // namespace

Result<Watch> step(Context& context, const Model& model, Monitor& monitor, const Event& event) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  const std::size_t cells = cells_of(model);
  if (monitor.counts.empty() && monitor.rows == 0) {
    monitor.counts.assign(cells, 0);
    monitor.total.assign(cells, 0);
  }
  if (monitor.counts.size() != cells || monitor.total.size() != cells)
    return Error(ErrorCode::bad_parameter, "the monitor's state is of another scorecard", "Start a new session, or restore the state of this scorecard.");
  std::vector<std::string> names;
  for (const Feature& feature : model.features) names.push_back(feature.name);
  for (const auto& [name, value] : event.values)
    if (std::find(names.begin(), names.end(), name) == names.end())
      context.warn("the event's value '" + name + "' belongs to no feature of the scorecard");
  std::vector<std::uint8_t> codes;
  std::size_t at = 0;
  for (const Feature& feature : model.features) {
    const auto found = event.values.find(feature.name);
    codes.push_back(code_of_text(feature, found == event.values.end() ? std::string() : found->second));
    const std::size_t cell = at + (codes.back() == unknown_bin ? feature.bins.size() : std::size_t{codes.back()});
    ++monitor.counts[cell];
    ++monitor.total[cell];
    at += feature.bins.size() + 1;
  }
  Watch watch = score_one(model, codes);
  const auto band = static_cast<std::size_t>(std::upper_bound(model.bands.cuts.begin(), model.bands.cuts.end(), watch.log_odds) - model.bands.cuts.begin());
  ++monitor.counts[at + band];
  ++monitor.total[at + band];
  ++monitor.rows;
  watch.rows = monitor.rows;
  if (monitor.rows % monitor_window == 0) close_window(model, monitor, watch);
  return watch;
}

}  // namespace plimsoll::credit::scorecard
