// SPDX-License-Identifier: Apache-2.0
// The set of good models from learning rows, and the range of each row over it. Rows are independent and each range is a
// function of the learning patterns and the row's own values alone, so neither threads nor batches change a byte.
#include <algorithm>
#include <array>
#include <cmath>

#include "learn/logistic.h"
#include "methods/probability/multiplicity/multiplicity.h"
#include "solve/mip.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr std::int64_t most_exact_patterns = 100'000;
constexpr double beyond_doubt = 25;  // logits: no finite minimum is to be expected there without a penalty

Error separated() {
  return Error(ErrorCode::bad_value, "the rows are separated: without a penalty the loss falls for ever and the set of good models has no end",
               "Give a penalty above 0.").in_parameter("l2");
}

// Some direction lowers the loss for ever if s_i x_i'w >= 0 for all rows of one outcome alone (s_i its sign), x_i'w = 0 for
// mixed patterns, and not all are zero: a linear program (Konis 2007).
Result<bool> separates(Context& context, const learn::Patterns& p) {
  solve::MipModel lp;
  lp.sense = solve::Sense::maximise;
  std::vector<std::int32_t> columns;
  for (std::int64_t j = 0; j <= p.width; ++j) columns.push_back(lp.add_variable(-solve::infinite, solve::infinite, 0));
  const auto width = static_cast<std::size_t>(p.width);
  for (std::size_t i = 0; i < p.weight.size(); ++i) {
    const bool mixed = p.positive[i] > 0 && p.positive[i] < p.weight[i];
    const double sign = p.positive[i] > 0 ? 1 : -1;
    std::vector<std::int32_t> row = columns;
    std::vector<double> values;
    for (std::size_t j = 0; j < width; ++j) values.push_back(sign * p.x[i * width + j]);
    values.push_back(sign);
    if (!mixed) {
      row.push_back(lp.add_variable(0, 1, 1));
      values.push_back(-1);
    }
    lp.add_row(0, mixed ? 0 : solve::infinite, row, values);
  }
  PLIMSOLL_TRY(const solve::MipSolution found, solve::solve_mip(context, lp, {}));
  return found.found && found.objective > 1e-6;
}

Result<void> refuse_separated(Context& context, const learn::Patterns& patterns) {
  const auto answer = separates(context, patterns);
  if (answer.ok()) return *answer ? Result<void>(separated()) : Result<void>();
  if (answer.error().code == ErrorCode::missing_plugin) return {};  // the size of the logits tells, after the fit
  return answer.error();
}

bool constant_model_qualifies(const learn::LevelSet& set) {
  const learn::Patterns& p = set.patterns();
  double mass = 0;
  double positive = 0;
  for (std::size_t i = 0; i < p.weight.size(); ++i) {
    mass += p.weight[i];
    positive += p.positive[i];
  }
  std::vector<double> model(static_cast<std::size_t>(p.width) + 1, 0.0);
  model.back() = std::log(positive / (mass - positive));
  return set.loss(model) <= set.target();
}

Result<void> sound(const Model& m) {
  const auto n = m.weight.size();
  const auto width = static_cast<std::size_t>(m.encoding.width());
  const auto finite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  };
  bool good = n > 0 && width > 0 && m.positive.size() == n && m.x.size() / width == n && m.x.size() % width == 0 &&
              m.best.size() == width + 1 && finite(m.x) && finite(m.weight) && finite(m.positive) && finite(m.best);
  for (std::size_t i = 0; good && i < n; ++i) good = m.weight[i] > 0 && m.positive[i] >= 0 && m.positive[i] <= m.weight[i];
  for (const Feature& feature : m.encoding.features) {
    const auto columns = static_cast<std::int64_t>(feature.category ? feature.levels.size() : 1);
    good = good && feature.scale > 0 && std::is_sorted(feature.levels.begin(), feature.levels.end()) &&
           std::all_of(feature.used.begin(), feature.used.end(), [&](std::int64_t k) { return k >= 0 && k < columns; });
  }
  if (good) return {};
  return Error(ErrorCode::corrupt_file, "the learning patterns of the model are damaged", "Fit the model again.");
}

}  // namespace

Ends ends_for(Ends asked, std::int64_t patterns) {
  if (asked != Ends::automatic) return asked;
  return patterns <= most_exact_patterns ? Ends::exact : Ends::ellipsoid;
}

Result<learn::LevelSet> learn_set(Context& context, const Learning& learning, const Spec& spec) {
  if (spec.l2 == 0) PLIMSOLL_CHECK(refuse_separated(context, learning.patterns));
  PLIMSOLL_TRY(learn::LevelSet set, learn::LevelSet::fit(context, learning.patterns, spec.l2));
  const auto width = static_cast<std::size_t>(set.patterns().width);
  for (std::int64_t i = 0; spec.l2 == 0 && i < set.patterns().size(); ++i) {
    const std::span<const double> x(set.patterns().x.data() + static_cast<std::size_t>(i) * width, width);
    if (std::fabs(learn::logit_of(set.best(), x)) > beyond_doubt) return separated();
  }
  set.set_target(spec.slack == Slack::relative ? set.best_loss() * (1 + spec.eps) : set.best_loss() + spec.eps);
  if (constant_model_qualifies(set)) {
    context.warn("eps is so large that a model which gives every row the same probability counts as good: any model qualifies.");
  }
  return set;
}

Result<Ranges> find_ranges(Context& context, const learn::LevelSet& set, const Distinct& rows, Ends ends, bool keep_models) {
  Ranges out;
  out.exact = ends == Ends::exact;
  const auto n = static_cast<std::size_t>(rows.size());
  const auto width = static_cast<std::size_t>(set.patterns().width);
  out.low.resize(n);
  out.high.resize(n);
  out.best.resize(n);
  const auto task = [&](std::int64_t which) -> Result<void> {
    const auto i = static_cast<std::size_t>(which);
    const std::span<const double> x(rows.x.data() + i * width, width);
    out.best[i] = learn::logit_of(set.best(), x);
    for (const int sign : {-1, 1}) {
      learn::RangeEnd end;
      if (out.exact) end = set.farthest(x, sign);
      else end.logit = set.ellipsoid(x, sign);
      if (!keep_models) end.model = {};
      (sign < 0 ? out.low : out.high)[i] = std::move(end);
    }
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each(rows.size(), context.stop, task));
  return out;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_TRY(Learning learning, read_learning(context, inputs.data, params));
  PLIMSOLL_TRY(const learn::LevelSet set, learn_set(context, learning, params));
  Model model;
  model.encoding = std::move(learning.encoding);
  model.eps = params.eps;
  model.l2 = params.l2;
  model.target = set.target();
  model.best_loss = set.best_loss();
  model.threshold = params.threshold;
  model.ends = ends_for(params.ends, set.patterns().size());
  model.rows = inputs.data.rows();
  model.best = set.best();
  model.x = set.patterns().x;
  model.weight = set.patterns().weight;
  model.positive = set.patterns().positive;
  return model;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  learn::Patterns patterns{model.encoding.width(), model.x, model.weight, model.positive};
  PLIMSOLL_TRY(learn::LevelSet set, learn::LevelSet::restore(std::move(patterns), model.l2, model.best));
  if (!(model.target > set.best_loss())) return Error(ErrorCode::corrupt_file, "the model's target lies below its best loss", "Fit the model again.");
  set.set_target(model.target);
  PLIMSOLL_TRY(const Distinct rows, read_rows(context, inputs.data, model.encoding));
  PLIMSOLL_TRY(const Ranges ranges, find_ranges(context, set, rows, model.ends, false));
  std::array<std::vector<double>, 4> columns;
  std::vector<bool> straddles;
  for (const std::int32_t which : rows.pattern_of_row) {
    const auto i = static_cast<std::size_t>(which);
    const double low = learn::sigmoid(ranges.low[i].logit);
    const double high = learn::sigmoid(ranges.high[i].logit);
    columns[0].push_back(learn::sigmoid(ranges.best[i]));
    columns[1].push_back(low);
    columns[2].push_back(high);
    columns[3].push_back(high - low);
    straddles.push_back(low < model.threshold && model.threshold <= high);
  }
  PLIMSOLL_TRY(const Table scored, TableBuilder().real("probability", std::move(columns[0])).real("low", std::move(columns[1]))
                                       .real("high", std::move(columns[2])).real("width", std::move(columns[3]))
                                       .boolean("straddles", std::move(straddles)).build());
  std::vector<std::string> ids;
  if (options.keep == Keep::id) {
    PLIMSOLL_TRY(ids, inputs.data.role_columns("id"));
  }
  PLIMSOLL_TRY(const Table kept, options.keep == Keep::all ? Result<Table>(inputs.data) : inputs.data.select(ids));
  if (kept.columns().empty()) return Outputs{scored.with_first_row(inputs.data.first_row())};
  PLIMSOLL_TRY(const Table whole, kept.beside(scored));
  return Outputs{whole.with_first_row(inputs.data.first_row())};
}

}  // namespace plimsoll::probability::multiplicity
