// SPDX-License-Identifier: Apache-2.0
// The order of a fit: outcomes, the front (on its own part of the rows), bins, values, points, score bands.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "methods/credit/scorecard/scorecard.h"
#include "stats/roc.h"

namespace plimsoll::credit::scorecard {
namespace {

// A name that a map of parameters speaks of must be a feature.
Result<void> check_names(const std::map<std::string, std::string>& map, const std::vector<std::string>& names, const char* parameter, bool star) {
  for (const auto& [name, value] : map) {
    if ((star && name == "*") || std::find(names.begin(), names.end(), name) != names.end()) continue;
    return Error(ErrorCode::bad_parameter, "'" + name + "' is no feature", "Name one of the features.").in_parameter(parameter).with_candidates(nearest_names(name, names));
  }
  return {};
}

Result<void> check_all_names(const std::vector<std::string>& names, const Params& params) {
  PLIMSOLL_CHECK(check_names(params.monotone, names, "monotone", false));
  PLIMSOLL_CHECK(check_names(params.special, names, "special", true));
  PLIMSOLL_CHECK(check_names(params.cuts, names, "cuts", false));
  for (const auto* list : {&params.categorical, &params.fairness.must_include})
    for (const std::string& name : *list)
      if (std::find(names.begin(), names.end(), name) == names.end())
        return Error(ErrorCode::bad_parameter, "'" + name + "' is no feature", "Name one of the features.").in_parameter(list == &params.categorical ? "categorical" : "fairness.must_include").with_candidates(nearest_names(name, names));
  return {};
}

void keep_out(Context& context, Model& model, const std::string& name, const std::string& why) {
  context.warn("column \"" + name + "\" is not used: " + why);
  model.kept_out.push_back(name);
  model.notes.push_back(why);
}

// Features of which one bin holds most rows say little more than yes or no.
void warn_of_crowded(Context& context, const Model& model) {
  std::string names;
  for (const Feature& feature : model.features) {
    double all = 0;
    double most = 0;
    for (const Bin& bin : feature.bins) {
      all += bin.goods + bin.bads;
      most = std::max(most, bin.goods + bin.bads);
    }
    if (feature.used && most > 0.5 * all) names += (names.empty() ? "" : ", ") + feature.name;
  }
  if (!names.empty()) context.warn("more than half of the rows lie in one bin of: " + names);
}

// Bins of the features, with the front's own number of bins for each where it chose.
Result<std::vector<Binned>> bins_of(Context& context, const Table& table, const std::vector<std::string>& names, const Past& rows, const Params& params, const Chosen& chosen) {
  if (!chosen.any) return bin_features(context, table, names, rows, params);
  std::vector<Binned> all;
  for (std::size_t k = 0; k < chosen.features.size(); ++k) {
    Params own = params;
    own.max_bins = std::max<std::int64_t>(1, chosen.bins[k]);
    PLIMSOLL_TRY(std::vector<Binned> one, bin_features(context, table, {chosen.features[k]}, rows, own));
    all.push_back(std::move(one.front()));
  }
  return all;
}

void set_bands(Model& model, std::span<const double> log_odds, const Past& rows) {
  std::vector<double> sorted;  // of evenly spaced rows: tenths need no more
  for (std::size_t i = 0; i < log_odds.size(); i += std::max<std::size_t>(1, log_odds.size() / 32'768)) sorted.push_back(log_odds[i]);
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t k = 1; k < 10; ++k) {
    const double cut = sorted[sorted.size() * k / 10];
    if (cut > sorted.front() && (model.bands.cuts.empty() || cut > model.bands.cuts.back())) model.bands.cuts.push_back(cut);
  }
  model.bands.goods.assign(model.bands.cuts.size() + 1, 0);
  model.bands.bads.assign(model.bands.cuts.size() + 1, 0);
  for (std::size_t i = 0; i < log_odds.size(); ++i) {
    const auto band = static_cast<std::size_t>(std::upper_bound(model.bands.cuts.begin(), model.bands.cuts.end(), log_odds[i]) - model.bands.cuts.begin());
    (rows.bad[i] ? model.bands.bads : model.bands.goods)[band] += rows.weight.empty() ? 1.0 : rows.weight[i];
  }
}

Model begin_model(const Past& rows, const Params& params) {
  Model model;
  model.params = params;
  model.target = rows.target;
  model.bad_label = rows.bad_label;
  model.good_label = rows.good_label;
  model.rows = rows.count();
  model.goods = rows.goods;
  model.bads = rows.bads;
  model.kish = rows.kish;
  model.weighted = !rows.weight.empty();
  return model;
}

}  // namespace

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const Past rows, read_rows(inputs.data, params.bad));
  const auto bads = std::accumulate(rows.bad.begin(), rows.bad.end(), std::int64_t{0});
  if (std::min(bads, rows.count() - bads) < fewest_bads)
    return Error(ErrorCode::too_few_rows, "there are " + std::to_string(bads) + " bads and " + std::to_string(rows.count() - bads) + " goods: a scorecard needs " + std::to_string(fewest_bads) + " of each", "Give more rows.").in_column(rows.target);
  PLIMSOLL_TRY(const std::vector<std::string> names, feature_names(inputs.data, params.use_protected));
  PLIMSOLL_CHECK(check_all_names(names, params));
  Model model = begin_model(rows, params);
  PLIMSOLL_TRY(const Chosen chosen, trace_front(context, inputs.data, names, params, model));
  PLIMSOLL_TRY(std::vector<Binned> binned, bins_of(context, inputs.data, names, rows, params, chosen));
  std::vector<std::vector<std::uint8_t>> codes;
  for (Binned& one : binned) {
    if (!one.kept_out.empty()) {
      keep_out(context, model, one.feature.name, one.kept_out);
      continue;
    }
    one.feature.used = one.feature.bins.size() > 1 && one.feature.iv >= params.min_iv;
    if (one.feature.bins.size() > 1 && !one.feature.used) one.feature.note += std::string(one.feature.note.empty() ? "" : "; ") + "its information value is below min_iv";
    model.features.push_back(std::move(one.feature));
    codes.push_back(std::move(one.codes));
  }
  if (model.features.empty()) return Error(ErrorCode::too_few_rows, "no column can be binned", "Give features that vary.");
  warn_of_crowded(context, model);
  PLIMSOLL_CHECK(learn_values(context, model, codes, rows));
  set_points(model);
  const std::vector<double> log_odds = log_odds_of(model, codes, rows.count());
  set_bands(model, log_odds, rows);
  const std::vector<std::int32_t> outcome(rows.bad.begin(), rows.bad.end());
  if (rows.weight.empty()) {
    PLIMSOLL_TRY(const stats::Auroc area, stats::auroc(log_odds, outcome, 1 - params.alpha));
    model.auc = area.estimate.value;
  } else {
    PLIMSOLL_TRY(model.auc, stats::weighted_auroc(log_odds, outcome, rows.weight));
  }
  if (params.compat == Compat::paper)
    context.warn("compat=paper: the paper's standard error of an information value is about half the truth, and its z-test rejects up to all of the time under the null; do not act on them");
  return model;
}

Result<Certificate> certify(const Model& model) {
  Certificate c;
  c.template_id = "credit.information";
  const double alpha = model.params.alpha;
  c.level = 1 - alpha;
  c.values = {{"alpha", alpha}, {"features", static_cast<double>(model.features.size())}, {"bads", model.bads}, {"goods", model.goods}};
  c.promise = "A feature whose values say nothing of the outcome gets a p-value of at most " + digits(alpha) + " with probability at most " + digits(alpha) +
              ", although its bins were chosen on the same rows.";
  c.assumptions = {"rows are independent of each other", "how a row came into the table does not depend on its outcome and a feature together"};
  c.n = model.rows;
  const bool permuted = model.params.permutations > 0 && !model.weighted;
  c.exactness = permuted ? Exactness::exact : Exactness::asymptotic;
  c.remarks.push_back(permuted ? "p-values come from " + std::to_string(model.params.permutations) + " permutations of the outcomes; below 1 in " + std::to_string(model.params.permutations + 1) + " from a chi-square bound."
                               : "p-values come from a chi-square bound with Kish's effective number of rows.");
  c.remarks.push_back("Intervals of information values (delta method, or noncentral chi-square near zero) take the bins as given.");
  if (model.params.compat == Compat::paper) c.remarks.push_back("The paper's z-test is printed on request; nothing is promised of it.");
  c.falsified_by = "plimsoll prove credit.scorecard";
  if (!model.solver.empty()) c.versions["solver"] = model.solver;
  if (!model.booster.empty()) c.versions["xgboost"] = model.booster;
  return c;
}

}  // namespace plimsoll::credit::scorecard
