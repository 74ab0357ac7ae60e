// SPDX-License-Identifier: Apache-2.0
#include "learn/class_tiles.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"

namespace plimsoll::learn {
namespace {

struct Tile {
  std::vector<std::vector<double>> columns;
  std::vector<const double*> at;
};

// Probabilities, of which some are off, out of range or no numbers if `spoiled`.
Tile draw(std::size_t classes, std::size_t rows, bool spoiled, std::uint64_t seed) {
  Tile tile;
  Stream stream(seed);
  tile.columns.assign(classes, std::vector<double>(rows));
  for (std::size_t i = 0; i < rows; ++i) {
    double left = 1;
    for (std::size_t c = 0; c + 1 < classes; ++c) {
      tile.columns[c][i] = left * stream.uniform();
      left -= tile.columns[c][i];
    }
    tile.columns[classes - 1][i] = left;
    if (!spoiled || !stream.bernoulli(0.01)) continue;
    constexpr std::array<double, 6> worse = {-0.0, 1e-7, -2e-9, 1 + 2e-9, HUGE_VAL, std::numeric_limits<double>::quiet_NaN()};
    tile.columns[stream.below(classes)][i] = worse[stream.below(worse.size())];
  }
  for (const auto& column : tile.columns) tile.at.push_back(column.data());
  return tile;
}

TEST(ClassLoops, WideAndPlainGiveTheSameBytes) {
  const ClassLoops& plain = plain_class_loops();
  const ClassLoops* wide = wide_class_loops();
  if (wide == nullptr) GTEST_SKIP() << "this processor has no wider vectors";
  EXPECT_EQ(&class_loops(), wide);
  for (const std::size_t classes : {1U, 2U, 3U, 5U, 10U, 64U}) {
    for (const std::size_t rows : {0U, 1U, 7U, 8U, 63U, 511U, 512U}) {
      for (const bool spoiled : {false, true}) {
        const Tile tile = draw(classes, rows, spoiled, 100 * classes + rows);
        std::vector<double> sums(class_tile, 7);
        std::vector<double> sums_wide(class_tile, 9);
        const TileCheck a = plain.check(tile.at.data(), classes, rows, sums.data());
        const TileCheck b = wide->check(tile.at.data(), classes, rows, sums_wide.data());
        EXPECT_EQ(a.ranged, b.ranged);
        EXPECT_EQ(a.exact, b.exact);
        EXPECT_EQ(a.largest, b.largest);
        for (std::size_t i = 0; i < rows; ++i) EXPECT_EQ(std::bit_cast<std::uint64_t>(sums[i]) << 1U, std::bit_cast<std::uint64_t>(sums_wide[i]) << 1U);
        std::vector<double> least(classes);
        for (std::size_t c = 0; c < classes; ++c) least[c] = rows > 0 ? tile.columns[c][rows / 2] : 0;
        std::vector<std::uint64_t> masks(rows, 0);
        std::vector<std::uint64_t> masks_wide(rows, 0);
        plain.pass(tile.at.data(), least.data(), classes, rows, masks.data());
        wide->pass(tile.at.data(), least.data(), classes, rows, masks_wide.data());
        EXPECT_EQ(masks, masks_wide);
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t c = 0; c < classes; ++c) EXPECT_EQ((masks[i] >> c & 1U) != 0, tile.columns[c][i] >= least[c]);
      }
    }
  }
}

}  // namespace
}  // namespace plimsoll::learn
