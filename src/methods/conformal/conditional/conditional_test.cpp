// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/conditional/conditional.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/subject.h"
#include "engine/workspace.h"
#include "learn/known_truth.h"
#include "solve/mip.h"
#include "stats/basis_quantile.h"
#include "stats/order_statistics.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::conditional {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const SpoiledForm spoiled_level{"conformal.conditional", "answers of another level", [](Subject& subject) {
                                  subject.spoil_model([](void* object) { static_cast<Model*>(object)->params.alpha = {0.2}; });
                                }};

TEST(BasisQuantile, AConstantIsTheRankOfSplit) {
  for (int n = 1; n < 120; ++n)
    for (const double alpha : {0.1, 0.25, 1.0 / 3}) {
      Stream stream(static_cast<std::uint64_t>(n));
      std::vector<double> scores;
      for (int i = 0; i < n; ++i) scores.push_back(stream.normal());
      const std::vector<double> ones(scores.size(), 1.0);
      const double one = 1;
      const double found = stats::BasisQuantile::fit(scores, ones, 1, alpha).value().threshold({&one, 1}, 1 - alpha);
      const auto expected = stats::conformal_quantile(scores, alpha).value();
      EXPECT_EQ(found, expected.value) << n << " " << alpha;
    }
}

// min sum tau u + alpha v - t phi'b over u, v >= 0 with S = Phi b + u - v: the same program for a general solver.
double by_solver(Context& context, const std::vector<double>& scores, const std::vector<double>& basis, std::size_t width, const std::vector<double>& phi, double t, double alpha) {
  solve::MipModel model;
  std::vector<std::int32_t> b;
  for (std::size_t j = 0; j < width; ++j) b.push_back(model.add_variable(-solve::infinite, solve::infinite, -t * phi[j]));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    std::vector<std::int32_t> columns = b;
    std::vector<double> values(basis.begin() + static_cast<std::ptrdiff_t>(i * width), basis.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
    columns.push_back(model.add_variable(0, solve::infinite, 1 - alpha));
    values.push_back(1);
    columns.push_back(model.add_variable(0, solve::infinite, alpha));
    values.push_back(-1);
    model.add_row(scores[i], scores[i], columns, values);
  }
  const auto solution = solve::solve_mip(context, model, {});
  if (!solution.ok()) return std::nan("");
  if (solution.value().status == solve::MipStatus::unbounded) return t > 0 ? infinity : -infinity;
  double sum = 0;
  for (std::size_t j = 0; j < width; ++j) sum += phi[j] * solution.value().x[j];
  return sum;
}

TEST(BasisQuantile, AgreesWithAGeneralSolver) {
  if (!solve::mip_solver_version().ok()) GTEST_SKIP() << "the solver's library is not there";
  Workspace workspace;
  Stream stream(17);
  int infinite = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const std::size_t n = 15 + static_cast<std::size_t>(stream.below(60));
    const std::size_t width = 1 + static_cast<std::size_t>(stream.below(4));
    const auto row = [&] {
      std::vector<double> phi = {1.0};
      for (std::size_t j = 1; j < width; ++j) phi.push_back(j == 1 ? static_cast<double>(stream.below(2)) : stream.normal());
      return phi;
    };
    std::vector<double> scores, basis;
    for (std::size_t i = 0; i < n; ++i) {
      const auto phi = row();
      basis.insert(basis.end(), phi.begin(), phi.end());
      scores.push_back(std::fabs(stream.normal()));
    }
    const auto quantile = stats::BasisQuantile::fit(scores, basis, width, 0.1).value();
    for (const double t : {0.9, 0.37, -0.06}) {
      const auto phi = row();
      const double expected = by_solver(workspace.context(), scores, basis, width, phi, t, 0.1);
      const double found = quantile.threshold(phi, t);
      if (std::isinf(expected)) {
        EXPECT_EQ(found, expected) << trial << " " << t;
        ++infinite;
      } else {
        EXPECT_NEAR(found, expected, 1e-6) << trial << " " << t;
      }
    }
  }
  EXPECT_GT(infinite, 0);
}

// By definition: the new point joins with score S, its dual variable tells whether S is in.
TEST(BasisQuantile, IsTheEndOfTheSetByDefinition) {
  if (!solve::mip_solver_version().ok()) GTEST_SKIP() << "the solver's library is not there";
  Workspace workspace;
  Stream stream(23);
  const std::size_t n = 40;
  std::vector<double> scores, basis;
  for (std::size_t i = 0; i < n; ++i) {
    basis.push_back(1);
    basis.push_back(stream.normal());
    scores.push_back(std::fabs(stream.normal()));
  }
  const auto quantile = stats::BasisQuantile::fit(scores, basis, 2, 0.1).value();
  for (const double x : {-1.0, 0.3, 1.7}) {
    const std::vector<double> phi = {1, x};
    const double end = quantile.threshold(phi, 0.9);
    ASSERT_TRUE(std::isfinite(end));
    for (const double s : {end - 1e-3, end + 1e-3}) {
      std::vector<double> more = scores;
      std::vector<double> rows = basis;
      more.push_back(s);
      rows.insert(rows.end(), phi.begin(), phi.end());
      // The augmented regression covers its own new point if S is not above the fitted plane.
      const double plane = by_solver(workspace.context(), more, rows, 2, phi, 0, 0.1);
      EXPECT_EQ(s <= plane + 1e-7, s < end) << x << " " << s << " " << plane;
    }
  }
}

TEST(BasisQuantile, DependentColumnsAndStrangers) {
  // A constant and both indicators of two groups: rank two. A row of neither group is spoken for by no point.
  std::vector<double> scores, basis;
  for (int i = 1; i <= 19; ++i) {
    scores.push_back(i);
    basis.insert(basis.end(), {1, 0, 1});
    scores.push_back(100 + i);
    basis.insert(basis.end(), {0, 1, 1});
  }
  const auto quantile = stats::BasisQuantile::fit(scores, basis, 3, 0.1).value();
  EXPECT_EQ(quantile.rank(), 2U);
  EXPECT_EQ(quantile.threshold(std::vector<double>{1, 0, 1}, 0.9), 18);
  EXPECT_EQ(quantile.threshold(std::vector<double>{0, 1, 1}, 0.9), 118);
  EXPECT_EQ(quantile.threshold(std::vector<double>{0, 0, 1}, 0.9), infinity);
  EXPECT_EQ(quantile.threshold(std::vector<double>{0, 0, 1}, -0.05), -infinity);
}

TEST(BasisQuantile, ManyTiesEnd) {
  Stream stream(9);
  std::vector<double> scores, basis;
  for (int i = 0; i < 400; ++i) {
    scores.push_back(static_cast<double>(stream.below(3)));
    basis.push_back(1);
    basis.push_back(static_cast<double>(stream.below(4)));
    basis.push_back(static_cast<double>(stream.below(2)));
  }
  const auto quantile = stats::BasisQuantile::fit(scores, basis, 3, 0.1).value();
  EXPECT_LT(quantile.steps(), 2000);
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 2; ++b) EXPECT_TRUE(std::isfinite(quantile.threshold(std::vector<double>{1.0, static_cast<double>(a), static_cast<double>(b)}, 0.9)));
}

Table sample(std::uint64_t seed, int n) {
  Stream stream(seed);
  std::vector<double> y, x;
  std::vector<std::string> g, h;
  for (int i = 0; i < n; ++i) {
    x.push_back(stream.normal());
    g.emplace_back(stream.below(4) == 0 ? "rare" : "usual");
    h.emplace_back(stream.below(2) == 0 ? "m" : "f");
    y.push_back(stream.normal() * std::exp(0.5 * x.back()) * (g.back() == "rare" ? 4 : 1));
  }
  const std::vector<double> f(y.size(), 0.0);
  return std::move(TableBuilder().real("y", y).real("f", f).real("x", x).text("g", g).text("h", h)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"feature", {"x"}}, {"group", {"g", "h"}}});
}

TEST(ConformalConditional, CoversGroupsAndTilts) {
  Workspace workspace;
  Params params;
  params.exact = true;
  const Model model = fit(workspace.context(), {sample(1, 1500), std::nullopt}, params).value();
  EXPECT_EQ(model.rank, 4);  // two and two groups with a constant: three, and x
  const Table fresh = sample(2, 3000);
  const auto holds = learn::holds_truth(fresh, apply(workspace.context(), model, {fresh}, Options{}).value().rows).value();
  const auto groups = fresh.categories("g").value();
  const Reals x = fresh.reals("x").value();
  double rare = 0, rare_rows = 0, tilted = 0, tilt = 0;
  for (std::size_t i = 0; i < holds.size(); ++i) {
    const bool in_rare = groups.names[static_cast<std::size_t>(groups.codes[i])] == "rare";
    rare += in_rare && holds[i];
    rare_rows += in_rare;
    const double weight = std::max(0.0, 1 + 0.25 * x[i]);
    tilted += weight * holds[i];
    tilt += weight;
  }
  EXPECT_NEAR(rare / rare_rows, 0.9, 0.06);
  EXPECT_NEAR(tilted / tilt, 0.9, 0.04);
}

TEST(ConformalConditional, DeterministicContainsTheDrawnAndStrangersGetAll) {
  Workspace workspace;
  const Model plain = fit(workspace.context(), {sample(1, 300), std::nullopt}, Params{}).value();
  Params drawn;
  drawn.exact = true;
  const Model exact = fit(workspace.context(), {sample(1, 300), std::nullopt}, drawn).value();
  const Table fresh = sample(3, 200);
  const Table wide_rows = apply(workspace.context(), plain, {fresh}, Options{}).value().rows;
  const Table even_rows = apply(workspace.context(), exact, {fresh}, Options{}).value().rows;
  const Reals wide = wide_rows.reals("upper", Missing::as_nan).value();
  const Reals even = even_rows.reals("upper", Missing::as_nan).value();
  for (std::size_t i = 0; i < wide.size(); ++i) EXPECT_GE(wide[i], even[i]);
  const Table stranger = std::move(TableBuilder().real("f", {0.0}).real("x", {0.1}).text("g", {"new"}).text("h", {"m"})).build().value();
  EXPECT_EQ(apply(workspace.context(), plain, {stranger}, Options{}).value().rows.reals("upper", Missing::as_nan).value()[0], infinity);
}

TEST(ConformalConditional, BumpsAndClasses) {
  Workspace workspace;
  Params params;
  params.centres = 4;
  const Model bumps = fit(workspace.context(), {sample(5, 600), std::nullopt}, params).value();
  EXPECT_EQ(bumps.basis.bumps(), 4U);
  EXPECT_EQ(bumps.basis.width(), 2U + 2 + 1 + 1 + 4);
  EXPECT_GT(bumps.set_aside, 120);
  EXPECT_EQ(bumps.n + bumps.set_aside, 600);
  Stream stream(8);
  const Table rows = learn::dirichlet_rows(stream, 300, "c").value();
  Params classes;
  classes.alpha = {0.1, 0.2};
  classes.score = learn::ConformalScore::aps;
  const Model model = fit(workspace.context(), {rows, std::nullopt}, classes).value();
  EXPECT_EQ(model.rank, 1);
  const auto sets = apply(workspace.context(), model, {rows}, Options{}).value().rows;
  EXPECT_TRUE(sets.has("set.0.9"));
  EXPECT_TRUE(sets.has("set.0.8"));
}

TEST(ConformalConditional, BadInput) {
  Workspace workspace;
  const auto code = [&](const Table& table, auto change) {
    Params params;
    change(params);
    const auto model = fit(workspace.context(), Inputs{table, std::nullopt}, params);
    return model.ok() ? ErrorCode::internal : model.error().code;
  };
  const auto nothing = [](Params&) {};
  const Table data = sample(1, 50);
  Roles plain = data.roles();
  plain.erase("feature");
  EXPECT_EQ(code(data.slice(0, 0), nothing), ErrorCode::too_few_rows);
  EXPECT_EQ(code(data.with_roles(plain), [](Params& p) { p.centres = 3; }), ErrorCode::missing_input);
  EXPECT_EQ(code(data, [](Params& p) { p.alpha = {0}; }), ErrorCode::bad_parameter);
  Table sure = std::move(TableBuilder().real("p_a", {1, 0, 0.5}).real("p_b", {0, 1, 0.5}).text("y", {"b", "b", "a"})).build().value().with_roles({{"target", {"y"}}, {"probability", {"p_a", "p_b"}}});
  EXPECT_EQ(code(sure, [](Params& p) { p.score = learn::ConformalScore::neg_log; }), ErrorCode::bad_value);
  Table gap = std::move(TableBuilder().real("y", {1, 2}).real("f", {0, 0}).category("g", {0, -1}, {"a"})).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"group", {"g"}}});
  EXPECT_EQ(code(gap, nothing), ErrorCode::null_value);
  Model damaged = fit(workspace.context(), {data, std::nullopt}, Params{}).value();
  damaged.rows.pop_back();
  EXPECT_EQ(apply(workspace.context(), damaged, {data}, Options{}).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::conformal::conditional
