// SPDX-License-Identifier: Apache-2.0
#include "table/fingerprint.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/philox.h"
#include "table/sample_tables.h"
#include "table/split.h"

namespace plimsoll {
namespace {

RowFingerprint print_of(const Table& table) {
  RowFingerprint print;
  auto added = print.add(table);
  EXPECT_TRUE(added.ok()) << (added.ok() ? "" : added.error().message());
  return print;
}

Table numbers(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = from; i < to; ++i) values.push_back(i);
  return *TableBuilder().integer("v", values).build();
}

// A table whose rows repeat as in life: a product of few categories, the common ones far commoner.
Table repeating(std::int64_t n, int levels, std::uint64_t seed) {
  Stream draws(seed);
  std::vector<std::int64_t> a, b, c;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto skewed = [&] { return static_cast<std::int64_t>(std::floor(static_cast<double>(levels) * std::pow(draws.uniform(), 3.0))); };
    a.push_back(skewed());
    b.push_back(skewed());
    c.push_back(skewed());
  }
  return *TableBuilder().integer("a", a).integer("b", b).integer("c", c).build();
}

Overlap halves(const Table& table, double share, std::uint64_t seed) {
  const auto parts = *split_rows(table.rows(), std::vector<double>{share, 1 - share}, Stream(seed));
  return compare(print_of(table.take(parts[0])), print_of(table.take(parts[1])));
}

TEST(Fingerprint, IsAFunctionOfTheRows) {
  const Table table = sample_table(20000);
  const RowFingerprint whole = print_of(table);
  EXPECT_EQ(whole.rows(), 20000);
  EXPECT_FALSE(whole.exact());
  EXPECT_EQ(whole.counts().size(), RowFingerprint::most);
  // Shuffled, in batches, merged in another order, with columns in another order.
  const auto parts = *split_rows(20000, std::vector<double>{0.3, 0.3, 0.4}, Stream(5));
  RowFingerprint merged;
  for (const std::size_t k : {2U, 0U, 1U}) merged.merge(print_of(table.take(parts[k])));
  EXPECT_EQ(merged, whole);
  const Table turned = *table.select({"set", "class", "word", "flag", "k", "y", "x"});
  EXPECT_EQ(print_of(turned), whole);
  RowFingerprint batched;
  auto stream = stream_of(table, 333);
  while (true) {
    auto batch = stream->next();
    if (!batch->has_value()) break;
    ASSERT_TRUE(batched.add(**batch).ok());
  }
  EXPECT_EQ(batched, whole);
}

TEST(Fingerprint, DoesNotDependOnStorage) {
  const Folder folder;
  const Table table = sample_table(500).without({"set"});
  const RowFingerprint before = print_of(table);
  for (const std::string suffix : {"parquet", "arrow", "csv", "jsonl"}) {
    ASSERT_TRUE(write_table(table, folder / ("f." + suffix)).ok());
    EXPECT_EQ(print_of(*read_table(folder / ("f." + suffix))), before) << suffix;
  }
  EXPECT_EQ(print_of(*TableBuilder().real("v", {1, 2}).build()), print_of(*TableBuilder().integer("v", {2, 1}).build()));
}

TEST(Fingerprint, TellsRowsApart) {
  // A value that moves to another column, or a close large number, is another row.
  EXPECT_NE(print_of(*TableBuilder().integer("a", {1}).integer("b", {2}).build()), print_of(*TableBuilder().integer("a", {2}).integer("b", {1}).build()));
  const std::int64_t big = std::int64_t{1} << 60;
  EXPECT_NE(print_of(*TableBuilder().integer("a", {big}).build()), print_of(*TableBuilder().integer("a", {big + 1}).build()));
  EXPECT_EQ(print_of(numbers(0, 4000)).counts().size(), 4000U);
}

TEST(Fingerprint, BytesThereAndBack) {
  for (const Table& table : {sample_table(0), sample_table(10), sample_table(9000), numbers(0, 100).with_roles({{"id", {"v"}}})}) {
    const RowFingerprint print = print_of(table);
    const std::string bytes = print.to_bytes();
    auto back = RowFingerprint::from_bytes(bytes);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, print);
    for (std::size_t size = 0; size < bytes.size(); size += 13) EXPECT_FALSE(RowFingerprint::from_bytes(bytes.substr(0, size)).ok());
  }
  std::string bytes = print_of(numbers(0, 10)).to_bytes();
  bytes[8 * 5] = static_cast<char>(0xff);
  EXPECT_EQ(RowFingerprint::from_bytes(bytes).error().code, ErrorCode::corrupt_file);
}

TEST(Overlap, AnySharedIdIsRefused) {
  const Roles id = {{"id", {"v"}}};
  const RowFingerprint first = print_of(numbers(0, 1000).with_roles(id));
  EXPECT_FALSE(compare(first, print_of(numbers(1000, 1500).with_roles(id))).refused);
  const Overlap one = compare(first, print_of(numbers(999, 1500).with_roles(id)));
  EXPECT_TRUE(one.refused);
  EXPECT_TRUE(one.exact);
  EXPECT_NEAR(one.share_of_first, 0.001, 1e-12);
  EXPECT_FALSE(compare(first, print_of(numbers(0, 1000))).refused);
  // Beyond the sketch: a shared tenth of 100,000 ids goes unseen with chance 0.9^(about 4,000).
  const Overlap large = compare(print_of(numbers(0, 100000).with_roles(id)), print_of(numbers(90000, 190000).with_roles(id)));
  EXPECT_TRUE(large.refused);
  EXPECT_FALSE(large.exact);
  EXPECT_NEAR(large.share_of_first, 0.1, 0.03);
}

TEST(Overlap, CopiesAndSupersetsAreRefused) {
  for (const std::int64_t n : {30, 1000, 50000}) {
    const RowFingerprint print = print_of(numbers(0, n));
    EXPECT_TRUE(compare(print, print).refused) << n;
    EXPECT_TRUE(compare(print, print_of(numbers(0, 3 * n))).refused) << n;
    EXPECT_TRUE(compare(print_of(numbers(-n, 2 * n)), print).refused) << n;
    EXPECT_FALSE(compare(print, print_of(numbers(n, 2 * n))).refused) << n;
    EXPECT_FALSE(compare(print, print_of(numbers(n / 2, 2 * n))).refused) << n;
  }
  for (const int levels : {20, 60}) {
    const Table table = repeating(5000, levels, 11);
    const auto parts = *split_rows(5000, std::vector<double>{0.5, 0.5}, Stream(2));
    const RowFingerprint half = print_of(table.take(parts[0]));
    EXPECT_TRUE(compare(half, half).refused) << levels;
    EXPECT_TRUE(compare(half, print_of(table)).refused) << levels;
    EXPECT_TRUE(compare(print_of(table), half).refused) << levels;
  }
}

// Honest cuts of tables that repeat rows, from hardly to nearly always. Each is refused with chance at most 1e-6 by Chernoff's
// bound; 270 of them with at most 3e-4, but far less in truth, since most have shares below 0.99.
TEST(Overlap, HonestCutsAreNotRefused) {
  for (const int levels : {1, 2, 4, 8, 16, 40}) {
    for (std::uint64_t seed = 0; seed < 15; ++seed) {
      const Table table = repeating(3000, levels, seed);
      for (const double share : {0.5, 0.2, 0.03}) {
        const Overlap overlap = halves(table, share, 100 + seed);
        EXPECT_FALSE(overlap.refused) << levels << " " << seed << " " << share << ": " << overlap.sentence;
      }
    }
  }
}

TEST(Overlap, PublicTables) {
  const auto data = shared_data();
  if (data.empty()) GTEST_SKIP() << "the public data is not here: set PLIMSOLL_SHARED";
  for (const std::string name : {"adult", "compas_arrest", "compas_violent", "mammo", "breastcancer"}) {
    auto read = read_table(data / "predictive-multiplicity" / (name + ".csv"));
    ASSERT_TRUE(read.ok()) << read.error().message();
    const Table& table = *read;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      for (const double share : {0.5, 0.3, 0.1}) {
        const Overlap overlap = halves(table, share, seed);
        EXPECT_FALSE(overlap.refused) << name << " " << overlap.sentence;
        EXPECT_GT(overlap.share_of_first, 0.2) << name;
      }
      const auto parts = *split_rows(table.rows(), std::vector<double>{0.5, 0.5}, Stream(seed));
      const RowFingerprint half = print_of(table.take(parts[0]));
      EXPECT_TRUE(compare(half, half).refused) << name << " " << compare(half, half).sentence;
      // Half of mammo has about 40 rows that do not repeat: too few to tell a superset at 1e-6.
      if (name == "mammo") continue;
      EXPECT_TRUE(compare(half, print_of(table)).refused) << name;
      EXPECT_TRUE(compare(print_of(table), half).refused) << name;
    }
  }
}

TEST(Overlap, SaysWhatItSaw) {
  const RowFingerprint none = print_of(numbers(0, 0));
  EXPECT_FALSE(compare(none, print_of(numbers(0, 5))).refused);
  const Overlap sketch = compare(print_of(numbers(0, 50000)), print_of(numbers(50000, 90000)));
  EXPECT_FALSE(sketch.exact);
  EXPECT_NEAR(sketch.unseen_chance, std::pow(0.99, 4096), 1e-30);
  EXPECT_NE(sketch.sentence.find("No row"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll
