// SPDX-License-Identifier: Apache-2.0
// Rows that apply scored and whose outcomes are not known yet: what they were given, before what is known of the model.

#include <algorithm>
#include <array>

#include "methods/risk/classifier/draw.h"
#include "methods/risk/classifier/held_out.h"

namespace plimsoll::risk::classifier {
namespace {

constexpr std::size_t bins = 20;

Result<TableBlock> decisions_of(const Table& scored) {
  PLIMSOLL_TRY(const Categories found, scored.categories("decision"));
  TableBlock block;
  block.title = "Decisions on the scored rows";
  block.columns = {"decision", "rows", "share"};
  for (const std::string& name : decision_names()) {
    const auto known = std::find(found.names.begin(), found.names.end(), name);
    const auto code = static_cast<std::int32_t>(known - found.names.begin());
    const std::int64_t rows = known == found.names.end() ? 0 : std::count(found.codes.begin(), found.codes.end(), code);
    block.rows.push_back({name, rows, static_cast<double>(rows) / static_cast<double>(std::max<std::int64_t>(1, scored.rows()))});
  }
  return block;
}

Result<FigureBlock> probabilities_of(const Table& scored) {
  PLIMSOLL_TRY(const Reals given, scored.reals("probability"));
  std::array<double, bins> counts{};
  for (const double p : given) {
    if (p < 0 || p > 1) return Error(ErrorCode::bad_value, "a probability lies outside [0, 1]", "Give the table that apply wrote.").in_column("probability");
    counts[std::min(bins - 1, static_cast<std::size_t>(p * static_cast<double>(bins)))] += 1;
  }
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "Probabilities of the scored rows";
  figure.description = "Number of scored rows by the probability that they were given.";
  figure.x_title = "probability given";
  figure.y_title = "rows";
  for (std::size_t i = 0; i < bins; ++i) {
    figure.x0.push_back(static_cast<double>(i) / static_cast<double>(bins));
    figure.x1.push_back(static_cast<double>(i + 1) / static_cast<double>(bins));
    figure.y.push_back(counts[i]);
  }
  return figure;
}

}  // namespace

Result<Report> draw_unlabelled(const Model& model, const Certificate& promise, const Table& scored) {
  if (!is_scored(model, scored))
    return Error(ErrorCode::missing_column, "the table has neither outcomes ('" + model.target + "') nor what apply writes", "Score it first with plimsoll apply, or give labelled rows.").in_column(model.target);
  Report report = draw(model, promise, model.held_out);
  PLIMSOLL_TRY(TableBlock decisions, decisions_of(scored));
  std::vector<Block> first = {TextBlock{"Scored rows",
                                        std::to_string(scored.rows()) + " rows were scored; their outcomes ('" + model.target +
                                            "') are not in the table. What follows them is known from the rows that the fit held out."},
                              std::move(decisions)};
  if (model.binary()) {
    PLIMSOLL_TRY(FigureBlock figure, probabilities_of(scored));
    first.emplace_back(std::move(figure));
  }
  report.blocks.insert(report.blocks.begin(), std::make_move_iterator(first.begin()), std::make_move_iterator(first.end()));
  return report;
}

}  // namespace plimsoll::risk::classifier
