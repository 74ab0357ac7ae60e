// SPDX-License-Identifier: Apache-2.0
// Losses of rows at every lambda of the grid. A row's set {k : p_k >= 1 - lambda} only grows with lambda, so a row costs one place
// in the grid a class, and running counts from there.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>

#include "base/hash.h"
#include "methods/conformal/riskcontrol/riskcontrol.h"

namespace plimsoll::conformal::riskcontrol {
namespace {

struct Named {
  std::string risk;
  double lambda = 0;
};
// "fnr@0.25": the risk's name and the lambda.
Result<Named> named(const std::string& column) {
  const std::size_t at = column.rfind('@');
  Named found;
  if (at != std::string::npos) {
    const char* end = column.data() + column.size();
    const auto [stop, error] = std::from_chars(column.data() + at + 1, end, found.lambda);
    if (error == std::errc() && stop == end && std::isfinite(found.lambda)) {
      found.risk = at == 0 ? "loss" : column.substr(0, at);
      return found;
    }
  }
  return Error(ErrorCode::bad_parameter, "the column '" + column + "' does not say its lambda", "Name columns of losses NAME@LAMBDA, such as fnr@0.25.").in_parameter("loss").in_column(column);
}

// Columns in the order risks x rising lambdas; every risk must have the same lambdas.
Result<void> plan_given(Plan& plan, const std::vector<std::string>& columns) {
  std::map<std::string, std::map<double, std::string>> by_risk;
  for (const std::string& column : columns) {
    PLIMSOLL_TRY(const Named name, named(column));
    if (std::find(plan.names.begin(), plan.names.end(), name.risk) == plan.names.end()) plan.names.push_back(name.risk);
    if (!by_risk[name.risk].emplace(name.lambda, column).second)
      return Error(ErrorCode::bad_parameter, "two columns give the loss '" + name.risk + "' at the same lambda", "Drop one.").in_parameter("loss").in_column(column);
  }
  for (const auto& [lambda, column] : by_risk[plan.names.front()]) plan.lambdas.push_back(lambda);
  for (const std::string& risk : plan.names) {
    plan.losses.push_back(Loss::given);
    std::vector<double> own;
    for (const auto& [lambda, column] : by_risk[risk]) {
      own.push_back(lambda);
      plan.columns.loss.push_back(column);
    }
    if (own != plan.lambdas) return Error(ErrorCode::bad_parameter, "the risks '" + plan.names.front() + "' and '" + risk + "' have different lambdas", "Give every risk at the same lambdas.").in_parameter("loss");
  }
  return {};
}

Result<void> plan_computed(Plan& plan, const Table& table, const Params& params) {
  Columns& columns = plan.columns;
  PLIMSOLL_TRY(columns.label, table.role_columns("label"));
  PLIMSOLL_TRY(columns.target, one_column(table, "target"));
  if (columns.probability.empty())
    return Error(ErrorCode::missing_input, "neither losses nor class probabilities are bound", "Bind --loss 'NAME@*', or --probability 'p_*' with --target or --label.").in_parameter("probability");
  if (columns.target.empty() == columns.label.empty())
    return Error(ErrorCode::missing_input, "the truth must be bound in one way", "Bind --target COLUMN (one true class a row) or --label COLUMNS (several).").in_parameter("target");
  if (!columns.label.empty() && columns.label.size() != columns.probability.size())
    return Error(ErrorCode::bad_parameter, std::to_string(columns.label.size()) + " labels stand against " + std::to_string(columns.probability.size()) + " probabilities", "Bind a label to each probability, in the same order.").in_parameter("label");
  plan.names = params.losses;
  if (plan.names.empty()) plan.names.push_back(columns.label.empty() ? "miscoverage" : "false_negative");
  for (const std::string& name : plan.names) {
    plan.losses.push_back(name == "miscoverage" ? Loss::miscoverage : name == "false_negative" ? Loss::false_negative : Loss::false_discovery);
    if (plan.losses.back() == Loss::miscoverage && columns.target.empty())
      return Error(ErrorCode::bad_parameter, "miscoverage needs one true class a row", "Bind --target, or control false_negative.").in_parameter("losses");
  }
  for (const std::string& column : columns.probability) plan.classes.push_back(column.starts_with(params.prefix) && column.size() > params.prefix.size() ? column.substr(params.prefix.size()) : column);
  for (std::int64_t j = 0; j < params.grid; ++j) plan.lambdas.push_back(static_cast<double>(j) / static_cast<double>(params.grid - 1));
  return {};
}

// Numerator and denominator of each risk at each lambda for one unit; the loss is their ratio, 0 where nothing stands below.
struct UnitLoss {
  std::vector<double> over, under;
};

class RowLosses {
 public:
  RowLosses(const Plan& plan, const Params& params) : plan_(plan), params_(params), width_(plan.lambdas.size()) {}

  Result<void> open(const Table& table) {
    first_row_ = table.first_row();
    for (const std::string& name : plan_.columns.loss) {
      PLIMSOLL_TRY(Reals column, table.reals(name));
      losses_.push_back(std::move(column));
    }
    if (!losses_.empty()) return {};
    for (const std::string& name : plan_.columns.probability) {
      PLIMSOLL_TRY(Reals column, table.reals(name));
      probabilities_.push_back(std::move(column));
    }
    for (const std::string& name : plan_.columns.label) {
      PLIMSOLL_TRY(Reals column, table.reals(name));
      labels_.push_back(std::move(column));
    }
    return plan_.columns.label.empty() ? read_target(table) : Result<void>();
  }

  Result<void> add(std::size_t row, UnitLoss& unit) const {
    if (!losses_.empty()) return add_given(row, unit);
    for (std::size_t k = 0; k < probabilities_.size(); ++k) {
      const double p = probabilities_[k][row];
      if (!(p >= 0 && p <= 1)) return bad(row, plan_.columns.probability[k], "a probability lies outside [0, 1]", "Give probabilities.");
      if (!labels_.empty() && labels_[k][row] != 0 && labels_[k][row] != 1) return bad(row, plan_.columns.label[k], "a label is neither 0 nor 1", "Give 1 where the class is among the true ones, else 0.");
    }
    for (std::size_t r = 0; r < plan_.losses.size(); ++r) {
      double* over = unit.over.data() + r * width_;
      double* under = unit.under.data() + r * width_;
      if (plan_.losses[r] == Loss::false_discovery) add_discoveries(row, over, under);
      else add_missed(row, over, under);
    }
    return {};
  }

 private:
  Result<void> read_target(const Table& table) {
    PLIMSOLL_TRY(const Categories found, table.categories(plan_.columns.target));
    std::vector<std::int32_t> code_of;
    for (const std::string& name : found.names) {
      const auto at = std::find(plan_.classes.begin(), plan_.classes.end(), name);
      code_of.push_back(at == plan_.classes.end() ? -1 : static_cast<std::int32_t>(at - plan_.classes.begin()));
    }
    for (std::size_t i = 0; i < found.codes.size(); ++i) {
      if (found.codes[i] < 0) return Error(ErrorCode::null_value, "the true class is missing", "Drop the row.").in_column(plan_.columns.target).at_row(first_row_ + static_cast<std::int64_t>(i));
      const auto code = static_cast<std::size_t>(found.codes[i]);
      if (code_of[code] < 0)
        return bad(i, plan_.columns.target, "the class '" + found.names[code] + "' has no column of probabilities", "Bind a probability of every class; the class name is what follows --prefix.");
      target_.push_back(code_of[code]);
    }
    return {};
  }

  bool is_true(std::size_t k, std::size_t row) const { return labels_.empty() ? target_[row] == static_cast<std::int32_t>(k) : labels_[k][row] == 1; }

  // The first place of the grid whose set holds class k, by the very comparison that apply makes.
  std::size_t place(std::size_t k, std::size_t row) const {
    const double p = probabilities_[k][row];
    const auto found = std::partition_point(plan_.lambdas.begin(), plan_.lambdas.end(), [&](double lambda) { return p < 1 - lambda; });
    return static_cast<std::size_t>(found - plan_.lambdas.begin());
  }

  void add_missed(std::size_t row, double* over, double* under) const {
    for (std::size_t k = 0; k < probabilities_.size(); ++k) {
      if (!is_true(k, row)) continue;
      const std::size_t held = place(k, row);
      for (std::size_t j = 0; j < width_; ++j) under[j] += 1;
      for (std::size_t j = 0; j < held; ++j) over[j] += 1;
    }
  }

  void add_discoveries(std::size_t row, double* over, double* under) const {
    for (std::size_t k = 0; k < probabilities_.size(); ++k) {
      const bool wrong = !is_true(k, row);
      for (std::size_t j = place(k, row); j < width_; ++j) {
        under[j] += 1;
        if (wrong) over[j] += 1;
      }
    }
  }

  Result<void> add_given(std::size_t row, UnitLoss& unit) const {
    for (std::size_t c = 0; c < losses_.size(); ++c) {
      const double loss = losses_[c][row];
      if (!(loss >= 0 && loss <= params_.bound)) return bad(row, plan_.columns.loss[c], "a loss lies outside [0, bound]", "Scale the losses, or state their --bound.");
      unit.over[c] += loss / params_.bound;
      unit.under[c] += 1;
    }
    return {};
  }

  Error bad(std::size_t row, const std::string& column, const std::string& what, const std::string& mend) const {
    return Error(ErrorCode::bad_value, what, mend).in_column(column).at_row(first_row_ + static_cast<std::int64_t>(row));
  }

  const Plan& plan_;
  const Params& params_;
  std::size_t width_;
  std::int64_t first_row_ = 0;
  std::vector<Reals> losses_, probabilities_, labels_;
  std::vector<std::int32_t> target_;
};

// Rows in the order of their units, units in the order of their first rows: offsets into `rows`.
struct Units {
  std::vector<std::size_t> rows, offsets;
};

Result<Units> units_of(const Table& table, const std::string& group) {
  Units units;
  const auto count = static_cast<std::size_t>(table.rows());
  units.rows.resize(count);
  if (group.empty()) {
    std::iota(units.rows.begin(), units.rows.end(), std::size_t{0});
    units.offsets.resize(count + 1);
    std::iota(units.offsets.begin(), units.offsets.end(), std::size_t{0});
    return units;
  }
  PLIMSOLL_TRY(const Categories found, table.categories(group));
  units.offsets.assign(found.names.size() + 1, 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (found.codes[i] < 0) return Error(ErrorCode::null_value, "the group is missing", "Drop the row.").in_column(group).at_row(table.first_row() + static_cast<std::int64_t>(i));
    ++units.offsets[static_cast<std::size_t>(found.codes[i]) + 1];
  }
  std::partial_sum(units.offsets.begin(), units.offsets.end(), units.offsets.begin());
  std::vector<std::size_t> next(units.offsets.begin(), units.offsets.end() - 1);
  for (std::size_t i = 0; i < count; ++i) units.rows[next[static_cast<std::size_t>(found.codes[i])]++] = i;
  return units;
}

// A coin for each unit, keyed by the id of its first row, else by the row's number.
Result<std::vector<char>> halves(Context& context, const Table& table, const std::string& id, const Units& units) {
  std::vector<std::string> ids;
  if (!id.empty()) {
    PLIMSOLL_TRY(ids, table.texts(id));
  }
  const Stream root = context.rng.child("conformal.riskcontrol halves");
  std::vector<char> half;
  for (std::size_t u = 0; u + 1 < units.offsets.size(); ++u) {
    const std::size_t row = units.rows[units.offsets[u]];
    Stream stream = root.child(ids.empty() ? static_cast<std::uint64_t>(table.first_row()) + row : hash64(ids[row]));
    half.push_back(static_cast<char>(stream.below(2)));
  }
  return half;
}

// The unit's losses in place of its sums; losses that rise with lambda are refused or raised.
Result<void> settle(UnitLoss& unit, const Plan& plan, const Params& params, const Reading& reading, std::int64_t row) {
  const std::size_t width = plan.lambdas.size();
  for (std::size_t c = 0; c < unit.over.size(); ++c) unit.over[c] = unit.under[c] > 0 ? unit.over[c] / unit.under[c] : 0;
  for (std::size_t r = 0; r < plan.losses.size(); ++r) {
    double* loss = unit.over.data() + r * width;
    for (std::size_t j = width - 1; j-- > 0;) {
      if (loss[j] >= loss[j + 1]) continue;
      if (params.monotonise) {
        loss[j] = loss[j + 1];
      } else if (reading.falling) {
        Error error(ErrorCode::bad_value, "the loss '" + plan.names[r] + "' rises with lambda", "Give losses that fall as lambda grows, raise them with --monotonise, or use --procedure ltt with --family holm.");
        return plan.columns.loss.empty() ? std::move(error).at_row(row) : std::move(error).in_column(plan.columns.loss[r * width + j + 1]).at_row(row);
      }
    }
  }
  return {};
}

void take(const UnitLoss& unit, bool ordered, Risks& risks) {
  ++risks.units;
  for (std::size_t c = 0; c < unit.over.size(); ++c) {
    const double loss = unit.over[c];
    RiskSum& one = risks.sums[c];
    one.sum.add(loss);
    one.squares.add_product(loss, loss);
    one.ones += loss == 1 ? 1 : 0;
    one.binary = one.binary && (loss == 0 || loss == 1);
    if (ordered) risks.columns[c].push_back(loss);
  }
}

}  // namespace

Result<Plan> plan_of(const Table& table, const Params& params) {
  Plan plan;
  PLIMSOLL_TRY(const std::vector<std::string> given, table.role_columns("loss"));
  PLIMSOLL_TRY(plan.columns.probability, table.role_columns("probability"));
  PLIMSOLL_TRY(plan.columns.group, one_column(table, "group"));
  PLIMSOLL_TRY(plan.columns.id, one_column(table, "id"));
  if (!given.empty() && (!plan.columns.probability.empty() || !params.losses.empty()))
    return Error(ErrorCode::bad_parameter, "losses are both given and to be computed", "Bind --loss, or --probability with the truth.").in_parameter("loss");
  PLIMSOLL_CHECK(given.empty() ? plan_computed(plan, table, params) : plan_given(plan, given));
  if (params.alpha.size() != plan.names.size())
    return Error(ErrorCode::bad_parameter, std::to_string(plan.names.size()) + " risks stand against " + std::to_string(params.alpha.size()) + " levels", "Give one level a risk: --alpha A,B.").in_parameter("alpha");
  return plan;
}

Plan plan_of(const Model& model) {
  Plan plan;
  plan.names = model.names;
  plan.classes = model.classes;
  plan.lambdas = model.lambdas;
  plan.columns = model.columns;
  for (const std::string& kind : model.kinds) {
    const auto known = choices_of(Loss{});
    plan.losses.push_back(static_cast<Loss>(std::find(known.begin(), known.end(), kind) - known.begin()));
  }
  return plan;
}

Result<Risks> read_risks(Context& context, const Table& table, const Plan& plan, const Params& params, const Reading& reading) {
  RowLosses rows(plan, params);
  PLIMSOLL_CHECK(rows.open(table));
  PLIMSOLL_TRY(const Units units, units_of(table, plan.columns.group));
  std::vector<char> half;
  if (reading.part < 2) {
    PLIMSOLL_TRY(half, halves(context, table, plan.columns.id, units));
  }
  const std::size_t cells = plan.losses.size() * plan.lambdas.size();
  Risks risks;
  risks.sums.resize(cells);
  if (reading.ordered) risks.columns.resize(cells);
  UnitLoss unit;
  for (std::size_t u = 0; u + 1 < units.offsets.size(); ++u) {
    if (u % 1024 == 0) PLIMSOLL_CHECK(context.stop.check());
    if (!half.empty() && half[u] != reading.part) continue;
    unit.over.assign(cells, 0);
    unit.under.assign(cells, 0);
    for (std::size_t at = units.offsets[u]; at < units.offsets[u + 1]; ++at) PLIMSOLL_CHECK(rows.add(units.rows[at], unit));
    PLIMSOLL_CHECK(settle(unit, plan, params, reading, table.first_row() + static_cast<std::int64_t>(units.rows[units.offsets[u]])));
    take(unit, reading.ordered, risks);
  }
  return risks;
}

}  // namespace plimsoll::conformal::riskcontrol
