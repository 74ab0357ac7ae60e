// SPDX-License-Identifier: Apache-2.0
#include "learn/class_scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace plimsoll::learn {
namespace {

constexpr std::array<ClassScore, 7> all_scores = {ClassScore::lac,    ClassScore::aps,   ClassScore::raps,   ClassScore::saps,
                                                  ClassScore::margin, ClassScore::top_k, ClassScore::neg_log};

struct Rows {
  std::vector<std::vector<double>> columns;
  std::vector<std::int32_t> labels;
  std::vector<double> uniforms;
  std::vector<std::span<const double>> spans() const { return {columns.begin(), columns.end()}; }
};

// Probabilities with many ties (multiples of 1/20) in half of the rows, and zeros among them.
Rows draw(std::size_t rows, std::size_t classes, std::uint64_t seed) {
  Rows data;
  Stream stream(seed);
  data.columns.assign(classes, std::vector<double>(rows));
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<double> e(classes);
    double sum = 0;
    for (double& one : e) {
      one = stream.exponential();
      if (i % 2 == 1) one = std::floor(one * 3);
      sum += one;
    }
    if (!(sum > 0)) e[0] = sum = 1;
    for (std::size_t c = 0; c < classes; ++c) data.columns[c][i] = e[c] / sum;
    data.labels.push_back(static_cast<std::int32_t>(stream.below(classes)));
    data.uniforms.push_back(stream.uniform());
  }
  return data;
}

// The definitions, as slowly as they read.
double plain_score(const ClassScoreOptions& options, const std::vector<double>& p, std::size_t y, double u) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  const auto rank = static_cast<double>(std::find(order.begin(), order.end(), y) - order.begin() + 1);
  double cumulative = 0;
  for (const std::size_t c : order) {
    cumulative += p[c];
    if (c == y) break;
  }
  double others = 0;
  for (std::size_t c = 0; c < p.size(); ++c) {
    if (c != y) others = std::max(others, p[c]);
  }
  if (!options.needs_uniforms()) u = options.score == ClassScore::saps ? 1 : 0;
  switch (options.score) {
    case ClassScore::lac: return 1 - p[y];
    case ClassScore::aps: return cumulative - u * p[y];
    case ClassScore::raps:
      return cumulative - u * p[y] + options.penalty * std::max(0.0, rank - static_cast<double>(options.penalty_free));
    case ClassScore::saps: return rank == 1 ? u * p[order[0]] : p[order[0]] + (rank - 2 + u) * options.penalty;
    case ClassScore::margin: return others - p[y];
    case ClassScore::top_k: return rank;
    default: return -std::log(p[y]);
  }
}

std::vector<double> row_of(const Rows& data, std::size_t i) {
  std::vector<double> p;
  for (const auto& column : data.columns) p.push_back(column[i]);
  return p;
}

TEST(ClassScores, EqualTheirDefinitionsForEveryLabel) {
  for (const std::size_t classes : {1U, 2U, 3U, 10U, 33U, 70U}) {
    const Rows data = draw(120, classes, classes);
    for (const ClassScore score : all_scores) {
      for (const bool randomized : {false, true}) {
        ClassScoreOptions options;
        options.score = score;
        options.randomized = randomized;
        options.penalty = 0.05;
        options.penalty_free = 2;
        const auto u = options.needs_uniforms() ? std::span<const double>(data.uniforms) : std::span<const double>();
        std::vector<double> all(120 * classes);
        score_all(options, data.spans(), u, all);
        std::vector<double> own(120);
        score_labels(options, data.spans(), data.labels, u, own);
        for (std::size_t i = 0; i < 120; ++i) {
          const auto p = row_of(data, i);
          for (std::size_t c = 0; c < classes; ++c) {
            const double expected = plain_score(options, p, c, data.uniforms[i]);
            if (std::isinf(expected)) {
              EXPECT_EQ(all[i * classes + c], expected);
            } else {
              EXPECT_NEAR(all[i * classes + c], expected, 1e-13);
            }
          }
          EXPECT_EQ(own[i], all[i * classes + static_cast<std::size_t>(data.labels[i])]);  // to the last bit
        }
      }
    }
  }
}

// For every score, threshold and way to ask, the set is exactly {y : score(y) <= t}.
void expect_sets(const ClassScoreOptions& options, const Rows& data, const Thresholds& thresholds) {
  const std::size_t rows = data.labels.size();
  const std::size_t classes = data.columns.size();
  const auto u = options.needs_uniforms() ? std::span<const double>(data.uniforms) : std::span<const double>();
  std::vector<double> all(rows * classes);
  score_all(options, data.spans(), u, all);
  std::vector<std::int32_t> offsets = {0};
  std::vector<std::int32_t> codes;
  ASSERT_TRUE(append_sets_at(options, data.spans(), thresholds, u, false, offsets, codes).ok());
  std::vector<std::uint64_t> masks(rows, 12345);
  if (classes <= 64) masks_at(options, data.spans(), thresholds, u, masks);
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<std::int32_t> expected;
    std::uint64_t mask = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const std::int32_t group = thresholds.groups.empty() ? 0 : thresholds.groups[i];
      const auto at = static_cast<std::size_t>(std::max(group, 0)) * (thresholds.by_class ? classes : 1) + (thresholds.by_class ? c : 0);
      if (group >= 0 && !(all[i * classes + c] <= thresholds.values[at])) continue;
      expected.push_back(static_cast<std::int32_t>(c));
      if (classes <= 64) mask |= std::uint64_t{1} << c;
    }
    const std::vector<std::int32_t> got(codes.begin() + offsets[i], codes.begin() + offsets[i + 1]);
    EXPECT_EQ(got, expected);
    if (classes <= 64) {
      EXPECT_EQ(masks[i], mask);
    }
  }
}

TEST(ClassSets, AreExactlyTheLabelsUnderTheThreshold) {
  for (const std::size_t classes : {1U, 2U, 5U, 10U, 64U, 90U}) {
    const Rows data = draw(203, classes, 100 + classes);
    std::vector<std::int32_t> groups;
    for (std::size_t i = 0; i < 203; ++i) groups.push_back(static_cast<std::int32_t>(i % 4) - 1);
    for (const ClassScore score : all_scores) {
      ClassScoreOptions options;
      options.score = score;
      options.randomized = classes % 2 == 0;
      const auto u = options.needs_uniforms() ? std::span<const double>(data.uniforms) : std::span<const double>();
      std::vector<double> own(203);
      score_labels(options, data.spans(), data.labels, u, own);
      std::sort(own.begin(), own.end());
      constexpr double infinite = std::numeric_limits<double>::infinity();
      // Thresholds that are scores themselves: every comparison that can be an equality is one.
      for (const double t : {own[20], own[100], own[190], infinite, -infinite, 0.0, 1.0}) {
        expect_sets(options, data, {std::span<const double>(&t, 1), false, {}});
      }
      std::vector<double> by_class;
      for (std::size_t k = 0; k < 3 * classes; ++k) by_class.push_back(own[(k * 37) % 203]);
      expect_sets(options, data, {by_class, true, {}});
      expect_sets(options, data, {by_class, true, groups});
      expect_sets(options, data, {std::span<const double>(by_class).first(3 <= by_class.size() ? 3 : by_class.size()), false, groups});
    }
  }
}

TEST(ClassSets, OffsetsCodesAndEmptySets) {
  const Rows data = draw(50, 4, 5);
  std::vector<std::uint64_t> masks(50);
  ClassScoreOptions options;
  const double t = 0.3;
  masks_at(options, data.spans(), {std::span<const double>(&t, 1), false, {}}, {}, masks);
  const auto empty = std::count(masks.begin(), masks.end(), std::uint64_t{0});
  ASSERT_GT(empty, 0);
  EXPECT_EQ(fill_empty(data.spans(), masks), empty);
  std::vector<std::int32_t> offsets = {0};
  std::vector<std::uint8_t> codes;
  ASSERT_TRUE(append_sets(std::span(masks).first(20), offsets, codes).ok());
  ASSERT_TRUE(append_sets(std::span(masks).subspan(20), offsets, codes).ok());
  std::vector<std::int32_t> wide_offsets = {0};
  std::vector<std::int32_t> wide_codes;
  const auto filled = append_sets_at(options, data.spans(), {std::span<const double>(&t, 1), false, {}}, {}, true, wide_offsets, wide_codes);
  ASSERT_TRUE(filled.ok());
  EXPECT_EQ(*filled, empty);
  EXPECT_EQ(offsets, wide_offsets);
  EXPECT_EQ(std::vector<std::int32_t>(codes.begin(), codes.end()), wide_codes);
  std::vector<std::int32_t> best(50);
  most_probable(data.spans(), best);
  for (std::size_t i = 0; i < 50; ++i) EXPECT_TRUE(masks[i] >> static_cast<unsigned>(best[i]) & 1U);
}

TEST(ClassScores, UniformsBelongToTheRow) {
  const Stream stream(3);
  std::vector<double> whole(100);
  row_uniforms(stream, 1000, whole);
  std::vector<double> part(30);
  row_uniforms(stream, 1040, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 40));
}

TEST(ProbabilityCheck, FindsTheFirstBadRow) {
  constexpr std::array<std::string_view, 2> names = {"p_a", "p_b"};
  std::vector<double> a(2000, 0.25);
  std::vector<double> b(2000, 0.75);
  const auto checked = [&](std::size_t from, std::size_t count) {
    const std::array<std::span<const double>, 2> columns = {std::span<const double>(a).subspan(from, count),
                                                            std::span<const double>(b).subspan(from, count)};
    ProbabilityCheck check;
    check.add(columns, static_cast<std::int64_t>(from));
    return check;
  };
  EXPECT_TRUE(checked(0, 2000).result(names).ok());
  a[700] = 0.2501;  // off by 1e-4: counted
  a[701] = 0.25 + 1e-8;
  ProbabilityCheck check = checked(0, 2000);
  EXPECT_TRUE(check.result(names).ok());
  EXPECT_EQ(check.off, 1);
  EXPECT_NEAR(check.worst, 1e-4, 1e-12);
  for (const double bad : {std::nan(""), -0.1, 1.2, HUGE_VAL}) {
    b[1503] = bad;
    a[1500] = 0.5;
    const auto whole = checked(0, 2000).result(names);
    ASSERT_FALSE(whole.ok());
    EXPECT_EQ(whole.error().row, 1500);
    EXPECT_EQ(whole.error().code, ErrorCode::bad_value);
    a[1500] = 0.25;
    ProbabilityCheck merged = checked(1001, 999);
    merged.merge(checked(0, 1001));
    const auto cut = merged.result(names);
    ASSERT_FALSE(cut.ok());
    EXPECT_EQ(cut.error().row, 1503);
    EXPECT_EQ(cut.error().column, "p_b");
    EXPECT_EQ(merged.off, 1);
  }
}

}  // namespace
}  // namespace plimsoll::learn
