// SPDX-License-Identifier: Apache-2.0
#include "engine/expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace plimsoll {
namespace {

constexpr std::size_t most_bytes = 4096;
constexpr std::size_t most_steps = 500;
constexpr int most_depth = 50;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Result<Expression> run() {
    if (text_.size() > most_bytes) fail("an expression of more than 4,096 bytes");
    parse_or();
    skip();
    if (!error_ && at_ < text_.size()) fail("an operator or the end expected");
    if (error_) return *error_;
    expression_.text_ = std::string(text_);
    return std::move(expression_);
  }

 private:
  using Op = Expression::Op;
  struct Function {
    std::string_view name;
    Op op;
    int arguments;
  };
  static constexpr std::array<Function, 9> functions = {Function{"abs", Op::absolute, 1},  Function{"sqrt", Op::square_root, 1}, Function{"exp", Op::exponential, 1},
                                                        Function{"log", Op::logarithm, 1}, Function{"floor", Op::floor, 1},      Function{"ceil", Op::ceiling, 1},
                                                        Function{"min", Op::minimum, 2},   Function{"max", Op::maximum, 2},      Function{"if", Op::choose, 3}};

  void fail(std::string what) {
    if (error_) return;
    error_ = Error(ErrorCode::bad_parameter, "expression '" + std::string(text_.substr(0, 80)) + "', position " + std::to_string(at_ + 1) + ": " + what,
                   "Write arithmetic over column names, such as abs(y - yhat) / (0.1 + sigma).").in_parameter("expression");
  }

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }

  bool take(std::string_view token) {
    skip();
    if (error_ || text_.substr(at_, token.size()) != token) return false;
    const std::size_t end = at_ + token.size();
    const bool word = is_letter(token[0]);
    if (word && end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) return false;
    at_ = end;
    return true;
  }

  void emit(Op op, double number = 0, std::size_t column = 0) {
    if (error_) return;
    if (expression_.steps_.size() >= most_steps) return fail("more than 500 operations");
    expression_.steps_.push_back({op, number, column});
    stack_ = stack_ + 1 - static_cast<std::size_t>(Expression::arity(op));
    expression_.deepest_ = std::max(expression_.deepest_, stack_);
  }

  void parse_or() {
    if (++depth_ > most_depth) fail("nested deeper than 50");
    if (!error_) {
      parse_and();
      while (take("or")) {
        parse_and();
        emit(Op::logical_or);
      }
    }
    --depth_;
  }

  void parse_and() {
    parse_not();
    while (take("and")) {
      parse_not();
      emit(Op::logical_and);
    }
  }

  void parse_not() {
    if (!take("not")) return parse_compare();
    if (++depth_ > most_depth) fail("nested deeper than 50");
    if (!error_) {
      parse_not();
      emit(Op::logical_not);
    }
    --depth_;
  }

  void parse_compare() {
    static constexpr std::array<std::pair<std::string_view, Op>, 6> comparisons = {{{"<=", Op::less_equal}, {">=", Op::greater_equal}, {"==", Op::equal},
                                                                                    {"!=", Op::not_equal}, {"<", Op::less}, {">", Op::greater}}};
    parse_sum();
    for (const auto& [token, op] : comparisons) {
      if (!take(token)) continue;
      parse_sum();
      emit(op);
      return;
    }
  }

  void parse_sum() {
    parse_product();
    while (!error_) {
      if (take("+")) {
        parse_product();
        emit(Op::add);
      } else if (take("-")) {
        parse_product();
        emit(Op::subtract);
      } else {
        return;
      }
    }
  }

  void parse_product() {
    parse_power();
    while (!error_) {
      if (take("*")) {
        parse_power();
        emit(Op::multiply);
      } else if (take("/")) {
        parse_power();
        emit(Op::divide);
      } else {
        return;
      }
    }
  }

  void parse_power() {
    parse_unary();
    if (!take("^")) return;
    if (++depth_ > most_depth) fail("nested deeper than 50");
    if (!error_) {
      parse_power();
      emit(Op::power);
    }
    --depth_;
  }

  void parse_unary() {
    if (!take("-")) return parse_atom();
    if (++depth_ > most_depth) fail("nested deeper than 50");
    if (!error_) {
      parse_unary();
      emit(Op::negate);
    }
    --depth_;
  }

  void parse_atom() {
    skip();
    if (error_) return;
    if (at_ >= text_.size()) return fail("a number, a column or a bracket expected");
    const char c = text_[at_];
    if (is_digit(c) || c == '.') return parse_number();
    if (c == '`') return parse_quoted();
    if (is_letter(c)) return parse_name();
    if (!take("(")) return fail(std::string("'") + c + "' is not understood");
    parse_or();
    if (!take(")")) fail("a closing bracket expected");
  }

  void parse_number() {
    double value = 0;
    const auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (status != std::errc() || !std::isfinite(value)) return fail("not a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    emit(Op::number, value);
  }

  void parse_quoted() {
    const std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos || end == at_ + 1) return fail("a column name between backquotes expected");
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    column(name);
  }

  void parse_name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (!take("(")) return column(name);
    const auto function = std::find_if(functions.begin(), functions.end(), [&](const Function& f) { return f.name == name; });
    if (function == functions.end()) return fail("there is no function '" + std::string(name) + "'; there are abs, sqrt, exp, log, floor, ceil, min, max, if");
    for (int i = 0; i < function->arguments; ++i) {
      if (i > 0 && !take(",")) return fail(std::string(name) + " takes " + std::to_string(function->arguments) + " arguments");
      parse_or();
    }
    if (!take(")")) return fail("a closing bracket expected");
    emit(function->op);
  }

  void column(std::string_view name) {
    auto& columns = expression_.columns_;
    const auto found = std::find(columns.begin(), columns.end(), name);
    const auto index = static_cast<std::size_t>(found - columns.begin());
    if (found == columns.end()) columns.emplace_back(name);
    emit(Op::column, 0, index);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::size_t stack_ = 0;
  Expression expression_;
  std::optional<Error> error_;
};

Result<Expression> Expression::parse(std::string_view text) { return ExpressionParser(text).run(); }

int Expression::arity(Op op) {
  switch (op) {
    case Op::number:
    case Op::column: return 0;
    case Op::negate:
    case Op::logical_not:
    case Op::absolute:
    case Op::square_root:
    case Op::exponential:
    case Op::logarithm:
    case Op::floor:
    case Op::ceiling: return 1;
    case Op::choose: return 3;
    default: return 2;
  }
}

double Expression::compute(Op op, double a, double b, double c) {
  switch (op) {
    case Op::negate: return -a;
    case Op::add: return a + b;
    case Op::subtract: return a - b;
    case Op::multiply: return a * b;
    case Op::divide: return a / b;
    case Op::power: return std::pow(a, b);
    case Op::less: return a < b ? 1 : 0;
    case Op::less_equal: return a <= b ? 1 : 0;
    case Op::greater: return a > b ? 1 : 0;
    case Op::greater_equal: return a >= b ? 1 : 0;
    case Op::equal: return a == b ? 1 : 0;
    case Op::not_equal: return a != b ? 1 : 0;
    case Op::logical_and: return a != 0 && b != 0 ? 1 : 0;
    case Op::logical_or: return a != 0 || b != 0 ? 1 : 0;
    case Op::logical_not: return a == 0 ? 1 : 0;
    case Op::absolute: return std::fabs(a);
    case Op::square_root: return std::sqrt(a);
    case Op::exponential: return std::exp(a);
    case Op::logarithm: return std::log(a);
    case Op::floor: return std::floor(a);
    case Op::ceiling: return std::ceil(a);
    case Op::minimum: return b < a ? b : a;
    case Op::maximum: return a < b ? b : a;
    case Op::choose: return a != 0 ? b : c;
    default: return 0;
  }
}

Result<std::vector<double>> Expression::evaluate(std::span<const std::span<const double>> values, std::size_t rows) const {
  if (values.size() != columns_.size()) return Error(ErrorCode::internal, "an expression was given another number of columns", "Give one span a column.");
  std::vector<double> out(rows);
  std::vector<double> stack(deepest_ + 1);
  for (std::size_t row = 0; row < rows; ++row) {
    std::size_t top = 0;
    for (const Step& step : steps_) {
      if (step.op == Op::number) {
        stack[top++] = step.number;
      } else if (step.op == Op::column) {
        stack[top++] = values[step.column][row];
      } else {
        const auto count = static_cast<std::size_t>(arity(step.op));
        top -= count;
        const double a = stack[top];
        const double b = count > 1 ? stack[top + 1] : 0;
        const double c = count > 2 ? stack[top + 2] : 0;
        stack[top++] = compute(step.op, a, b, c);
      }
    }
    out[row] = stack[0];
  }
  return out;
}

}  // namespace plimsoll
