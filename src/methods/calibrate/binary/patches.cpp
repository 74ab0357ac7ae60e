// SPDX-License-Identifier: Apache-2.0
// Multicalibration by moves (Hebert-Johnson, Kim, Reingold and Rothblum, ICML 2018, as an audit over given groups): while some value of a
// group column and some bin of the probability hold at least `patch_rows` of weight and |rate - mean probability| above the gap
// allowed, the probabilities there are moved by that difference. Each move lowers the squared error by gap^2 times the share of
// rows, so there are at most n / (patch_rows gap^2) of them; the largest gain goes first.
#include <algorithm>
#include <cmath>
#include <map>

#include "methods/calibrate/binary/binary.h"

namespace plimsoll::calibrate::binary {
namespace {

constexpr std::size_t most_patches = 10000;

struct Gap {
  double weight = 0;
  double sum = 0;
  double expected = 0;
};

std::size_t bin_of(double p, std::size_t bins) {
  const double at = std::ceil(p * static_cast<double>(bins)) - 1;
  return std::min(bins - 1, static_cast<std::size_t>(std::max(0.0, at)));
}

}  // namespace

bool concerns(const Patch& patch, const std::vector<std::string>& values, double probability) {
  if (patch.column >= 0 && (static_cast<std::size_t>(patch.column) >= values.size() || values[static_cast<std::size_t>(patch.column)] != patch.value)) return false;
  return (probability > patch.low || (patch.low <= 0 && probability >= 0)) && probability <= patch.high;
}

std::vector<Patch> patches_for(std::vector<Unit>& units, std::size_t columns, const Params& params) {
  const auto bins = static_cast<std::size_t>(params.patch_bins);
  std::vector<Patch> patches;
  while (patches.size() < most_patches) {
    std::map<std::tuple<std::int64_t, std::string, std::size_t>, Gap> gaps;
    for (const Unit& unit : units) {
      const std::size_t bin = bin_of(unit.probability, bins);
      for (std::int64_t c = -1; c < static_cast<std::int64_t>(columns); ++c) {
        Gap& gap = gaps[{c, c < 0 ? std::string() : unit.values[static_cast<std::size_t>(c)], bin}];
        gap.weight += unit.weight;
        gap.sum += unit.sum;
        gap.expected += unit.weight * unit.probability;
      }
    }
    double best = 0;
    Patch patch;
    for (const auto& [key, gap] : gaps) {
      const double shift = (gap.sum - gap.expected) / gap.weight;
      if (gap.weight < static_cast<double>(params.patch_rows) || std::fabs(shift) <= params.multicalibrate || !(gap.weight * shift * shift > best)) continue;
      best = gap.weight * shift * shift;
      const auto bin = static_cast<double>(std::get<2>(key));
      patch = {std::get<0>(key), std::get<1>(key), bin / static_cast<double>(bins), (bin + 1) / static_cast<double>(bins), shift};
    }
    if (!(best > 0)) break;
    for (Unit& unit : units)
      if (concerns(patch, unit.values, unit.probability)) unit.probability = std::clamp(unit.probability + patch.shift, 0.0, 1.0);
    patches.push_back(std::move(patch));
  }
  return patches;
}

}  // namespace plimsoll::calibrate::binary
