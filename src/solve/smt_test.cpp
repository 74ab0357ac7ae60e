// SPDX-License-Identifier: Apache-2.0
#include "solve/smt.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/workspace.h"

namespace plimsoll::solve {
namespace {

Workspace& workspace() {
  static Workspace one({.backend = Backend::serial});
  return one;
}

SmtAnswer answered(const std::string& question, const SmtOptions& options = {}) {
  const auto answer = solve_smt(workspace().context(), question, options);
  EXPECT_TRUE(answer.ok()) << answer.error().message();
  return answer.ok() ? *answer : SmtAnswer{};
}

// x + y = 10 and 2x + 4y = 28 have one solution in whole numbers: x = 6, y = 4.
TEST(Smt, TwoEquationsByHand) {
  const SmtAnswer answer = answered("(declare-const x Int) (declare-const y Int) (assert (= (+ x y) 10)) (assert (= (+ (* 2 x) (* 4 y)) 28))");
  EXPECT_EQ(answer.status, SmtStatus::sat);
  EXPECT_EQ(answer.model.at("x"), "6");
  EXPECT_EQ(answer.model.at("y"), "4");
  EXPECT_EQ(answer.solver.rfind("Z3 ", 0), 0U);
}

// Socrates, and the same with the wrong conclusion.
TEST(Smt, AStepFollowsOrItDoesNot) {
  const std::string premises =
      "(declare-sort Thing 0) (declare-fun man (Thing) Bool) (declare-fun mortal (Thing) Bool) (declare-const socrates Thing)"
      "(assert (forall ((t Thing)) (=> (man t) (mortal t)))) (assert (man socrates))";
  EXPECT_EQ(answered(premises + "(assert (not (mortal socrates)))").status, SmtStatus::unsat);
  EXPECT_EQ(answered(premises + "(assert (mortal socrates))").status, SmtStatus::sat);
}

// n + 1 pigeons and n holes: unsatisfiable, and long to see without counting.
std::string pigeons(int holes) {
  std::string text;
  const auto name = [](int p, int h) { return "p" + std::to_string(p) + "_" + std::to_string(h); };
  for (int p = 0; p <= holes; ++p) {
    std::string any;
    for (int h = 0; h < holes; ++h) {
      text += "(declare-const " + name(p, h) + " Bool)";
      any += " " + name(p, h);
    }
    text += "(assert (or" + any + "))";
  }
  for (int h = 0; h < holes; ++h) {
    for (int p = 0; p <= holes; ++p) {
      for (int q = p + 1; q <= holes; ++q) text += "(assert (not (and " + name(p, h) + " " + name(q, h) + ")))";
    }
  }
  return text;
}

TEST(Smt, ALimitedRunIsUnknown) {
  EXPECT_EQ(answered(pigeons(4)).status, SmtStatus::unsat);
  SmtOptions few;
  few.max_steps = 1000;
  const SmtAnswer limited = answered(pigeons(11), few);
  EXPECT_EQ(limited.status, SmtStatus::unknown);
  EXPECT_FALSE(limited.why.empty());
  EXPECT_TRUE(limited.model.empty());
  SmtOptions brief;
  brief.max_seconds = 0.05;
  EXPECT_EQ(answered(pigeons(14), brief).status, SmtStatus::unknown);
}

TEST(Smt, StopEndsItFromInside) {
  Workspace own({.backend = Backend::serial});
  const StopToken stop = own.context().stop;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request();
  });
  const auto stopped = solve_smt(own.context(), pigeons(14));
  later.join();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST(Smt, RefusesWhatIsNoQuestion) {
  for (const char* text : {"(assert (> x 2))", "(assert", ")", "(include \"/etc/passwd\")", "(echo \"a\")", "(assert 3)", "( )"}) {
    const auto answer = solve_smt(workspace().context(), text);
    ASSERT_FALSE(answer.ok()) << text;
    EXPECT_EQ(answer.error().code, ErrorCode::bad_document) << text;
  }
  EXPECT_EQ(answered("; (echo) in a comment is nothing\n(declare-const |a (b| Bool) (assert |a (b|)").status, SmtStatus::sat);
}

TEST(Smt, SameModelTwice) {
  const std::string question = "(declare-const x Real) (declare-const y Real) (assert (< (* x x) (+ y 3))) (assert (> x (* 2 y)))";
  EXPECT_EQ(answered(question).model, answered(question).model);
}

}  // namespace
}  // namespace plimsoll::solve
