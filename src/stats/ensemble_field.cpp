// SPDX-License-Identifier: Apache-2.0
// Gneiting and Raftery, JASA 2007, section 4.3 (energy score); Scheuerer and Hamill, MWR 2015 (variogram score); Steinwart and
// Ziegel, 2021 (kernel score). Distances are summed over components directly, never as |a|^2 + |b|^2 - 2ab, which would lose what
// an offset costs.
#include "stats/ensemble_field.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace plimsoll::stats {
namespace {

constexpr std::size_t stop_every = 64;

double squared_distance(const std::vector<double>& a, const std::vector<double>& b, const std::vector<double>& weight) {
  double sum = 0;
  if (weight.empty()) {
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  } else {
    for (std::size_t i = 0; i < a.size(); ++i) sum += weight[i] * ((a[i] - b[i]) * (a[i] - b[i]));
  }
  return sum;
}

// Calls to(j) with the squared distance of each member to the outcome, and among with that of each pair.
template <class To, class Among>
Result<void> distances(const Field& field, const StopToken& stop, To to, Among among) {
  for (std::size_t j = 0; j < field.member.size(); ++j) {
    PLIMSOLL_CHECK(stop.check());
    to(squared_distance(field.member[j], field.observed, field.weight));
    for (std::size_t k = 0; k < j; ++k) among(squared_distance(field.member[j], field.member[k], field.weight));
  }
  return {};
}

// |difference|^order; the usual orders by root and square.
double power(double difference, double order) {
  const double size = std::fabs(difference);
  if (order == 0.5) return std::sqrt(size);
  if (order == 1) return size;
  if (order == 2) return size * size;
  return std::pow(size, order);
}

}  // namespace

Result<EnergyParts> energy_parts(const Field& field, const StopToken& stop) {
  EnergyParts parts;
  const auto m = static_cast<double>(field.member.size());
  PLIMSOLL_CHECK(distances(field, stop, [&](double square) { parts.absolute_error += std::sqrt(square); },
                           [&](double square) { parts.half_difference += std::sqrt(square); }));
  parts.absolute_error /= m;
  parts.half_difference = m > 1 ? parts.half_difference / (m * (m - 1)) : std::numeric_limits<double>::quiet_NaN();
  return parts;
}

Result<double> variogram_score(const Field& field, double order, const StopToken& stop) {
  const std::size_t size = field.observed.size();
  const auto m = static_cast<double>(field.member.size());
  double score = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % stop_every == 0) PLIMSOLL_CHECK(stop.check());
    for (std::size_t l = 0; l < i; ++l) {
      double mean = 0;
      for (const auto& member : field.member) mean += power(member[i] - member[l], order);
      const double gap = power(field.observed[i] - field.observed[l], order) - mean / m;
      const double weight = field.weight.empty() ? 1 : field.weight[i] * field.weight[l];
      score += weight * gap * gap;
    }
  }
  return score;
}

Result<KernelParts> kernel_parts(const Field& field, double bandwidth, const StopToken& stop) {
  KernelParts parts;
  const auto m = static_cast<double>(field.member.size());
  const double scale = -0.5 / (bandwidth * bandwidth);
  PLIMSOLL_CHECK(distances(field, stop, [&](double square) { parts.to_observed += std::exp(scale * square); },
                           [&](double square) { parts.among += std::exp(scale * square); }));
  parts.to_observed /= m;
  parts.among = m > 1 ? parts.among * 2 / (m * (m - 1)) : std::numeric_limits<double>::quiet_NaN();
  return parts;
}

}  // namespace plimsoll::stats
