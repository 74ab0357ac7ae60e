// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/select/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>

#include "engine/subject.h"
#include "engine/workspace.h"
#include "learn/logistic.h"
#include "table/file_format.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::select {
namespace {

const SpoiledForm spoiled_level{"conformal.select", "Benjamini-Hochberg at twice the level", [](Subject& subject) {
                                  subject.replace_apply([](Context& context, const void* model, const void* inputs, const void* options) {
                                    Params params = *static_cast<const Params*>(model);
                                    params.q = std::min(0.99, 2 * params.q);
                                    return entry.apply_.call(context, &params, inputs, options);
                                  });
                                }};

// Each model on its own, and the largest selection kept: what competing models invite.
Result<Box> largest_of_models(Context& context, const void* model, const void* inputs, const void* options) {
  Params params = *static_cast<const Params*>(model);
  const Inputs all = *static_cast<const Inputs*>(inputs);
  if (params.method != Procedure::optcs_msel) return entry.apply_.call(context, model, inputs, options);
  params.method = Procedure::cfbh;
  std::optional<Outputs> best;
  for (const std::string& name : all.pool.roles().at("prediction")) {
    Inputs one = all;
    for (Table* table : {&one.pool, &one.labelled}) {
      Roles roles = table->roles();
      roles["prediction"] = {name};
      *table = table->with_roles(std::move(roles));
    }
    PLIMSOLL_TRY(Outputs outputs, apply(context, params, one, *static_cast<const Options*>(options)));
    if (!best || outputs.selected > best->selected) best = std::move(outputs);
  }
  return Box::of(std::move(*best));
}
const SpoiledForm spoiled_choice{"conformal.select", "the largest selection of competing models", [](Subject& subject) { subject.replace_apply(largest_of_models); }};

// A candidate's own weight left out of its p-value.
const SpoiledForm spoiled_weight{"conformal.select", "candidates of no weight", [](Subject& subject) {
                                   subject.replace_apply([](Context& context, const void* model, const void* inputs, const void* options) -> Result<Box> {
                                     Inputs changed = *static_cast<const Inputs*>(inputs);
                                     if (static_cast<const Params*>(model)->method == Procedure::weighted_cs) {
                                       const Roles roles = changed.pool.roles();
                                       std::vector<double> tiny(static_cast<std::size_t>(changed.pool.rows()), 1e-12);
                                       changed.pool = changed.pool.without({"w"}).beside(std::move(TableBuilder().real("w", std::move(tiny))).build().value()).value().with_roles(roles);
                                     }
                                     return entry.apply_.call(context, model, &changed, options);
                                   });
                                 }};

// A ridge regression that learns on the labelled rows and is judged on the same.
Result<Box> judged_on_learning_rows(Context& context, const void* model, const void* inputs, const void* options) {
  Params params = *static_cast<const Params*>(model);
  if (!refits(params)) return entry.apply_.call(context, model, inputs, options);
  const Inputs& all = *static_cast<const Inputs*>(inputs);
  const Reals y = all.labelled.reals("y").value();
  std::vector<Reals> columns, fresh;
  std::vector<std::span<const double>> learned;
  for (const std::string& name : all.pool.roles().at("feature")) {
    columns.push_back(all.labelled.reals(name).value());
    fresh.push_back(all.pool.reals(name).value());
  }
  for (const Reals& column : columns) learned.push_back(column.span());
  std::vector<std::int32_t> a;
  for (const double one : y) a.push_back(one > 0 ? 1 : 0);
  const learn::ColumnDesign design(all.labelled.rows(), learned);
  const auto fit = learn::fit_logistic(context, design, a, {}, 2, {});
  if (!fit) return all.labelled.rows() > 0 ? entry.apply_.call(context, model, inputs, options) : Result<Box>(fit.error());
  const auto values = [&](const std::vector<Reals>& from, std::int64_t rows) {
    std::vector<double> out;
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
      double value = 0;
      for (std::size_t k = 0; k < from.size(); ++k) value += fit.value().coefficients[k] * from[k][i];
      out.push_back(value);
    }
    return out;
  };
  params.method = Procedure::cfbh;
  params.impute = Impute::all;
  Inputs judged;
  judged.labelled = std::move(TableBuilder().real("f", values(columns, all.labelled.rows())).real("y", std::vector<double>(y.begin(), y.end()))).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
  judged.pool = std::move(TableBuilder().real("f", values(fresh, all.pool.rows()))).build().value().with_roles({{"prediction", {"f"}}});
  return entry.apply_.call(context, &params, &judged, options);
}
const SpoiledForm spoiled_learning{"conformal.select", "models judged on the rows they learned from", [](Subject& subject) { subject.replace_apply(judged_on_learning_rows); }};

Inputs tables(std::vector<double> y, std::vector<double> mu, std::vector<double> pool) {
  Inputs inputs;
  inputs.labelled = std::move(TableBuilder().real("y", std::move(y)).real("f", std::move(mu))).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
  inputs.pool = std::move(TableBuilder().real("f", std::move(pool))).build().value().with_roles({{"prediction", {"f"}}});
  return inputs;
}

std::vector<bool> selected_of(const Outputs& outputs) {
  std::vector<bool> selected;
  const Reals column = outputs.rows.reals("selected").value();
  for (const double x : column) selected.push_back(x != 0);
  return selected;
}

// Labelled: y = 0 misses the bar 0.5 with mu 1, 2, 3, 4; y = 1 passes it with mu 9. n = 5.
TEST(ConformalSelect, ByHand) {
  Workspace workspace;
  const auto inputs = tables({0, 0, 0, 0, 1}, {1, 2, 3, 4, 9}, {5, 4, 2.5, 0});
  Params params;
  params.c = 0.5;
  params.q = 0.4;
  const auto out = apply(workspace.context(), params, inputs, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  const Reals p = out.value().rows.reals("p_value").value();
  EXPECT_DOUBLE_EQ(p[0], 1.0 / 6);
  EXPECT_DOUBLE_EQ(p[1], 2.0 / 6);  // a tie counts against the candidate
  EXPECT_DOUBLE_EQ(p[2], 3.0 / 6);
  EXPECT_DOUBLE_EQ(p[3], 5.0 / 6);
  // r q / m = 0.1, 0.2, 0.3, 0.4: 2/6 > 0.2, 3/6 > 0.3, 5/6 > 0.4 and 1/6 > 0.1: nothing.
  EXPECT_EQ(out.value().selected, 0);
  params.q = 0.67;  // 0.1675, 0.335, 0.5025, 0.67: the third passes; the last, 5/6, does not
  const auto more = apply(workspace.context(), params, inputs, Options{});
  EXPECT_EQ(selected_of(more.value()), (std::vector<bool>{true, true, true, false}));
  EXPECT_DOUBLE_EQ(more.value().threshold, 0.5);
  const auto certificate = certify(params, more.value());
  ASSERT_TRUE(certificate.ok());
  EXPECT_EQ(certificate.value().template_id, "fdr.selection");
}

// The last rank is selected, and equality counts: p = 1/10 at q = 0.1, m = 1, n = 9.
TEST(ConformalSelect, EqualityIsSelected) {
  Workspace workspace;
  for (const std::int64_t n : {9, 29, 99, 2999}) {
    std::vector<double> mu(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) mu[static_cast<std::size_t>(i)] = static_cast<double>(i);
    // The candidate lies below (n + 1)/10 - 1 of the labelled rows: p is exactly 0.1.
    const double place = static_cast<double>(n - (n + 1) / 10) + 0.5;
    const auto out = apply(workspace.context(), Params{}, tables(std::vector<double>(static_cast<std::size_t>(n), -1.0), mu, {place}), Options{});
    ASSERT_TRUE(out.ok());
    EXPECT_EQ(out.value().selected, 1) << n;
    EXPECT_DOUBLE_EQ(out.value().threshold, 0.1) << n;
  }
}

TEST(ConformalSelect, AnOutcomeEqualToTheBarMissesIt) {
  Workspace workspace;
  const auto out = apply(workspace.context(), Params{}, tables({0}, {1}, {0.5}), Options{});
  ASSERT_TRUE(out.ok());
  EXPECT_DOUBLE_EQ(out.value().rows.reals("p_value").value()[0], 1.0);  // y = c = 0: its score -1 stands against -0.5
  Params below;
  below.direction = Direction::below;
  const auto mirrored = apply(workspace.context(), below, tables({0}, {-1}, {-0.5}), Options{});
  EXPECT_DOUBLE_EQ(mirrored.value().rows.reals("p_value").value()[0], 1.0);
}

TEST(ConformalSelect, BarsByRowAndResidual) {
  Workspace workspace;
  auto labelled = std::move(TableBuilder().real("y", {1, 5, 2}).real("f", {2, 4, 1}).real("c", {2, 4, 3})).build().value();
  auto pool = std::move(TableBuilder().real("f", {3, 1}).real("c", {1, 2})).build().value();
  Inputs inputs;
  inputs.labelled = labelled.with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"bar", {"c"}}});
  inputs.pool = pool.with_roles({{"prediction", {"f"}}, {"bar", {"c"}}});
  const auto clip = apply(workspace.context(), Params{}, inputs, Options{});  // V = 0, inf, 2; T = -2, 1
  ASSERT_TRUE(clip.ok()) << clip.error().message();
  EXPECT_DOUBLE_EQ(clip.value().rows.reals("p_value").value()[0], 0.25);
  EXPECT_DOUBLE_EQ(clip.value().rows.reals("p_value").value()[1], 0.5);
  Params params;
  params.score = Score::residual;  // V = -1, 1, 1; T = -2, 1
  const auto residual = apply(workspace.context(), params, inputs, Options{});
  EXPECT_DOUBLE_EQ(residual.value().rows.reals("p_value").value()[0], 0.25);
  EXPECT_DOUBLE_EQ(residual.value().rows.reals("p_value").value()[1], 1.0);
  inputs.pool = inputs.pool.with_roles({{"prediction", {"f"}}});
  EXPECT_EQ(apply(workspace.context(), Params{}, inputs, Options{}).error().code, ErrorCode::missing_input);
}

TEST(ConformalSelect, NothingAndNobody) {
  Workspace workspace;
  const auto no_pool = apply(workspace.context(), Params{}, tables({0}, {1}, {}), Options{});
  ASSERT_TRUE(no_pool.ok());
  EXPECT_EQ(no_pool.value().rows.rows(), 0);
  const auto no_labels = apply(workspace.context(), Params{}, tables({}, {}, {1, 2}), Options{});
  ASSERT_TRUE(no_labels.ok()) << no_labels.error().message();
  EXPECT_EQ(no_labels.value().rows.reals("p_value").value()[1], 1.0);
  EXPECT_EQ(no_labels.value().selected, 0);
  ASSERT_FALSE(workspace.warnings().empty());
  EXPECT_NE(workspace.warnings().front().find("At least 9 labelled rows"), std::string::npos) << workspace.warnings().front();
}

TEST(ConformalSelect, BadInputIsRefusedByName) {
  Workspace workspace;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto bad = apply(workspace.context(), Params{}, tables({0}, {1}, {1, nan}), Options{});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::bad_value);
  EXPECT_EQ(bad.error().row, 1);
  Params wide;
  wide.q = 1;
  EXPECT_EQ(check(wide).error().code, ErrorCode::bad_parameter);
  auto inputs = example(workspace.context(), Verb::apply, 1, 20).value().inputs.as<Inputs>();
  inputs.pool = inputs.labelled.without({"y"}).with_roles({{"prediction", {"prediction"}}, {"id", {"id"}}});
  const auto twice = apply(workspace.context(), Params{}, inputs, Options{});
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().code, ErrorCode::overlap);
  WorkspaceOptions allowed;
  allowed.allow_overlap = "a rehearsal";
  Workspace rehearsal(allowed);
  EXPECT_TRUE(apply(rehearsal.context(), Params{}, inputs, Options{}).ok());
}

// Quadratic counting and the textbook step-up, on tied scores.
TEST(ConformalSelect, EqualsTheDirectForm) {
  Stream stream(17);
  for (int trial = 0; trial < 400; ++trial) {
    SelectionScores scores;
    const auto n = static_cast<std::int64_t>(stream.below(40));
    const auto m = static_cast<std::int64_t>(1 + stream.below(30));
    for (std::int64_t i = 0; i < n; ++i) {
      const double v = static_cast<double>(stream.below(12));
      const bool past = stream.bernoulli(0.3);
      scores.labelled.push_back(past ? std::numeric_limits<double>::infinity() : v);
    }
    for (std::int64_t j = 0; j < m; ++j) scores.pool.push_back(static_cast<double>(stream.below(12)) - 2);
    std::vector<double> direct;
    for (const double t : scores.pool) direct.push_back(1 + static_cast<double>(std::count_if(scores.labelled.begin(), scores.labelled.end(), [t](double v) { return v <= t; })));
    const auto scaled = stats::scaled_p_values(scores, {});
    EXPECT_EQ(scaled, direct);
    std::vector<double> u(static_cast<std::size_t>(m), 0.5);
    const auto drawn = stats::scaled_p_values(scores, u);
    for (std::size_t j = 0; j < drawn.size(); ++j) {
      const double t = scores.pool[j];
      const auto less = std::count_if(scores.labelled.begin(), scores.labelled.end(), [t](double v) { return v < t; });
      EXPECT_EQ(drawn[j], static_cast<double>(less) + 0.5 * (direct[j] - static_cast<double>(less)));
    }
    // q = 1/5 in whole numbers: scaled * m * 5 <= r (n + 1).
    double last = -1;
    for (const double candidate : direct) {
      const auto r = std::count_if(direct.begin(), direct.end(), [candidate](double x) { return x <= candidate; });
      if (static_cast<std::int64_t>(candidate) * m * 5 <= r * (n + 1)) last = std::max(last, candidate);
    }
    EXPECT_EQ(stats::largest_selected(scaled, n, 0.2), last);
  }
}

// The other spoiled forms are the conformance rig's.
TEST(ConformalSelect, ProveHoldsAndCatchesTwiceTheLevel) {
  Workspace workspace;
  Context context = workspace.context();
  context.rng = Stream(1);
  const auto evidence = prove(context, Subject(entry), {1, ProveSize::quick});
  ASSERT_TRUE(evidence.ok()) << evidence.error().message();
  EXPECT_TRUE(evidence.value().passed) << to_text(evidence.value());
  EXPECT_GT(evidence.value().figures.at("power_at_twice_q"), 0.99);
  Subject spoiled(entry);
  spoiled_level.spoil(spoiled);
  const auto caught = prove(context, spoiled, {1, ProveSize::quick});
  ASSERT_TRUE(caught.ok());
  EXPECT_FALSE(caught.value().passed) << to_text(caught.value());
}

std::filesystem::path shared_data() {
  const char* named = std::getenv("PLIMSOLL_SHARED");
  const std::filesystem::path root = named ? std::filesystem::path(named) : std::filesystem::path(PLIMSOLL_SOURCE_DIR).parent_path() / "shared";
  return root / "data";
}

// Sheet figure (d): affinities beyond 7, n = m = 500, 600 draws: FDR .071, .192, .301 and power .115, .362, .547 at q .1, .2, .3.
// Tolerance: five standard errors of the difference, and the last digit that is printed.
TEST(ConformalSelect, DrugTargetFigure) {
  const auto path = shared_data() / "batch-predictive-inference" / "dti_predictions.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs the affinity table of the shared data (PLIMSOLL_SHARED)";
  const auto table = read_table(path);
  ASSERT_TRUE(table.ok()) << table.error().message();
  const Reals y = table.value().reals("y").value();
  const Reals mu = table.value().reals("muhat").value();
  Workspace workspace;
  Context context = workspace.context();
  context.warn = [](std::string) {};
  const std::vector<double> levels = {0.1, 0.2, 0.3};
  const std::vector<double> wanted_fdr = {0.071, 0.192, 0.301};
  const std::vector<double> wanted_power = {0.115, 0.362, 0.547};
  constexpr std::size_t half_rows = 500;
  constexpr int draws = 600;
  std::vector<double> fdr(3), fdr_squares(3), power(3), power_squares(3);
  std::vector<std::size_t> rows(y.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  Stream stream(2023);
  for (int d = 0; d < draws; ++d) {
    for (std::size_t i = 0; i < 2 * half_rows; ++i) std::swap(rows[i], rows[i + static_cast<std::size_t>(stream.below(rows.size() - i))]);
    std::vector<double> known_y, known_mu, pool_y, pool_mu;
    for (std::size_t i = 0; i < half_rows; ++i) {
      known_y.push_back(y[rows[i]]);
      known_mu.push_back(mu[rows[i]]);
      pool_y.push_back(y[rows[half_rows + i]]);
      pool_mu.push_back(mu[rows[half_rows + i]]);
    }
    const auto inputs = tables(known_y, known_mu, pool_mu);
    for (std::size_t l = 0; l < levels.size(); ++l) {
      Params params;
      params.q = levels[l];
      params.c = 7;
      const auto out = apply(context, params, inputs, Options{});
      ASSERT_TRUE(out.ok()) << out.error().message();
      const auto selected = selected_of(out.value());
      double right = 0, wrong = 0, all = 0;
      for (std::size_t j = 0; j < selected.size(); ++j) {
        const bool good = pool_y[j] > 7;
        all += good ? 1 : 0;
        right += selected[j] && good ? 1 : 0;
        wrong += selected[j] && !good ? 1 : 0;
      }
      const double share = wrong / std::max(1.0, right + wrong);
      const double found = right / std::max(1.0, all);
      fdr[l] += share / draws;
      fdr_squares[l] += share * share / draws;
      power[l] += found / draws;
      power_squares[l] += found * found / draws;
    }
  }
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const double fdr_error = std::sqrt((fdr_squares[l] - fdr[l] * fdr[l]) / draws);
    const double power_error = std::sqrt((power_squares[l] - power[l] * power[l]) / draws);
    std::printf("q %.1f: FDR %.3f (se %.3f), power %.3f (se %.3f)\n", levels[l], fdr[l], fdr_error, power[l], power_error);
    // Both figures are means of 600 draws, so the difference has sqrt(2) of one error.
    EXPECT_NEAR(fdr[l], wanted_fdr[l], 5 * std::sqrt(2.0) * fdr_error + 0.0005) << levels[l];
    EXPECT_NEAR(power[l], wanted_power[l], 5 * std::sqrt(2.0) * power_error + 0.0005) << levels[l];
  }
}

}  // namespace
}  // namespace plimsoll::conformal::select
