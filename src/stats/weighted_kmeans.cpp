// SPDX-License-Identifier: Apache-2.0
#include "stats/weighted_kmeans.h"

#include <algorithm>
#include <limits>

namespace plimsoll::stats {
namespace {

double squared(std::span<const double> points, std::size_t width, std::size_t i, std::span<const double> centre) {
  double sum = 0;
  for (std::size_t j = 0; j < width; ++j) {
    const double apart = points[i * width + j] - centre[j];
    sum += apart * apart;
  }
  return sum;
}

void put_mean(std::span<const double> points, std::size_t width, std::span<const double> weights, const std::vector<std::int32_t>& of, std::int32_t which, std::span<double> centre) {
  std::vector<double> sum(width, 0.0);
  double mass = 0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (of[i] != which) continue;
    mass += weights[i];
    for (std::size_t j = 0; j < width; ++j) sum[j] += weights[i] * points[i * width + j];
  }
  if (mass > 0)
    for (std::size_t j = 0; j < width; ++j) centre[j] = sum[j] / mass;
}

// The points that Lloyd's steps begin with.
std::vector<double> first_centres(std::span<const double> points, std::size_t width, std::span<const double> weights, std::size_t clusters) {
  const std::size_t n = weights.size();
  std::vector<double> centres(clusters * width);
  std::vector<double> mean(width, 0.0);
  put_mean(points, width, weights, std::vector<std::int32_t>(n, 0), 0, mean);
  std::size_t chosen = 0;
  for (std::size_t i = 1; i < n; ++i)
    if (squared(points, width, i, mean) < squared(points, width, chosen, mean)) chosen = i;
  std::vector<double> nearest(n, std::numeric_limits<double>::infinity());
  for (std::size_t c = 0; c < clusters; ++c) {
    std::copy_n(points.begin() + static_cast<std::ptrdiff_t>(chosen * width), width, centres.begin() + static_cast<std::ptrdiff_t>(c * width));
    for (std::size_t i = 0; i < n; ++i) nearest[i] = std::min(nearest[i], squared(points, width, i, std::span<const double>(centres).subspan(c * width, width)));
    chosen = static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) - nearest.begin());
  }
  return centres;
}

}  // namespace

std::vector<std::int32_t> weighted_kmeans(std::span<const double> points, std::size_t width, std::span<const double> weights, std::size_t clusters) {
  const std::size_t n = weights.size();
  clusters = std::min(clusters, n);
  std::vector<double> centres = first_centres(points, width, weights, clusters);
  std::vector<std::int32_t> of(n, -1);
  for (int round = 0; round < 100; ++round) {
    bool moved = false;
    for (std::size_t i = 0; i < n; ++i) {
      std::int32_t best = 0;
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t c = 0; c < clusters; ++c) {
        const double apart = squared(points, width, i, std::span<const double>(centres).subspan(c * width, width));
        if (apart < least) {
          least = apart;
          best = static_cast<std::int32_t>(c);
        }
      }
      moved = moved || of[i] != best;
      of[i] = best;
    }
    if (!moved) break;
    for (std::size_t c = 0; c < clusters; ++c) put_mean(points, width, weights, of, static_cast<std::int32_t>(c), std::span<double>(centres).subspan(c * width, width));
  }
  std::vector<std::int32_t> number(clusters, -1);
  std::int32_t next = 0;
  for (std::int32_t& cluster : of) {
    if (number[static_cast<std::size_t>(cluster)] < 0) number[static_cast<std::size_t>(cluster)] = next++;
    cluster = number[static_cast<std::size_t>(cluster)];
  }
  return of;
}

}  // namespace plimsoll::stats
