// SPDX-License-Identifier: Apache-2.0
#include "stats/crps.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "stats/block_bootstrap.h"
#include "stats/distributions.h"
#include "stats/ensemble_field.h"
#include "stats/ensemble_rows.h"

namespace plimsoll::stats {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Drawn {
  std::vector<std::vector<double>> member;
  std::vector<double> observed;
  std::vector<const double*> columns() const {
    std::vector<const double*> all;
    for (const auto& column : member) all.push_back(column.data());
    return all;
  }
  EnsembleView view(const std::vector<const double*>& columns_) const { return {columns_, observed.data()}; }
};

Drawn draw(std::size_t members, std::size_t rows, double offset = 0, double grain = 0) {
  Drawn drawn;
  Stream stream = Stream(11).child(members);
  const auto value = [&] {
    const double x = stream.normal();
    return offset + (grain > 0 ? std::round(x / grain) * grain : x);
  };
  for (std::size_t j = 0; j < members; ++j) {
    drawn.member.emplace_back();
    for (std::size_t i = 0; i < rows; ++i) drawn.member.back().push_back(value());
  }
  for (std::size_t i = 0; i < rows; ++i) drawn.observed.push_back(value());
  return drawn;
}

struct Naive {
  double absolute = 0, half = 0, mean = 0, variance = 0;
  int below = 0, ties = 0;
};

Naive naive(const Drawn& drawn, std::size_t row) {
  Naive out;
  const auto m = static_cast<double>(drawn.member.size());
  const double y = drawn.observed[row];
  for (const auto& x : drawn.member) {
    out.absolute += std::fabs(x[row] - y) / m;
    out.mean += (x[row] - y) / m;
    out.below += x[row] < y ? 1 : 0;
    out.ties += x[row] == y ? 1 : 0;
    for (const auto& z : drawn.member) out.half += std::fabs(x[row] - z[row]) / (2 * m * (m - 1));
  }
  for (const auto& x : drawn.member) out.variance += std::pow(x[row] - y - out.mean, 2) / (m - 1);
  return out;
}

TEST(EnsembleRows, AgreesWithTheDoubleSumAtEveryCount) {
  for (const std::size_t members : {2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 50, 64, 65, 100, 129, 1024, 1025}) {
    const std::size_t rows = members > 200 ? 9 : 75;
    const Drawn drawn = draw(members, rows, 0, members % 2 == 0 ? 0.25 : 0);
    const auto columns = drawn.columns();
    EnsembleRows out(rows);
    ASSERT_EQ(score_ensemble_rows(drawn.view(columns), 0, static_cast<std::int64_t>(rows), MissingMember::propagate, out), -1);
    for (std::size_t i = 0; i < rows; ++i) {
      const Naive truth = naive(drawn, i);
      EXPECT_NEAR(out.absolute_error[i], truth.absolute, 1e-12) << members;
      EXPECT_NEAR(out.half_difference[i], truth.half, 1e-12) << members;
      EXPECT_NEAR(out.error[i], truth.mean, 1e-12);
      EXPECT_NEAR(out.variance[i], truth.variance, 1e-11);
      EXPECT_EQ(out.below[i], truth.below);
      EXPECT_EQ(out.ties[i], truth.ties);
      EXPECT_EQ(out.used[i], static_cast<std::int32_t>(members));
    }
  }
}

TEST(EnsembleRows, IsTheSameHoweverRowsAreCut) {
  const Drawn drawn = draw(50, 301);
  const auto columns = drawn.columns();
  EnsembleRows whole(301), pieces(301);
  score_ensemble_rows(drawn.view(columns), 0, 301, MissingMember::propagate, whole);
  for (std::int64_t at = 0; at < 301; at += 8) score_ensemble_rows(drawn.view(columns), at, std::min<std::int64_t>(301, at + 8), MissingMember::propagate, pieces);
  for (std::size_t i = 0; i < 301; ++i) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(whole.half_difference[i]), std::bit_cast<std::uint64_t>(pieces.half_difference[i]));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(whole.variance[i]), std::bit_cast<std::uint64_t>(pieces.variance[i]));
  }
  // The last rows of a cut are scored one by one: they agree to rounding with those scored side by side.
  EnsembleRows alone(301);
  for (std::int64_t at = 0; at < 301; ++at) score_ensemble_rows(drawn.view(columns), at, at + 1, MissingMember::propagate, alone);
  for (std::size_t i = 0; i < 301; ++i) EXPECT_EQ(whole.half_difference[i], alone.half_difference[i]);
}

TEST(EnsembleRows, AnOffsetCostsNoDigits) {
  const Drawn plain = draw(20, 40, 0, 1.0 / 1024);
  const Drawn moved = draw(20, 40, 1e8, 1.0 / 1024);
  const auto a = plain.columns();
  const auto b = moved.columns();
  EnsembleRows first(40), second(40);
  score_ensemble_rows(plain.view(a), 0, 40, MissingMember::propagate, first);
  score_ensemble_rows(moved.view(b), 0, 40, MissingMember::propagate, second);
  EXPECT_EQ(first.half_difference, second.half_difference);
  EXPECT_EQ(first.absolute_error, second.absolute_error);
}

TEST(EnsembleRows, MissingAndInfiniteValues) {
  Drawn drawn = draw(4, 20);
  drawn.member[2][3] = nan;
  drawn.observed[5] = nan;
  drawn.member[0][7] = drawn.member[1][7] = drawn.member[3][7] = nan;
  const auto columns = drawn.columns();
  EnsembleRows out(20);
  EXPECT_EQ(score_ensemble_rows(drawn.view(columns), 0, 20, MissingMember::propagate, out), -1);
  EXPECT_TRUE(std::isnan(out.absolute_error[3]));
  EXPECT_EQ(out.used[3], 3);
  EXPECT_EQ(out.used[5], 0);
  EXPECT_EQ(score_ensemble_rows(drawn.view(columns), 0, 20, MissingMember::omit, out), -1);
  Drawn three = drawn;
  three.member.erase(three.member.begin() + 2);
  EXPECT_NEAR(out.half_difference[3], naive(three, 3).half, 1e-15);
  EXPECT_TRUE(std::isnan(out.absolute_error[5]));
  EXPECT_EQ(out.used[7], 1);
  EXPECT_TRUE(std::isnan(out.half_difference[7]));
  EXPECT_EQ(out.absolute_error[7], std::fabs(drawn.member[2][7] - drawn.observed[7]));
  drawn.member[1][11] = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(score_ensemble_rows(drawn.view(columns), 0, 20, MissingMember::omit, out), 11);
}

TEST(EnsembleRows, TheScoreAloneIsTheSame) {
  Drawn drawn = draw(50, 9001);
  drawn.member[3][4100] = nan;
  drawn.observed[17] = nan;
  const auto columns = drawn.columns();
  for (const MissingMember missing : {MissingMember::propagate, MissingMember::omit}) {
    EnsembleRows out(9001);
    score_ensemble_rows(drawn.view(columns), 0, 9001, missing, out);
    for (const CrpsKind kind : {CrpsKind::standard, CrpsKind::fair, CrpsKind::almost_fair}) {
      std::vector<double> scores(9001);
      EXPECT_EQ(ensemble_crps(drawn.view(columns), kind, 0.95, missing, scores), -1);
      for (std::size_t i = 0; i < scores.size(); ++i) {
        const double truth = crps_of(kind, out.absolute_error[i], out.half_difference[i], out.used[i], 0.95);
        EXPECT_TRUE(scores[i] == truth || (std::isnan(scores[i]) && std::isnan(truth))) << i;
      }
    }
  }
  drawn.member[0][8500] = std::numeric_limits<double>::infinity();
  std::vector<double> scores(9001);
  EXPECT_EQ(ensemble_crps(drawn.view(columns), CrpsKind::fair, 0.95, MissingMember::omit, scores), 8500);
}

TEST(Crps, KindsOfOneFamily) {
  EXPECT_EQ(crps_of(CrpsKind::fair, 2, 1, 4, 0.95), 1);
  EXPECT_EQ(crps_of(CrpsKind::standard, 2, 1, 4, 0.95), 1.25);
  EXPECT_NEAR(crps_of(CrpsKind::almost_fair, 2, 1, 4, 0.95), 0.95 * 1 + 0.05 * 1.25, 1e-15);
  EXPECT_EQ(crps_of(CrpsKind::standard, 2, nan, 1, 0.95), 2);
  EXPECT_TRUE(std::isnan(crps_of(CrpsKind::fair, 2, nan, 1, 0.95)));
}

TEST(Crps, WeightedMembers) {
  const std::vector<double> x = {3, 1, 2, 2}, equal = {1, 1, 1, 1}, merged = {1, 1, 2};
  const double plain = weighted_crps(x, equal, 1.5).value();
  double truth = 0;
  for (const double a : x) {
    truth += std::fabs(a - 1.5) / 4;
    for (const double b : x) truth -= std::fabs(a - b) / 32;
  }
  EXPECT_NEAR(plain, truth, 1e-15);
  EXPECT_NEAR(weighted_crps(std::vector<double>{3, 1, 2}, merged, 1.5).value(), plain, 1e-15);  // a tie is one member of double weight
  EXPECT_EQ(weighted_crps(x, std::vector<double>{1, -1, 1, 1}, 0).error().code, ErrorCode::bad_value);
  EXPECT_EQ(weighted_crps(x, std::vector<double>{0, 0, 0, 0}, 0).error().code, ErrorCode::bad_value);
}

TEST(Crps, NormalLawAgreesWithTheIntegral) {
  const double mean = 1.5, sd = 0.7, y = 2.1;
  double integral = 0;
  const double step = 1e-3;
  for (double t = -8; t < 11; t += step) {
    const double gap = normal_cdf((t + step / 2 - mean) / sd) - (y <= t + step / 2 ? 1 : 0);
    integral += step * gap * gap;
  }
  EXPECT_NEAR(normal_crps(mean, sd, y), integral, 1e-3);
  EXPECT_EQ(normal_crps(1, 0, 3), 2);
}

TEST(Crps, QuantilesIntervalsAndExceedance) {
  EXPECT_EQ(quantile_score(3, 0.25, 1), 2 * 0.75 * 2);
  EXPECT_EQ(quantile_score(1, 0.25, 3), 2 * 0.25 * 2);
  EXPECT_EQ(interval_score(1, 3, 0.5, 4), 2 + 4);
  EXPECT_EQ(exceedance_brier(1, 2, true), 0.25);
  EXPECT_EQ(fair_exceedance_brier(1, 2, true), 0.0);
  EXPECT_TRUE(std::isnan(fair_exceedance_brier(1, 1, true)));
  EXPECT_EQ(error_spread(2, 1, 0.5), (1.0 - 4 - 1) * (1.0 - 4 - 1));
}

TEST(Crps, ClimatologyLeavesEachRowOut) {
  const std::vector<double> y = {3, 1, 1, 7, 2.5};
  std::vector<double> fair(y.size());
  const Climatology scores = climatology_scores(y, {}, fair);
  double standard = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    double to = 0, among = 0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      if (j == i) continue;
      to += std::fabs(y[j] - y[i]) / 4;
      for (std::size_t k = 0; k < j; ++k)
        if (k != i) among += std::fabs(y[j] - y[k]);
    }
    EXPECT_NEAR(fair[i], to - among / 12, 1e-14);
    standard += (to - among / 16) / 5;
  }
  EXPECT_NEAR(scores.standard, standard, 1e-14);
}

TEST(EnsembleField, OnePointIsTheCrpsAndPairsAgreeByHand) {
  const StopToken stop;
  const Field point{{{1}, {4}, {2}}, {3}, {}};
  const EnergyParts parts = energy_parts(point, stop).value();
  EXPECT_DOUBLE_EQ(parts.absolute_error, (2 + 1 + 1) / 3.0);
  EXPECT_DOUBLE_EQ(parts.half_difference, (3 + 1 + 2) / 6.0);
  const Field pair{{{0, 0}, {3, 4}}, {0, 0}, {}};
  EXPECT_DOUBLE_EQ(energy_parts(pair, stop).value().absolute_error, 2.5);
  EXPECT_DOUBLE_EQ(energy_parts(pair, stop).value().half_difference, 2.5);
  EXPECT_DOUBLE_EQ(variogram_score(pair, 1, stop).value(), 0.25);  // one pair: (0 - (0 + 1) / 2)^2
  const Field weighted{{{0, 0}, {3, 4}}, {0, 0}, {1, 0}};
  EXPECT_DOUBLE_EQ(energy_parts(weighted, stop).value().absolute_error, 1.5);
  EXPECT_NEAR(kernel_parts(pair, 5, stop).value().among, std::exp(-0.5), 1e-15);
  stop.request();
  EXPECT_EQ(energy_parts(pair, stop).error().code, ErrorCode::cancelled);
}

TEST(BlockBootstrap, WholeCircleAndGathering) {
  // A block as long as the units is the whole circle: every replicate has the totals themselves.
  const UnitSums units{2, {1, 10, 2, 20, 3, 30}};
  const auto runtime = make_runtime(Backend::serial, 1);
  const Bootstrap circle = block_bootstrap(units, 3, {*runtime, StopToken(), Stream(1), 50}).value();
  for (std::size_t r = 0; r < 50; ++r) EXPECT_DOUBLE_EQ(circle.replicates[2 * r + 1], 60);
  const Estimate ratio = bootstrap_estimate(circle, 0.9, [](std::span<const double> t) { return t[0] / t[1]; });
  EXPECT_DOUBLE_EQ(ratio.interval.lo, 0.1);
  EXPECT_DOUBLE_EQ(ratio.value, 0.1);
  std::int64_t block = 5;
  const UnitSums half = gathered(units, 2, block);
  EXPECT_EQ(half.units(), 2u);
  EXPECT_EQ(half.sums, (std::vector<double>{3, 30, 3, 30}));
  EXPECT_EQ(block, 3);
  EXPECT_EQ(automatic_block(27), 3);
  EXPECT_EQ(automatic_block(28), 4);
  const Bootstrap single = block_bootstrap({1, {4}}, 1, {*runtime, StopToken(), Stream(1), 50}).value();
  EXPECT_TRUE(std::isinf(bootstrap_estimate(single, 0.9, [](std::span<const double> t) { return t[0]; }).interval.lo));
}

// Independent units: the standard error is that of a mean. 20,000 replicates fix it to 0.5 %; 8 % is more than 15 of these errors.
TEST(BlockBootstrap, StandardErrorOfAMean) {
  UnitSums units{2, {}};
  Stream stream(3);
  double sum = 0;
  double squares = 0;
  constexpr int n = 400;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal();
    sum += x;
    squares += x * x;
    units.sums.insert(units.sums.end(), {x, 1});
  }
  const auto runtime = make_runtime(Backend::serial, 1);
  const Bootstrap drawn = block_bootstrap(units, 1, {*runtime, StopToken(), Stream(4), 20000}).value();
  const Estimate mean = bootstrap_estimate(drawn, 0.95, [](std::span<const double> t) { return t[0] / t[1]; });
  const double truth = std::sqrt((squares / n - sum / n * sum / n) / n);
  EXPECT_NEAR(mean.standard_error / truth, 1, 0.08);
  EXPECT_NEAR((mean.interval.hi - mean.interval.lo) / (2 * 1.96 * truth), 1, 0.08);
}

}  // namespace
}  // namespace plimsoll::stats
