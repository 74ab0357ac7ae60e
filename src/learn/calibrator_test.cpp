// SPDX-License-Identifier: Apache-2.0
#include "learn/calibrator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/workspace.h"
#include "learn/logistic.h"
#include "learn/reference_case.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<Calibration, 6> all_maps = {Calibration::identity, Calibration::temperature, Calibration::platt,
                                                 Calibration::beta, Calibration::isotonic, Calibration::venn_abers};

struct Drawn {
  std::vector<double> scores;
  std::vector<std::int32_t> outcomes;
};

// Outcomes of probability sigmoid(slope s + intercept).
Drawn draw(std::size_t rows, double slope, double intercept, std::uint64_t seed) {
  Drawn data;
  Stream stream(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    const double s = 2 * stream.normal();
    data.scores.push_back(s);
    data.outcomes.push_back(stream.bernoulli(sigmoid(slope * s + intercept)) ? 1 : 0);
  }
  return data;
}

// Minimum of the smoothed-target likelihood by scipy 1 (BFGS, gtol 1e-10); scikit-learn's _SigmoidCalibration gives
// 0.50846589, 0.62571701. Errors from the inverse of the Hessian there.
TEST(Calibrator, PlattEqualsTheReference) {
  const ReferenceCase data = reference_case();
  Workspace workspace;
  const auto fit = fit_calibrator(workspace.context(), Calibration::platt, data.score, data.y, {});
  ASSERT_TRUE(fit.ok());
  EXPECT_NEAR(fit->slope, 0.50846589, 1e-7);
  EXPECT_NEAR(fit->intercept, 0.62571699, 1e-7);
  EXPECT_NEAR(fit->slope_error, 0.10894514, 1e-7);
  EXPECT_NEAR(fit->intercept_error, 0.22079807, 1e-7);
  EXPECT_TRUE(workspace.warnings().empty());
}

// betacal 1.1.0, BetaCalibration("abm"): a, b (its own search ends at about 1e-4)
TEST(Calibrator, BetaEqualsBetacal) {
  const ReferenceCase data = reference_case();
  Workspace workspace;
  const auto fit = fit_calibrator(workspace.context(), Calibration::beta, data.score, data.y, {});
  ASSERT_TRUE(fit.ok());
  EXPECT_NEAR(fit->slope, 0.5222308631575754, 1e-3);
  EXPECT_NEAR(fit->second, 0.5566073525016911, 1e-3);
}

// scipy 1, minimize_scalar over the slope alone
TEST(Calibrator, TemperatureEqualsTheReference) {
  const ReferenceCase data = reference_case();
  Workspace workspace;
  const auto fit = fit_calibrator(workspace.context(), Calibration::temperature, data.score, data.y, {});
  ASSERT_TRUE(fit.ok());
  EXPECT_NEAR(fit->slope, 0.5207123144332577, 1e-7);
}

TEST(Calibrator, EveryMapRisesAndStaysInside) {
  Workspace workspace;
  const Drawn data = draw(3000, 0.6, -0.5, 11);
  for (const Calibration method : all_maps) {
    const auto fit = fit_calibrator(workspace.context(), method, data.scores, data.outcomes, {});
    ASSERT_TRUE(fit.ok());
    ASSERT_TRUE(check(*fit).ok());
    double before = 0;
    for (double s = -12; s <= 12; s += 0.01) {
      const double p = fit->apply(s);
      EXPECT_GE(p, before);
      EXPECT_GT(p, 0);
      EXPECT_LT(p, 1);
      before = p;
      const ProbabilityPair pair = fit->pair(s);
      EXPECT_LE(pair.p0, p);
      EXPECT_GE(pair.p1, p);
    }
  }
}

// Every map that can express the truth comes near it; identity does not. The gap in log loss to the oracle is at most a few
// parameters / (2 n) in expectation, so 0.01 at n = 20,000 is far from chance and far from identity's own 0.06.
TEST(Calibrator, FindsTheTruth) {
  Workspace workspace;
  const Drawn data = draw(20000, 0.5, -1, 12);
  const Drawn fresh = draw(20000, 0.5, -1, 13);
  const auto loss = [&](const auto& probability) {
    double sum = 0;
    for (std::size_t i = 0; i < fresh.scores.size(); ++i) {
      const double p = probability(fresh.scores[i]);
      sum -= std::log(fresh.outcomes[i] == 1 ? p : 1 - p);
    }
    return sum / static_cast<double>(fresh.scores.size());
  };
  const double oracle = loss([](double s) { return sigmoid(0.5 * s - 1); });
  for (const Calibration method : all_maps) {
    const auto fit = fit_calibrator(workspace.context(), method, data.scores, data.outcomes, {});
    ASSERT_TRUE(fit.ok());
    const double gap = loss([&](double s) { return fit->apply(s); }) - oracle;
    const bool can = method != Calibration::identity && method != Calibration::temperature;
    EXPECT_EQ(gap < 0.01, can) << gap;
    EXPECT_EQ(gap > 0.03, !can) << gap;
  }
}

TEST(Calibrator, AutomaticTakesTheSimplestThatIsGoodEnough) {
  Workspace workspace;
  const Drawn right = draw(5000, 1, 0, 21);
  const auto kept = fit_calibrator(workspace.context(), Calibration::automatic, right.scores, right.outcomes, {});
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(kept->tried.size(), 6U);
  const Drawn wrong = draw(5000, 0.5, -1, 22);
  const auto mended = fit_calibrator(workspace.context(), Calibration::automatic, wrong.scores, wrong.outcomes, {});
  ASSERT_TRUE(mended.ok());
  EXPECT_NE(mended->method, Calibration::identity);
  EXPECT_NE(mended->method, Calibration::temperature);
  // The choice obeys its own rule on the numbers it reports.
  for (const auto* fit : {&*kept, &*mended}) {
    const double best = *std::min_element(fit->tried_loss.begin(), fit->tried_loss.end());
    const auto chosen = static_cast<std::size_t>(std::find(fit->tried.begin(), fit->tried.end(),
        choices_of(fit->method)[static_cast<std::size_t>(fit->method)]) - fit->tried.begin());
    for (std::size_t k = 0; k <= chosen; ++k) {
      const bool good = fit->tried_loss[k] - best <= fit->tried_error[k];
      EXPECT_EQ(good, k == chosen) << fit->tried[k];
    }
  }
}

TEST(Calibrator, WeightsCountLikeRepeatedRows) {
  Workspace workspace;
  const Drawn data = draw(400, 0.7, 0.2, 31);
  std::vector<double> weights;
  Drawn repeated;
  for (std::size_t i = 0; i < data.scores.size(); ++i) {
    weights.push_back(static_cast<double>(1 + i % 3));
    for (std::size_t k = 0; k <= i % 3; ++k) {
      repeated.scores.push_back(data.scores[i]);
      repeated.outcomes.push_back(data.outcomes[i]);
    }
  }
  for (const Calibration method : all_maps) {
    const auto weighted = fit_calibrator(workspace.context(), method, data.scores, data.outcomes, weights);
    const auto plain = fit_calibrator(workspace.context(), method, repeated.scores, repeated.outcomes, {});
    ASSERT_TRUE(weighted.ok() && plain.ok());
    for (double s = -4; s < 4; s += 0.1) EXPECT_NEAR(weighted->apply(s), plain->apply(s), 1e-9);
  }
}

TEST(Calibrator, BackwardScoresAreWarnedOf) {
  Workspace workspace;
  const Drawn data = draw(500, -1, 0, 41);
  const auto fit = fit_calibrator(workspace.context(), Calibration::platt, data.scores, data.outcomes, {});
  ASSERT_TRUE(fit.ok());
  EXPECT_LT(fit->slope, 0);
  EXPECT_EQ(workspace.warnings().size(), 1U);
  const auto beta = fit_calibrator(workspace.context(), Calibration::beta, data.scores, data.outcomes, {});
  ASSERT_TRUE(beta.ok());
  EXPECT_GE(beta->slope, 0);
  EXPECT_GE(beta->second, 0);
  EXPECT_EQ(workspace.warnings().size(), 2U);
}

TEST(Calibrator, SeparableAndConstantScoresStayFinite) {
  Workspace workspace;
  const std::vector<double> apart = {-3, -2, -1, 1, 2, 3};
  const std::vector<double> constant(6, 0.5);
  const std::vector<std::int32_t> y = {0, 0, 0, 1, 1, 1};
  for (const Calibration method : all_maps) {
    for (const auto& scores : {apart, constant}) {
      const auto fit = fit_calibrator(workspace.context(), method, scores, y, {});
      ASSERT_TRUE(fit.ok());
      ASSERT_TRUE(check(*fit).ok());
      EXPECT_TRUE(std::isfinite(std::log(fit->apply(-3))));
      EXPECT_TRUE(std::isfinite(std::log(1 - fit->apply(0.5))));
    }
  }
}

TEST(Calibrator, BadInput) {
  Workspace workspace;
  const std::vector<double> scores = {0.1, 0.2};
  const std::vector<double> infinite = {0.1, HUGE_VAL};
  const std::vector<std::int32_t> ones = {1, 1};
  const std::vector<std::int32_t> both = {0, 1};
  Context& context = workspace.context();
  EXPECT_EQ(fit_calibrator(context, Calibration::platt, scores, ones, {}).error().code, ErrorCode::one_class);
  EXPECT_EQ(fit_calibrator(context, Calibration::platt, {}, {}, {}).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(fit_calibrator(context, Calibration::platt, infinite, both, {}).error().row, 1);
  Calibrator broken;
  broken.method = Calibration::isotonic;
  broken.knots = {1, 0};
  broken.values = {0.1, 0.2};
  EXPECT_EQ(check(broken).error().code, ErrorCode::corrupt_file);
}

std::vector<std::vector<double>> class_scores_of(std::size_t rows, double heat, std::vector<std::int32_t>& labels) {
  Stream stream(51);
  std::vector<std::vector<double>> scores(3, std::vector<double>(rows));
  for (std::size_t i = 0; i < rows; ++i) {
    std::array<double, 3> e{};
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const double s = 1.5 * stream.normal();
      scores[k][i] = heat * s;
      e[k] = std::exp(s);
      sum += e[k];
    }
    const double u = stream.uniform() * sum;
    labels.push_back(u < e[0] ? 0 : u < e[0] + e[1] ? 1 : 2);
  }
  return scores;
}

TEST(MulticlassCalibrator, FindsTheTemperature) {
  Workspace workspace;
  std::vector<std::int32_t> labels;
  const auto scores = class_scores_of(20000, 2.5, labels);
  const auto fit = fit_multiclass(workspace.context(), Calibration::temperature, scores, labels, {});
  ASSERT_TRUE(fit.ok());
  // The standard error of 1/T is below 0.01 / 2.5; ten of them.
  EXPECT_NEAR(fit->temperature, 2.5, 0.25);
  const auto automatic = fit_multiclass(workspace.context(), Calibration::automatic, scores, labels, {});
  ASSERT_TRUE(automatic.ok());
  EXPECT_NE(automatic->method, Calibration::identity);
  EXPECT_TRUE(check(*automatic, 3).ok());
}

TEST(MulticlassCalibrator, ProbabilitiesSumToOne) {
  Workspace workspace;
  std::vector<std::int32_t> labels;
  const auto scores = class_scores_of(2000, 2, labels);
  for (const Calibration method : all_maps) {
    const auto fit = fit_multiclass(workspace.context(), method, scores, labels, {});
    ASSERT_TRUE(fit.ok());
    EXPECT_TRUE(check(*fit, 3).ok());
    EXPECT_FALSE(check(*fit, 4).ok() && !fit->one_vs_rest.empty());
    const auto p = fit->apply(scores);
    for (std::size_t i = 0; i < labels.size(); ++i) EXPECT_NEAR(p[0][i] + p[1][i] + p[2][i], 1, 1e-12);
  }
  EXPECT_EQ(workspace.warnings().size(), 1U);  // of normalising; the same words are kept once
}

TEST(Calibrator, SameBytesAtAnyNumberOfThreads) {
  const Drawn data = draw(9000, 0.5, -1, 61);
  std::optional<Calibrator> first;
  for (const int threads : {1, 2, 8}) {
    WorkspaceOptions options;
    options.threads = threads;
    Workspace workspace(options);
    const auto fit = fit_calibrator(workspace.context(), Calibration::automatic, data.scores, data.outcomes, {});
    ASSERT_TRUE(fit.ok());
    if (!first) first = *fit;
    EXPECT_EQ(fit->method, first->method);
    EXPECT_EQ(fit->tried_loss, first->tried_loss);
    EXPECT_EQ(fit->slope, first->slope);
  }
}

}  // namespace
}  // namespace plimsoll::learn
