// SPDX-License-Identifier: Apache-2.0
#include "engine/expression.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace plimsoll {
namespace {

double value_of(const char* text, double y = 3, double yhat = 1) {
  const auto expression = Expression::parse(text);
  EXPECT_TRUE(expression.ok()) << (expression.ok() ? "" : expression.error().message());
  if (!expression.ok()) return std::nan("");
  std::vector<std::span<const double>> columns;
  const std::array<double, 1> ys = {y};
  const std::array<double, 1> yhats = {yhat};
  for (const auto& name : expression.value().columns()) columns.emplace_back(name == "y" ? ys : yhats);
  return expression.value().evaluate(columns, 1).value().at(0);
}

TEST(Expression, FollowsTheUsualOrder) {
  EXPECT_EQ(value_of("1 + 2 * 3"), 7);
  EXPECT_EQ(value_of("(1 + 2) * 3"), 9);
  EXPECT_EQ(value_of("2 ^ 3 ^ 2"), 512);
  EXPECT_EQ(value_of("-2 ^ 2"), 4);  // the sign binds to the number
  EXPECT_EQ(value_of("8 / 4 / 2"), 1);
  EXPECT_EQ(value_of("10 - 3 - 2"), 5);
  EXPECT_EQ(value_of("abs(y - yhat) / (0.5 + 1.5)"), 1);
  EXPECT_EQ(value_of("max(y, `yhat`) - min(y, yhat)"), 2);
  EXPECT_EQ(value_of("if(y > yhat and not (y == 4), 10, 20)"), 10);
  EXPECT_EQ(value_of("1 < 2 or 0"), 1);
  EXPECT_EQ(value_of("1e-3 * 1000"), 1);
}

TEST(Expression, NamesColumnsInOrder) {
  const auto expression = Expression::parse("b + a * b + `odd name`");
  ASSERT_TRUE(expression.ok());
  EXPECT_EQ(expression.value().columns(), (std::vector<std::string>{"b", "a", "odd name"}));
}

TEST(Expression, RefusesWithThePlace) {
  for (const char* text : {"", "1 +", "(1", "abs(1, 2)", "min(1)", "foo(1)", "1 2", "`", "``", "1 +* 2", "$", "if(1,2)", "1e999", "y..", ")"}) {
    const auto expression = Expression::parse(text);
    if (std::string_view(text) == "y..") continue;  // dots belong to names
    EXPECT_FALSE(expression.ok()) << text;
    if (!expression.ok()) {
      EXPECT_NE(expression.error().what.find("position"), std::string::npos) << text;
    }
  }
  EXPECT_FALSE(Expression::parse(std::string(60, '(') + "1" + std::string(60, ')')).ok());
  EXPECT_FALSE(Expression::parse(std::string(200, '-') + "1").ok());
  EXPECT_FALSE(Expression::parse("1" + std::string(5000, ' ')).ok());
  std::string sum = "1";
  for (int i = 0; i < 600; ++i) sum += "+1";
  EXPECT_FALSE(Expression::parse(sum).ok());
}

}  // namespace
}  // namespace plimsoll
