// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arithmetic over columns in a bounded grammar, for scores that a user writes: "abs(y - yhat) / (0.1 + sigma)".
//
//   or      := and ("or" and)*            and  := not ("and" not)*         not := "not" not | compare
//   compare := sum (("<"|"<="|">"|">="|"=="|"!=") sum)?                    truth is 1 or 0
//   sum     := product (("+"|"-") product)*        product := power (("*"|"/") power)*
//   power   := unary ("^" power)?                  unary   := "-" unary | atom
//   atom    := number | column | "`any column name`" | function "(" or ("," or)* ")" | "(" or ")"
//   function: abs sqrt exp log floor ceil min max if
//
// At most 4,096 bytes, 500 operations, depth 50. No loops, no strings, no calls out.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll {

class Expression {
 public:
  // `bad_parameter` with the position and what was expected there.
  static Result<Expression> parse(std::string_view text);

  const std::vector<std::string>& columns() const { return columns_; }  // in order of first appearance
  const std::string& text() const { return text_; }

  // values[j] holds column j of columns(); all spans of equal length. Plain IEEE arithmetic: what is not defined is NaN or
  // infinity, which the caller judges.
  Result<std::vector<double>> evaluate(std::span<const std::span<const double>> values, std::size_t rows) const;

 private:
  friend class ExpressionParser;
  enum class Op : std::uint8_t { number, column, negate, add, subtract, multiply, divide, power, less, less_equal, greater, greater_equal, equal, not_equal,
                                 logical_and, logical_or, logical_not, absolute, square_root, exponential, logarithm, floor, ceiling, minimum, maximum, choose };
  struct Step {
    Op op;
    double number = 0;
    std::size_t column = 0;
  };
  static int arity(Op op);
  static double compute(Op op, double a, double b, double c);
  std::vector<Step> steps_;  // postfix
  std::vector<std::string> columns_;
  std::size_t deepest_ = 0;  // of the evaluation stack
  std::string text_;
};

}  // namespace plimsoll
