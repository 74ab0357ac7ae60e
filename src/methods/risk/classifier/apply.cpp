// SPDX-License-Identifier: Apache-2.0
// Rows are independent: nothing here looks at more than one row, so the door may cut the cases anywhere and score the pieces in
// parallel.

#include <set>
#include <utility>

#include "methods/risk/classifier/predict.h"

namespace plimsoll::risk::classifier {
namespace {

void add_probabilities(TableBuilder& builder, const Model& model, Probabilities& p) {
  if (model.binary()) {
    builder.real("probability", std::move(p.probability[static_cast<std::size_t>(model.positive)]));
  } else {
    for (std::size_t k = 0; k < model.classes.size(); ++k) builder.real("probability." + model.classes[k], std::move(p.probability[k]));
  }
  builder.real("lower", std::move(p.lower));
  builder.real("upper", std::move(p.upper));
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const Cases& cases, const Options& options) {
  PLIMSOLL_CHECK(check_model(model));
  PLIMSOLL_TRY(const Table kept, learn::kept_columns(cases.data, options.keep));
  PLIMSOLL_TRY(const Columns scores, learner_scores(context, model, cases.data, std::nullopt));
  Probabilities p = calibrated(model, scores);
  const std::vector<double> thresholds = thresholds_of(model);
  PLIMSOLL_TRY(Sets sets, sets_at(model, p.probability, thresholds));
  const std::vector<std::uint8_t> decisions = decisions_of(model, p, sets);
  TableBuilder builder;
  add_probabilities(builder, model, p);
  if (model.classes.size() > 64)
    builder.list_of_text("set", std::move(sets.offsets), std::move(sets.wide), model.classes);
  else
    builder.list_of_text("set", std::move(sets.offsets), std::move(sets.narrow), model.classes);
  builder.category("decision", std::vector<std::int32_t>(decisions.begin(), decisions.end()), decision_names());
  PLIMSOLL_TRY(Table scored, std::move(builder).build());
  if (kept.columns().empty()) return Outputs{scored.with_first_row(cases.data.first_row())};
  PLIMSOLL_TRY(const Table whole, kept.beside(scored));
  return Outputs{whole.with_first_row(cases.data.first_row())};
}

}  // namespace plimsoll::risk::classifier
