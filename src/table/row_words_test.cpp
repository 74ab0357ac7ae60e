// SPDX-License-Identifier: Apache-2.0
#include "table/row_words.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "table/fingerprint.h"
#include "table/sample_tables.h"

namespace plimsoll {
namespace {

TEST(RowWords, EveryFormGivesTheSameBytes) {
  Stream stream(3);
  std::vector<double> values(1003);
  for (double& value : values) value = std::bit_cast<double>(stream.next_u64());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> odd = {0.0, -0.0, nan, -nan, HUGE_VAL, -HUGE_VAL, 5e-324, -5e-324, 1.0};
  for (std::size_t i = 0; i < 500; ++i) values[2 * i] = odd[i % odd.size()];
  for (const std::size_t count : {0U, 1U, 5U, 8U, 64U, 1003U}) {
    const WordSpread spread{stream.next_u64(), stream.next_u64() | 1U};
    std::vector<std::uint64_t> expected(count, 11);
    for (std::size_t i = 0; i < count; ++i) expected[i] += spread(word_of(values[i]));
    for (const WordLoops& loops : all_word_loops()) {
      std::vector<std::uint64_t> sums(count, 11);
      loops.add(spread, values.data(), count, sums.data());
      EXPECT_EQ(sums, expected);
      std::uint64_t least = ~std::uint64_t{0};
      for (const std::uint64_t sum : expected) least = std::min(least, mixed(sum));
      EXPECT_EQ(loops.mix(sums.data(), count), least);
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(sums[i], mixed(expected[i]));
    }
  }
  EXPECT_EQ(word_of(-0.0), word_of(0.0));
  EXPECT_EQ(word_of(-nan), null_word);
}

TEST(RowWords, PiecesOfATableAreItsRows) {
  const Table table = sample_table(5000);
  RowFingerprint whole;
  ASSERT_TRUE(whole.add(table).ok());
  const auto hasher = RowHasher::of(table);
  ASSERT_TRUE(hasher.ok());
  RowFingerprint pieces;
  ASSERT_TRUE(pieces.begin_batch(*hasher).ok());
  for (std::int64_t begin = 0; begin < 5000; begin += 700) pieces.add(*hasher, begin, std::min<std::int64_t>(begin + 700, 5000));
  EXPECT_EQ(pieces, whole);
  std::vector<std::uint64_t> hashes(5000);
  hasher->hash(0, hashes);
  RowFingerprint by_hash;
  ASSERT_TRUE(by_hash.begin_batch(*hasher).ok());
  by_hash.add(hashes);
  EXPECT_EQ(by_hash, whole);
}

}  // namespace
}  // namespace plimsoll
