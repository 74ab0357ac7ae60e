// SPDX-License-Identifier: Apache-2.0
#include "learn/forecast_parts.h"

#include <cmath>
#include <cstdio>

namespace plimsoll::learn {

Cell number_or_words(double x) {
  if (std::isnan(x)) return std::string("undefined");
  if (std::isinf(x)) return std::string(x > 0 ? "infinite" : "minus infinite");
  return x;
}

std::vector<Cell> estimate_cells(const std::string& name, const stats::Estimate& e, std::string note) {
  return {name, number_or_words(e.value), number_or_words(e.interval.lo), number_or_words(e.interval.hi), std::move(note)};
}

std::string with_interval(const stats::Estimate& e) {
  if (std::isnan(e.value)) return "undefined";
  char text[90];
  if (std::isnan(e.interval.lo)) std::snprintf(text, sizeof text, "%.4f", e.value);
  else std::snprintf(text, sizeof text, "%.4f (%.4f to %.4f)", e.value, e.interval.lo, e.interval.hi);
  return text;
}

std::string short_number(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

stats::Dependence dependence_of(const ForecastColumns& data, std::int64_t lag) {
  stats::Dependence d = data.dependence();
  if (!d.cluster.empty() || data.order.empty()) return d;
  d.order = data.order;
  d.lag = lag >= 0 ? lag : stats::customary_lag(std::ssize(data.outcome));
  return d;
}

std::string in_words(const stats::Dependence& d) {
  if (!d.cluster.empty()) return std::to_string(d.clusters) + " clusters";
  if (d.lag > 0) return "a series, Newey-West to lag " + std::to_string(d.lag);
  return "independent";
}

bool ForecastPart::empty() const {
  double total = 0;
  for (const double w : weight) total += w;
  return y.empty() || (!weight.empty() && !(total > 0));
}

ForecastPart part_of(const ForecastColumns& data, const ForecastGroups& groups, std::int32_t code) {
  ForecastPart part;
  part.p.resize(data.forecasters.size());
  std::vector<std::int32_t> place(static_cast<std::size_t>(data.clusters), -1);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    if (groups.codes[i] != code) continue;
    for (std::size_t k = 0; k < part.p.size(); ++k) part.p[k].push_back(data.probability(k, 1)[i]);
    part.y.push_back(data.outcome[i]);
    if (!data.weight.empty()) part.weight.push_back(data.weight[i]);
    if (data.cluster.empty()) continue;
    std::int32_t& at = place[static_cast<std::size_t>(data.cluster[i])];
    if (at < 0) at = part.clusters++;
    part.cluster.push_back(at);
  }
  return part;
}

}  // namespace plimsoll::learn
