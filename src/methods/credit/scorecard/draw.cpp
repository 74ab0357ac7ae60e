// SPDX-License-Identifier: Apache-2.0
// The scorecard on paper: the points of every bin, how the score is read, what each feature is worth and how surely, the front, and
// the query that scores elsewhere. With rows, also how it does on them.

#include <algorithm>
#include <cmath>

#include "engine/artifact.h"
#include "methods/credit/scorecard/scorecard.h"
#include "stats/distributions.h"

namespace plimsoll::credit::scorecard {
namespace {

// Always that many digits after the point, so that columns line up on paper.
std::string fixed(double x, int places) {
  std::int64_t scale = 1;
  for (int k = 0; k < places; ++k) scale *= 10;
  if (!(std::fabs(x) < 1e15 / static_cast<double>(scale))) return digits(x);
  const std::int64_t units = std::llround(std::fabs(x) * static_cast<double>(scale));
  std::string text = std::to_string(units / scale);
  if (places > 0) {
    const std::string part = std::to_string(units % scale);
    text += "." + std::string(static_cast<std::size_t>(places) - part.size(), '0') + part;
  }
  return (x < 0 && units > 0 ? "-" : "") + text;
}
std::string percent(double x) { return fixed(100 * x, 1) + " %"; }

void card_table(const Model& model, Report& report) {
  TableBlock block;
  block.title = "Scorecard";
  block.columns = {"feature", "bin", "points", "goods", "bads", "bad rate", "low", "high", "WoE", "error"};
  const double z = stats::normal_upper_quantile(model.params.alpha / 2);
  block.caption = "Add the points of one bin of each feature. More points, less risk. WoE is ln(share of bads / share of goods); the limits of the bad rate are at " + percent(1 - model.params.alpha) + ".";
  const double centre = std::log(model.bads / model.goods);
  const auto rate = [&](double woe) { return percent(1 / (1 + std::exp(-(woe + centre)))); };
  for (const std::size_t f : used_features(model))
    for (std::size_t b = 0; b < model.features[f].bins.size() && block.rows.size() < report_limits::rows; ++b) {
      const Bin& bin = model.features[f].bins[b];
      block.rows.push_back({b == 0 ? model.features[f].name : std::string(), bin.label, bin.points, fixed(bin.goods, model.weighted ? 1 : 0), fixed(bin.bads, model.weighted ? 1 : 0), percent(bin.bads / (bin.goods + bin.bads)),
                            rate(bin.woe - z * bin.error), rate(bin.woe + z * bin.error), fixed(bin.woe, 3), fixed(bin.error, 3)});
    }
  report.table(std::move(block));
}

void reading_table(const Model& model, Report& report) {
  TableBlock block;
  block.title = "How to read the score";
  block.caption = "The odds double with every " + digits(model.params.pdo) + " points. A value without a bin gets " + std::to_string(model.neutral_points) +
                  " points; rounding the points moves no score by more than " + fixed(model.rounding_bound, 2) + ".";
  block.columns = {"score", "goods for one bad", "probability of bad"};
  for (int k = -4; k <= 4; ++k) {
    const double score = model.params.base_score + k * model.params.pdo;
    const double odds = model.params.base_odds * std::exp2(k);
    block.rows.push_back({digits(score), fixed(odds, 2), fixed(1 / (1 + odds), 4)});
  }
  report.table(std::move(block));
}

void feature_table(const Model& model, Report& report) {
  TableBlock block;
  block.title = "What each feature is worth";
  block.caption = "Information value with its limits (bins taken as given). p: that a feature without any information would look as good, counting that the bins were chosen on these rows. A coefficient far from 1 means that the feature shares its information with others.";
  block.columns = {"feature", "bins", "IV", "low", "high", "p", "Gini", "trend", "coefficient", "in use", "note"};
  const bool paper = model.params.compat == Compat::paper;
  if (paper) block.columns.insert(block.columns.end(), {"paper_error", "paper_z", "paper_p"});
  std::vector<const Feature*> order;
  for (const Feature& feature : model.features) order.push_back(&feature);
  std::stable_sort(order.begin(), order.end(), [](const Feature* a, const Feature* b) { return a->iv > b->iv; });
  for (const Feature* feature : order) {
    if (block.rows.size() >= report_limits::rows) break;
    block.rows.push_back({feature->name, static_cast<std::int64_t>(feature->bins.size()), fixed(feature->iv, 3), fixed(feature->iv_low, 3), fixed(feature->iv_high, 3),
                          feature->p_value < 0.001 ? std::string("below 0.001") : fixed(feature->p_value, 3), fixed(feature->gini, 3),
                          std::string(learn::choices_of(Trend::none)[static_cast<std::size_t>(feature->trend)]), fixed(feature->coefficient, 2), std::string(feature->used ? "yes" : "no"), feature->note});
    if (!paper) continue;
    const double z = feature->paper_error > 0 ? feature->iv / feature->paper_error : 0;
    block.rows.back().emplace_back(feature->paper_error);
    block.rows.back().emplace_back(z);
    block.rows.back().emplace_back(stats::normal_sf(z));
  }
  report.table(std::move(block));
  if (paper) report.text("The paper's z-test", "Its columns stand here for comparison. Its standard error is about half the truth; under no association its z-test rejects up to all of the time. Do not act on them.", ReportSeverity::warning);
}

void feature_figures(const Model& model, Report& report) {
  std::vector<const Feature*> order;
  for (const std::size_t f : used_features(model)) order.push_back(&model.features[f]);
  std::stable_sort(order.begin(), order.end(), [](const Feature* a, const Feature* b) { return a->iv > b->iv; });
  if (order.size() > 12) order.resize(12);
  const double z = stats::normal_upper_quantile(model.params.alpha / 2);
  for (const Feature* feature : order) {
    FigureBlock figure;
    figure.kind = FigureKind::intervals;
    figure.title = feature->name;
    figure.description = "Weight of evidence of each bin of " + feature->name + " with its limits; above zero the bin holds more bads than its share.";
    figure.x_title = "bin";
    figure.y_title = "weight of evidence";
    figure.has_reference = true;
    for (const Bin& bin : feature->bins) {
      figure.label.push_back(bin.label.size() > 60 ? bin.label.substr(0, 57) + "..." : bin.label);
      figure.y.push_back(bin.woe);
      figure.lo.push_back(bin.woe - z * bin.error);
      figure.hi.push_back(bin.woe + z * bin.error);
    }
    report.figure(std::move(figure));
  }
}

void front_blocks(const Model& model, Report& report) {
  if (model.front.empty()) return;
  TableBlock block;
  block.title = "Predictive against protected information";
  block.caption = "Each row is the best scorecard under its budget, with the gap that the solver proved, and the features with the number of their regular bins. The sums take features one by one; the score's own protected information and the impact ratio count their interplay" +
                  std::string(model.params.fairness.test_share > 0 ? ", on held-out rows as the AUC is." : ".");
  block.columns = {"budget", "sum of IV", "sum of protected IV", "low", "high", "features", "AUC", "AUC low", "AUC high", "impact ratio", "protected IV of the score", "gap"};
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "The front";
  figure.description = "Sum of information values against the sum of protected information that is allowed.";
  figure.x_title = "protected information";
  figure.y_title = "information value";
  for (const FrontPoint& point : model.front) {
    std::string features;
    for (std::size_t k = 0; k < point.features.size(); ++k) features += (features.empty() ? "" : ", ") + point.features[k] + " (" + std::to_string(point.bins[k]) + ")";
    block.rows.push_back({point.toll > 0 ? Cell("price " + digits(point.toll)) : std::isfinite(point.budget) ? Cell(point.budget) : Cell(std::string("none")), point.iv, point.protected_iv, point.protected_low, point.protected_high,
                          std::to_string(point.features.size()) + ": " + features, point.auc, point.auc_low, point.auc_high, point.impact_ratio, point.score_iv, point.gap});
    if (point.toll > 0) continue;  // not in the order of the budgets
    figure.x.push_back(point.protected_iv);
    figure.y.push_back(point.iv);
    figure.series.emplace_back("best scorecard");
  }
  report.figure(std::move(figure));
  report.table(std::move(block));
}

// Do the rows fill every bin exactly as the learning rows did?
Result<bool> are_learning_rows(const Model& model, const Table& table) {
  if (table.rows() != model.rows || model.weighted) return false;
  for (const Feature& feature : model.features) {
    std::int64_t unseen = 0;
    std::string word;
    PLIMSOLL_TRY(const std::vector<std::uint8_t> codes, codes_of(feature, table, &unseen, &word));
    std::vector<double> counts(256, 0.0);
    for (const std::uint8_t code : codes) ++counts[code];
    for (std::size_t b = 0; b < feature.bins.size(); ++b)
      if (counts[b] != feature.bins[b].goods + feature.bins[b].bads) return false;
  }
  return true;
}

}  // namespace

Result<Report> report(Context& context, const Model& model, const ReportInputs& inputs) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  Report page;
  page.title = "Scorecard for " + model.target;
  page.subtitle = "bad is " + model.bad_label + (model.good_label.empty() ? "" : ", good is " + model.good_label);
  page.facts = {{"rows", std::to_string(model.rows)}, {"bads", digits(model.bads)}, {"encoding", std::string(choices_of(model.params.encoding)[static_cast<std::size_t>(model.params.encoding)])},
                {"binning", std::string(choices_of(model.params.binning)[static_cast<std::size_t>(model.params.binning)])}};
  page.figures = {{"features", static_cast<double>(used_features(model).size())}, {"auc_of_learning", model.auc}};
  card_table(model, page);
  reading_table(model, page);
  feature_table(model, page);
  feature_figures(model, page);
  front_blocks(model, page);
  FindingsBlock findings;
  findings.title = "Columns not used";
  for (std::size_t k = 0; k < model.kept_out.size() && k < report_limits::findings; ++k) findings.findings.push_back({ReportSeverity::note, model.kept_out[k], model.notes[k], ""});
  if (!findings.findings.empty()) page.findings(std::move(findings));
  const std::string sql = sql_of(model);
  page.text("As SQL", sql.size() < report_limits::text_bytes ? sql : "The query is longer than a page takes: plimsoll apply MODEL DATA --export sql writes it to a file.");
  if (!inputs.data) return page;
  PLIMSOLL_TRY(const bool learned_from, are_learning_rows(model, *inputs.data));
  if (learned_from) {
    page.text("No other rows", "The rows given are those of learning: what is measured on them flatters the scorecard. Give other rows to see how it does.");
    return page;
  }
  AssessInputs measured;
  measured.data = *inputs.data;
  measured.model = std::make_shared<const Artifact>(Artifact::Provenance{}, Certificate{}, false, Box::of(Model(model)));
  AssessParams params;
  params.alpha = model.params.alpha;
  params.approval_rate = model.params.fairness.approval_rate;
  PLIMSOLL_TRY(const Report on_rows, assess(context, measured, params));
  page.verdict = on_rows.verdict;
  for (const auto& figure : on_rows.figures) page.figures.push_back(figure);
  for (const Block& block : on_rows.blocks) page.blocks.push_back(block);
  return page;
}

}  // namespace plimsoll::credit::scorecard
