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

void expect_same(const ClassLoops& plain, const ClassLoops& wide, const Tile& tile, std::size_t classes, std::size_t rows) {
  const auto bits = [](double x) { return std::isnan(x) ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(x); };
  std::vector<WordSpread> spreads;
  for (std::size_t c = 0; c < classes; ++c) spreads.push_back({mixed(c), mixed(c + 99) | 1U});
  std::vector<std::uint64_t> expected(rows, 5), hashes(rows, 5);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t c = 0; c < classes; ++c) expected[i] += spreads[c](word_of(tile.columns[c][i]));
  std::vector<double> sums(class_tile, 7), sums_wide(class_tile, 9);
  const TileCheck a = plain.check(tile.at.data(), classes, rows, sums.data());
  for (const bool hashed : {false, true}) {
    const TileCheck b = hashed ? wide.check_and_hash(tile.at.data(), spreads.data(), classes, rows, sums_wide.data(), hashes.data())
                               : wide.check(tile.at.data(), classes, rows, sums_wide.data());
    EXPECT_EQ(a.ranged, b.ranged);
    EXPECT_EQ(a.exact, b.exact);
    EXPECT_EQ(a.largest, b.largest);
    for (std::size_t i = 0; i < rows; ++i) EXPECT_EQ(bits(sums[i]), bits(sums_wide[i]));
  }
  EXPECT_EQ(hashes, expected);
  std::vector<double> least(classes);
  for (std::size_t c = 0; c < classes; ++c) least[c] = rows > 0 ? tile.columns[c][rows / 2] : 0;
  std::vector<std::uint64_t> masks(rows, 0);
  wide.pass(tile.at.data(), least.data(), classes, rows, masks.data());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t c = 0; c < classes; ++c) EXPECT_EQ((masks[i] >> c & 1U) != 0, tile.columns[c][i] >= least[c]);
}

TEST(ClassLoops, EveryFormGivesTheSameBytes) {
  for (const std::size_t classes : {1U, 2U, 3U, 5U, 10U, 64U})
    for (const std::size_t rows : {0U, 1U, 7U, 8U, 63U, 511U, 512U})
      for (const bool spoiled : {false, true})
        for (const ClassLoops& loops : all_class_loops()) expect_same(all_class_loops().front(), loops, draw(classes, rows, spoiled, 100 * classes + rows), classes, rows);
}

}  // namespace
}  // namespace plimsoll::learn
