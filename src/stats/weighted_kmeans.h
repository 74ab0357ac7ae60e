// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::stats {

// Groups few points by Lloyd's k-means with weights. No draws: the first centre is the point nearest the weighted mean, each next
// one the point farthest from those before (first of equals), so the answer depends on the points and their order alone.
// `points` is row-major, weights positive, one a point; 1 <= clusters. Returns the cluster of each point; empty clusters are left out
// and the rest numbered by their first point.
std::vector<std::int32_t> weighted_kmeans(std::span<const double> points, std::size_t width, std::span<const double> weights, std::size_t clusters);

}  // namespace plimsoll::stats
