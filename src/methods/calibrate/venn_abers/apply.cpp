// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/artifact.h"
#include "engine/door.h"
#include "learn/calibration_audit.h"
#include "learn/logistic.h"
#include "methods/calibrate/venn_abers/venn_abers.h"

namespace plimsoll::calibrate::venn_abers {
namespace {

struct Answers {
  std::vector<double> p, p0, p1;
};

Result<Answers> answers_of(const Model& model, const learn::BinaryBatch& batch) {
  if (batch.scores.size() != 1 && batch.scores.size() != model.pieces.size())
    return Error(ErrorCode::bad_parameter, std::to_string(batch.scores.size()) + " score columns are bound for " + std::to_string(model.pieces.size()) + " maps", "Bind one column, or one a fold in the order of the folds' names.").in_parameter("probability");
  Answers out;
  const std::size_t rows = batch.rows.size();
  out.p.resize(rows);
  out.p0.resize(rows);
  out.p1.resize(rows);
  if (model.pieces.size() == 1) {
    model.pieces[0].map.pairs(batch.scores[0], out.p0, out.p1);
    const bool log = model.params.merge == learn::Merge::log;
    for (std::size_t i = 0; i < rows; ++i) out.p[i] = log ? stats::merge_log_loss({out.p0[i], out.p1[i]}) : stats::merge_brier({out.p0[i], out.p1[i]});
    return out;
  }
  std::vector<double> scores(batch.scores.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < scores.size(); ++k) scores[k] = batch.scores[k][i];
    const Merged one = merged(model, scores);
    out.p[i] = one.p;
    out.p0[i] = one.p0;
    out.p1[i] = one.p1;
  }
  return out;
}

}  // namespace

Merged merged(const Model& model, std::span<const double> scores) {
  const bool log = model.params.merge == learn::Merge::log;
  if (model.pieces.size() == 1) {
    const stats::VennAbersPair pair = model.pieces[0].map.steps.at(scores[0]);
    return {pair.p0, pair.p1, log ? stats::merge_log_loss(pair) : stats::merge_brier(pair)};
  }
  double zero = 0, one = 0, brier = 0;
  for (std::size_t k = 0; k < model.pieces.size(); ++k) {
    const stats::VennAbersPair pair = model.pieces[k].map.steps.at(scores[scores.size() == 1 ? 0 : k]);
    zero += log ? std::log1p(-pair.p0) : pair.p0;
    one += log ? std::log(pair.p1) : pair.p1;
    brier += stats::merge_brier(pair);
  }
  const auto folds = static_cast<double>(model.pieces.size());
  if (!log) return {zero / folds, one / folds, brier / folds};
  const double not_zero = std::exp(zero / folds);
  const double p1 = std::exp(one / folds);
  return {1 - not_zero, p1, p1 / (not_zero + p1)};
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::BinaryColumns columns, learn::binary_columns_like(inputs.data, model.columns, false));
  learn::BinaryReading reading = model.params.reading;
  reading.missing = learn::MissingRows::refuse;
  PLIMSOLL_TRY(const learn::BinaryBatch batch, learn::read_binary(inputs.data, columns, reading));
  PLIMSOLL_TRY(Answers answers, answers_of(model, batch));
  if (batch.clipped > 0 && context.tally) context.tally("{} probabilities lay outside [0, 1] by less than 1e-9 and were clipped.", batch.clipped);
  std::vector<double> width(answers.p.size());
  for (std::size_t i = 0; i < width.size(); ++i) width[i] = answers.p1[i] - answers.p0[i];
  PLIMSOLL_TRY(Table answer, TableBuilder().real("calibrated", std::move(answers.p)).real("p0", std::move(answers.p0)).real("p1", std::move(answers.p1)).real("width", std::move(width)).build());
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  Certificate certificate;
  const bool exact = model.pieces.size() == 1 && !model.weighted && model.dropped_bits == 0;
  certificate.template_id = "calibration.venn";
  certificate.promise = exact ? "For a new row that is exchangeable with the " + std::to_string(model.n) + " calibration rows, one of the two probabilities p0 and p1 is perfectly calibrated: with P = p1 if the event happens and P = p0 if not, the chance of the event given P is P. Which of the two it is, nobody knows beforehand; their distance says how much that matters."
                                : "p0 and p1 enclose probabilities that are calibrated the better the more rows there are; the exact promise of a single Venn-Abers predictor on unweighted rows does not carry over to " + std::string(model.pieces.size() > 1 ? "merged folds." : model.weighted ? "weighted rows." : "rounded scores.");
  certificate.values = {{"n", static_cast<double>(model.n)}, {"events", static_cast<double>(model.events)}, {"folds", static_cast<double>(model.pieces.size())}};
  certificate.n = model.n;
  certificate.exactness = exact ? Exactness::exact : Exactness::asymptotic;
  certificate.assumptions = {"new rows are exchangeable with the calibration rows", "the model behind the scores has not learned from the calibration rows"};
  certificate.remarks.push_back("The merged probability 'calibrated' lies between the two; it is minimax for the chosen loss, and carries no exact promise of its own.");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  certificate.falsified_by = "plimsoll prove calibrate.venn_abers";
  return certificate;
}

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  PLIMSOLL_CHECK(context.stop.check());
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::BinaryColumns columns, learn::binary_columns_like(inputs.data, model.columns, true));
  PLIMSOLL_TRY(learn::BinaryBatch batch, learn::read_binary(inputs.data, columns, model.params.reading));
  PLIMSOLL_TRY(Answers answers, answers_of(model, batch));
  double width = 0, widest = 0;
  for (std::size_t i = 0; i < answers.p.size(); ++i) {
    width += answers.p1[i] - answers.p0[i];
    widest = std::max(widest, answers.p1[i] - answers.p0[i]);
  }
  learn::AuditRows rows;
  std::vector<double> before = batch.scores.front();
  if (model.params.reading.logits)
    for (double& s : before) s = learn::sigmoid(s);
  rows.sides = {{"as given", std::move(before)}, {"calibrated", std::move(answers.p)}};
  rows.outcome = std::move(batch.outcome);
  rows.weight = std::move(batch.weight);
  learn::AuditOptions options{params.level, static_cast<int>(params.bins), false, static_cast<int>(params.bootstrap), 1e-15, {}};
  Report out;
  out.title = "Venn-Abers probabilities";
  out.facts = {{"method", "calibrate.venn_abers"}, {"calibration rows", std::to_string(model.n)}, {"rows", std::to_string(rows.outcome.size())}};
  PLIMSOLL_TRY(options.remark, learn::double_use(context, model.fingerprint, inputs.data, out));
  PLIMSOLL_CHECK(learn::add_audit(context, rows, options, out));
  out.figures.emplace_back("mean_width", width / static_cast<double>(rows.outcome.size()));
  out.figures.emplace_back("largest_width", widest);
  return out;
}

}  // namespace plimsoll::calibrate::venn_abers
