// SPDX-License-Identifier: Apache-2.0
#include "solve/mip.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "engine/workspace.h"

namespace plimsoll::solve {
namespace {

Workspace& workspace() {
  static Workspace one({.backend = Backend::serial});
  return one;
}

MipSolution solved(const MipModel& model, const MipOptions& options = {}) {
  const auto solution = solve_mip(workspace().context(), model, options);
  EXPECT_TRUE(solution.ok()) << solution.error().message();
  return solution.ok() ? *solution : MipSolution{};
}

// Weights and values drawn from a stream; maximise value under a weight limit.
MipModel knapsack(std::int32_t items, std::uint64_t seed, std::int32_t limits = 1) {
  MipModel model;
  model.sense = Sense::maximise;
  Stream stream(seed);
  std::vector<std::int32_t> columns;
  for (std::int32_t i = 0; i < items; ++i) columns.push_back(model.add_binary(std::floor(20 + 80 * stream.uniform())));
  for (std::int32_t row = 0; row < limits; ++row) {
    std::vector<double> weights;
    double sum = 0;
    for (std::int32_t i = 0; i < items; ++i) {
      weights.push_back(std::floor(20 + 80 * stream.uniform()));
      sum += weights.back();
    }
    model.add_row(-infinite, std::floor(sum / 2), columns, weights);
  }
  return model;
}

double best_by_enumeration(const MipModel& model) {
  double best = -1;
  for (std::uint32_t set = 0; set < (1U << model.variables()); ++set) {
    double value = 0;
    bool fits = true;
    for (std::int32_t r = 0; r < model.rows() && fits; ++r) {
      double weight = 0;
      for (std::int32_t j = 0; j < model.variables(); ++j) {
        if ((set >> j & 1U) != 0) weight += model.value[static_cast<std::size_t>(r * model.variables() + j)];
      }
      fits = weight <= model.row_upper[static_cast<std::size_t>(r)];
    }
    for (std::int32_t j = 0; j < model.variables(); ++j) {
      if ((set >> j & 1U) != 0) value += model.cost[static_cast<std::size_t>(j)];
    }
    if (fits) best = std::max(best, value);
  }
  return best;
}

TEST(Mip, KnapsacksAgreeWithEnumeration) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const MipModel model = knapsack(12, seed, 2);
    const MipSolution best = solved(model);
    EXPECT_EQ(best.status, MipStatus::optimal);
    EXPECT_EQ(best.objective, best_by_enumeration(model)) << "seed " << seed;
    EXPECT_NEAR(best.bound, best.objective, 1e-6);
    EXPECT_EQ(best.violation, 0);
  }
}

// Dantzig's diet in small: minimise 2x + 3y with x + y >= 4, x + 3y >= 6: x = 3, y = 1, cost 9.
TEST(Mip, LinearProgramByHand) {
  MipModel model;
  model.offset = 1;
  const std::array<std::int32_t, 2> xy = {model.add_variable(0, infinite, 2), model.add_variable(0, infinite, 3)};
  model.add_row(4, infinite, xy, std::array<double, 2>{1, 1});
  model.add_row(6, infinite, xy, std::array<double, 2>{1, 3});
  const MipSolution best = solved(model);
  EXPECT_EQ(best.status, MipStatus::optimal);
  EXPECT_NEAR(best.objective, 10, 1e-9);
  EXPECT_NEAR(best.bound, 10, 1e-9);
  EXPECT_NEAR(best.x[0], 3, 1e-9);
  EXPECT_NEAR(best.x[1], 1, 1e-9);
}

// Its relaxation is met at x = y = 2.5, the best whole point is x + y = 4.
TEST(Mip, WholeNumbersAreWhole) {
  MipModel model;
  model.sense = Sense::maximise;
  const std::array<std::int32_t, 2> xy = {model.add_variable(0, 9, 1, Kind::whole), model.add_variable(0, 9, 1, Kind::whole)};
  model.add_row(-infinite, 10, xy, std::array<double, 2>{3, 1});
  model.add_row(-infinite, 10, xy, std::array<double, 2>{1, 3});
  const MipSolution best = solved(model);
  EXPECT_EQ(best.objective, 4);
  EXPECT_EQ(best.x[0], std::round(best.x[0]));
}

TEST(Mip, SaysInfeasibleAndUnbounded) {
  MipModel nothing;
  const std::array<std::int32_t, 2> xy = {nothing.add_binary(1), nothing.add_binary(1)};
  nothing.add_row(1.2, 1.8, xy, std::array<double, 2>{1, 1});  // no whole number lies there
  EXPECT_EQ(solved(nothing).status, MipStatus::infeasible);
  EXPECT_FALSE(solved(nothing).found);

  MipModel endless;
  endless.sense = Sense::maximise;
  const std::array<std::int32_t, 2> ab = {endless.add_variable(0, infinite, 1, Kind::whole), endless.add_variable(0, infinite, 1)};
  endless.add_row(-infinite, 3, ab, std::array<double, 2>{1, -1});
  EXPECT_EQ(solved(endless).status, MipStatus::unbounded);

  MipModel both = nothing;  // no costs could save it
  both.sense = Sense::maximise;
  both.add_variable(0, infinite, 1);
  EXPECT_EQ(solved(both).status, MipStatus::infeasible);
}

// A correlated knapsack under many limits: far too hard for one node.
TEST(Mip, ALimitedRunIsNeverCalledOptimal) {
  const MipModel hard = knapsack(60, 5, 10);
  MipOptions options;
  options.max_nodes = 1;
  const MipSolution limited = solved(hard, options);
  EXPECT_EQ(limited.status, MipStatus::feasible);
  EXPECT_TRUE(limited.limited);
  EXPECT_GT(limited.bound, limited.objective);
  EXPECT_GT(limited.gap, 1e-6);
  options.max_nodes = -1;
  options.max_seconds = 1e-9;
  const MipSolution timed = solved(hard, options);
  EXPECT_TRUE(timed.status == MipStatus::feasible || timed.status == MipStatus::stopped);
  EXPECT_TRUE(timed.limited);
  EXPECT_GE(timed.bound, limited.objective);
}

TEST(Mip, AGapThatTheCallerAllowsIsToldAsAGap) {
  const MipModel hard = knapsack(60, 5, 10);
  MipOptions options;
  options.relative_gap = 0.05;
  const MipSolution loose = solved(hard, options);
  EXPECT_TRUE(loose.found);
  EXPECT_FALSE(loose.limited);
  EXPECT_LE(loose.gap, 0.05 + 1e-9);
  EXPECT_EQ(loose.status, loose.gap <= 1e-6 ? MipStatus::optimal : MipStatus::feasible);
}

TEST(Mip, AStartIsTakenAndNeverLost) {
  const MipModel model = knapsack(40, 3, 5);
  const MipSolution best = solved(model);
  ASSERT_EQ(best.status, MipStatus::optimal);
  MipOptions options;
  options.start = best.x;
  options.max_nodes = 1;
  const MipSolution warm = solved(model, options);
  EXPECT_GE(warm.objective, best.objective);
}

TEST(Mip, SameBytesTwice) {
  const MipModel model = knapsack(40, 8, 5);
  const MipSolution one = solved(model);
  const MipSolution two = solved(model);
  EXPECT_EQ(one.x, two.x);
  EXPECT_EQ(one.nodes, two.nodes);
  EXPECT_EQ(one.bound, two.bound);
}

TEST(Mip, StopEndsItFromInside) {
  Workspace own({.backend = Backend::serial});
  Context& context = own.context();
  const MipModel hard = knapsack(60, 5, 10);
  MipOptions options;
  options.on_improvement = [&](double, double) { context.stop.request(); };
  const auto stopped = solve_mip(context, hard, options);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST(Mip, RefusesWhatIsNoProgram) {
  Context& context = workspace().context();
  const auto code = [&](const MipModel& model) { return solve_mip(context, model, {}).error().code; };
  MipModel crossed;
  crossed.add_variable(2, 1, 0);
  EXPECT_EQ(code(crossed), ErrorCode::bad_parameter);
  MipModel nan;
  nan.add_variable(0, 1, std::nan(""));
  EXPECT_EQ(code(nan), ErrorCode::bad_parameter);
  MipModel twice;
  const std::int32_t x = twice.add_variable(0, 1, 1);
  twice.add_row(0, 1, std::array<std::int32_t, 2>{x, x}, std::array<double, 2>{1, 1});
  EXPECT_EQ(code(twice), ErrorCode::bad_parameter);
  MipModel stranger;
  stranger.add_row(0, 1, std::array<std::int32_t, 1>{3}, std::array<double, 1>{1});
  EXPECT_EQ(code(stranger), ErrorCode::bad_parameter);
  MipOptions options;
  options.start = {1};
  EXPECT_EQ(solve_mip(context, knapsack(3, 1), options).error().code, ErrorCode::bad_parameter);
}

TEST(Mip, NamesItsVersion) {
  const auto version = mip_solver_version();
  ASSERT_TRUE(version.ok()) << version.error().message();
  EXPECT_EQ(version->rfind("HiGHS 1.", 0), 0U);
}

}  // namespace
}  // namespace plimsoll::solve
