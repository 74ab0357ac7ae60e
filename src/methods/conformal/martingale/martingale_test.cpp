// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/martingale/martingale.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/door.h"
#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::martingale {
namespace {

const SpoiledForm spoiled_alarm{"conformal.martingale", "an alarm at 0.4 of the capital", [](Subject& subject) {
                                  subject.spoil_model([](void* m) { static_cast<Model*>(m)->params.delta *= 2.5; });
                                }};

// Steps with p-values p1, p2 by hand: bettors (2/3 .. 4/3) shares, then shared anew.
TEST(ConformalMartingale, JumperByHand) {
  Workspace workspace({.backend = Backend::serial});
  Model model;
  model.params.bet = Bet::jumper;
  model.params.jump = 0.3;
  State state;
  double capital[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
  for (const double score : {1.0, 5.0, 2.0, 9.0}) {
    const Row row = step(workspace.context(), model, state, Event{score}).value();
    const double whole = capital[0] + capital[1] + capital[2];
    double sum = 0;
    for (int e = -1; e <= 1; ++e) {
      double& one = capital[e + 1];
      one = (0.7 * one + 0.1 * whole) * (1 + e * (row.p_value - 0.5));
      sum += one;
    }
    EXPECT_NEAR(row.log_capital, std::log(sum), 1e-14);
  }
}

TEST(ConformalMartingale, PValuesByHand) {
  Workspace workspace({.backend = Backend::serial});
  Model model;
  model.scores = {1, 2, 2, 3};
  State state;
  const Row tie = step(workspace.context(), model, state, Event{2}).value();  // 1 above, 3 equal with itself, of 5
  EXPECT_GT(tie.p_value, 0.2);
  EXPECT_LE(tie.p_value, 0.8);
  const Row top = step(workspace.context(), model, state, Event{7}).value();
  EXPECT_LE(top.p_value, 1.0 / 6);
  const Row low = step(workspace.context(), model, state, Event{0}).value();
  EXPECT_GT(low.p_value, 6.0 / 7);
}

// Power: the mean over 19 exponents of e p^(e - 1); with both, the mean of the two capitals.
TEST(ConformalMartingale, PowerByHand) {
  Workspace workspace({.backend = Backend::serial});
  Model model;
  model.params.bet = Bet::power;
  model.scores = {1, 2, 3};
  State state;
  const Row row = step(workspace.context(), model, state, Event{9}).value();
  double mean = 0;
  for (int i = 1; i <= 19; ++i) mean += 0.05 * i * std::pow(row.p_value, 0.05 * i - 1) / 19;
  EXPECT_NEAR(row.log_capital, std::log(mean), 1e-13);
}

TEST(ConformalMartingale, RiskRaisesAnAlarmAboveTheLevel) {
  Workspace workspace({.backend = Backend::serial});
  Model model;
  model.params.bet = Bet::risk;
  State low, high;
  Stream stream(4);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(step(workspace.context(), model, low, Event{stream.bernoulli(0.05) ? 1.0 : 0.0}).ok());
    ASSERT_TRUE(step(workspace.context(), model, high, Event{stream.bernoulli(0.3) ? 1.0 : 0.0}).ok());
  }
  EXPECT_LT(low.alarm_at, 0);
  EXPECT_GE(high.alarm_at, 0);
  EXPECT_EQ(step(workspace.context(), model, low, Event{1.5}).error().code, ErrorCode::bad_value);
}

TEST(ConformalMartingale, StateSurvivesARestart) {
  Workspace workspace({.backend = Backend::serial});
  Call call;
  call.method = "conformal.martingale";
  call.ports["data"] = std::move(TableBuilder().real("s", {1, 2, 3, 4})).build().value().with_roles({{"score", {"s"}}});
  const auto fitted = run(workspace.context(), call);
  ASSERT_TRUE(fitted.ok()) << fitted.error().message();
  Session whole = Session::open(fitted.value().artifact).value();
  Session first = Session::open(fitted.value().artifact).value();
  for (int t = 0; t < 20; ++t) {
    if (t == 10) {
      Session second = Session::open(fitted.value().artifact).value();
      ASSERT_TRUE(second.restore(first.state_bytes().value()).ok());
      first = std::move(second);
    }
    const std::string event = R"({"score":)" + std::to_string(t) + "}";
    EXPECT_EQ(whole.step(workspace.context(), event).value(), first.step(workspace.context(), event).value());
  }
}

}  // namespace
}  // namespace plimsoll::conformal::martingale
