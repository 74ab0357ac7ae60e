// SPDX-License-Identifier: Apache-2.0
// Applying the maps, and watching them: for a calibrated p the product of (q / p)^y ((1 - q) / (1 - p))^(1 - y), with q = p moved by a
// fixed shift of the log-odds, is a nonnegative martingale of mean 1, and so is the mean of several. It passes 1 / a at any time
// with probability at most a (Ville 1939), however long one watches: the e-value test of sequential calibration.
#include <algorithm>
#include <array>
#include <cmath>

#include "learn/logistic.h"
#include "methods/calibrate/binary/binary.h"

namespace plimsoll::calibrate::binary {
namespace {

constexpr std::array<double, 6> bets = {-1, -0.5, -0.25, 0.25, 0.5, 1};
constexpr double alarm_at = 6.907755278982137;  // ln 1000

double mapped(const learn::Calibrator& map, double score, Outside outside, bool& beyond) {
  if (score < map.low_score || score > map.high_score) {
    beyond = true;
    if (outside == Outside::clip && map.method != learn::Calibration::identity) score = std::clamp(score, map.low_score, map.high_score);
  }
  return map.apply(score);
}

double of_piece(const Model& model, const Piece& piece, double score, const std::string& cell, Outside outside, bool& beyond) {
  const double p = mapped(piece.map, score, outside, beyond);
  if (piece.groups.empty()) return p;
  const auto own = std::lower_bound(piece.groups.begin(), piece.groups.end(), cell, [](const GroupMap& group, const std::string& name) { return group.cell < name; });
  if (own == piece.groups.end() || own->cell != cell) return p;
  bool ignored = false;
  const auto rows = static_cast<double>(own->rows);
  const double share = rows / (rows + model.params.shrinkage);
  const double own_p = mapped(own->map, score, outside, ignored);
  if (own_p == p) return p;
  return learn::sigmoid(share * learn::log_odds(own_p) + (1 - share) * learn::log_odds(p));
}

}  // namespace

double Scorer::operator()(std::span<const double> scores, const std::string& cell, std::int64_t& beyond) const {
  bool out = false;
  double p = 0;
  for (std::size_t k = 0; k < model.pieces.size(); ++k) p += of_piece(model, model.pieces[k], scores[scores.size() == 1 ? 0 : k], cell, outside, out);
  p /= static_cast<double>(model.pieces.size());
  beyond += out ? 1 : 0;
  if (model.patches.empty()) return p;
  const std::vector<std::string> values = learn::part_cell(cell);
  for (const Patch& patch : model.patches)
    if (concerns(patch, values, p)) p = std::clamp(p + patch.shift, 0.0, 1.0);
  return p;
}

Result<std::vector<double>> calibrated(const Model& model, const learn::BinaryBatch& batch, Outside outside, std::int64_t& beyond) {
  if (batch.scores.size() != 1 && batch.scores.size() != model.pieces.size())
    return Error(ErrorCode::bad_parameter, std::to_string(batch.scores.size()) + " score columns are bound for " + std::to_string(model.pieces.size()) + " maps", "Bind one column, or one a fold in the order of the folds' names.").in_parameter("probability");
  const std::size_t rows = batch.rows.size();
  std::vector<double> out(rows);
  if (model.pieces.size() == 1 && model.pieces[0].groups.empty() && model.patches.empty()) {
    const learn::Calibrator& map = model.pieces[0].map;
    for (const double x : batch.scores[0]) beyond += x < map.low_score || x > map.high_score ? 1 : 0;
    if (beyond == 0 || outside == Outside::extrapolate || map.method == learn::Calibration::identity) {
      map.apply(batch.scores[0], out);
    } else {
      std::transform(batch.scores[0].begin(), batch.scores[0].end(), out.begin(), [&](double x) { return std::clamp(x, map.low_score, map.high_score); });
      map.apply(out, out);
    }
    return out;
  }
  const Scorer scorer{model, outside};
  std::vector<double> scores(batch.scores.size());
  const std::string none;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < scores.size(); ++k) scores[k] = batch.scores[k][i];
    out[i] = scorer(scores, batch.cell.empty() ? none : batch.cell[i], beyond);
  }
  return out;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::BinaryColumns columns, learn::binary_columns_like(inputs.data, model.columns, false));
  learn::BinaryReading reading = model.params.reading;
  reading.missing = learn::MissingRows::refuse;  // each row gets its answer
  PLIMSOLL_TRY(const learn::BinaryBatch batch, learn::read_binary(inputs.data, columns, reading));
  std::int64_t beyond = 0;
  PLIMSOLL_TRY(std::vector<double> p, calibrated(model, batch, options.outside, beyond));
  if (beyond > 0 && options.outside == Outside::clip && context.tally) context.tally("{} rows have scores outside the range the map was learned from; they were taken at its ends.", beyond);
  if (batch.clipped > 0 && context.tally) context.tally("{} probabilities lay outside [0, 1] by less than 1e-9 and were clipped.", batch.clipped);
  TableBuilder builder;
  builder.real("calibrated", std::move(p));
  const bool pairs = model.chosen == learn::Calibration::venn_abers && model.pieces.size() == 1 && model.pieces[0].groups.empty() && model.patches.empty();
  if (pairs) {
    std::vector<double> p0(batch.rows.size()), p1(batch.rows.size());
    model.pieces[0].map.pairs(batch.scores[0], p0, p1);
    builder.real("p0", std::move(p0)).real("p1", std::move(p1));
  }
  PLIMSOLL_TRY(Table answer, std::move(builder).build());
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Row> step(Context& context, const Model& model, Watch& state, const Event& event) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  double score = model.params.reading.percent ? event.score / 100 : event.score;
  if (!std::isfinite(score) || (!model.params.reading.logits && (score < -1e-9 || score > 1 + 1e-9)))
    return Error(ErrorCode::bad_value, "the score is no probability", "Give a number between 0 and 1, or fit with --logits or --percent.").in_parameter("score");
  if (!model.params.reading.logits) score = std::clamp(score, 0.0, 1.0);
  if (state.wealth.size() != bets.size()) state.wealth.assign(bets.size(), 0.0);
  Row row;
  row.calibrated = Scorer{model}(std::span<const double>(&score, 1), event.group, state.outside);
  ++state.scored;
  if (event.outcome >= 0) {
    const double y = event.outcome == 1 ? 1 : 0;
    const double s = learn::log_odds(row.calibrated);
    // ln of (q / p)^y ((1 - q) / (1 - p))^(1 - y) with log-odds s + d against s.
    for (std::size_t k = 0; k < bets.size(); ++k) state.wealth[k] += y * bets[k] - learn::log1p_exp(s + bets[k]) + learn::log1p_exp(s);
    ++state.known;
    state.expected += row.calibrated;
    state.happened += y;
  }
  const double most = *std::max_element(state.wealth.begin(), state.wealth.end());
  double sum = 0;
  for (const double w : state.wealth) sum += std::exp(w - most);
  const double log_e = most + std::log(sum / static_cast<double>(bets.size()));
  state.peak = std::max(state.peak, log_e);
  row.e_value = std::exp(std::min(log_e, 700.0));
  row.alarm = state.peak >= alarm_at;
  return row;
}

Result<Certificate> certify(const Model& model) {
  const std::string name(learn::choices_of(model.chosen)[static_cast<std::size_t>(model.chosen)]);
  Certificate certificate;
  certificate.template_id = "calibration.map";
  certificate.promise = "The map '" + name + "', learned from " + std::to_string(model.n) + " rows, turns scores into probabilities that come true at their rate, for rows drawn like these, as far as the form of the map allows and the more so the more rows it has seen. This is asymptotic: nothing is promised for a finite number of rows. For a finite-sample promise take calibrate.venn_abers.";
  certificate.values = {{"n", static_cast<double>(model.n)}, {"events", static_cast<double>(model.events)}, {"rate", model.rate}, {"maps", static_cast<double>(model.pieces.size())}, {"patches", static_cast<double>(model.patches.size())}};
  certificate.n = model.n;
  certificate.exactness = Exactness::asymptotic;
  certificate.assumptions = {"new rows are drawn like the calibration rows", "the model behind the scores has not learned from the calibration rows"};
  if (!model.tried.empty()) certificate.remarks.push_back("The map was chosen on these rows by cross-validated log loss: the simplest within one standard error of the best.");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  if (model.dropped_bits > 0) certificate.remarks.push_back("Scores were rounded by their lowest " + std::to_string(model.dropped_bits) + " bits, because more than a million were distinct.");
  certificate.falsified_by = "plimsoll prove calibrate.binary";
  return certificate;
}

}  // namespace plimsoll::calibrate::binary
