// SPDX-License-Identifier: Apache-2.0
// Mondrian conformal prediction (Vovk, Lindsay, Nouretdinov and Gammerman 2003; Vovk, Gammerman and Shafer 2005, section 4.5): rows
// fall into categories by a rule that is fixed before the calibration rows are looked at, and each category has the k-th smallest of
// its own n scores as its threshold, k = ceil((n + 1)(1 - alpha)). Then P(y in set | category) >= 1 - alpha for every category.
//   group        values of columns that the caller binds
//   label        the class itself: each label is tested against rows of its own class
//   group_label  both
//   difficulty   bins of a number; edges are given, or quantiles of rows set aside for that
//   clusters     labels (or groups) merged by k-means on quantiles of their scores, on rows set aside (Ding, Angelopoulos, Bates,
//                Jordan and Tibshirani 2023); those too rare to be placed share one cluster, "rest"
// A category without calibration rows gets the whole space. Departure from crepes and from the published clustering: bins and clusters
// are never chosen on the rows that calibrate, because then the rule is not fixed.

#include "methods/conformal/group/group.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/number_text.h"

namespace plimsoll::conformal::group {
namespace {

constexpr std::array<std::string_view, 6> by_names = {"auto", "group", "label", "group_label", "difficulty", "clusters"};
constexpr std::array<RoleInfo, 3> own_roles = {{{"group", "groups: one column or several, whose values together name the group", false, true},
                                                {"difficulty", "a number that says how hard a row is", false, false},
                                                {"fold", "1 for rows that choose bins or clusters and do not calibrate, else 0", false, false}}};
constexpr auto fit_roles = learn::join_roles(learn::score_fit_roles, own_roles);
constexpr auto apply_roles = learn::join_roles(learn::score_apply_roles, std::array<RoleInfo, 2>{own_roles[0], own_roles[1]});
constexpr std::array<RoleInfo, 1> learned_roles = {learn::id_role};
constexpr char between_values = '\x1f';

std::string shown(std::string key) {
  std::replace(key.begin(), key.end(), between_values, '/');
  return key;
}

}  // namespace

std::span<const std::string_view> choices_of(By) { return by_names; }

void describe(Fields& f, Params& p) {
  f({"alpha", "miscoverage: one level or several", between(0, 1)}, p.alpha);
  f({"by", "what a category is; auto: group if that role is bound, else difficulty if that is, else the label"}, p.by);
  learn::describe_score(f, p);
  f({"allow_empty", "leave empty sets empty; otherwise they get the most probable class"}, p.allow_empty);
  f({"small_n", "too few rows in a category for a level: answer the whole space there, or refuse"}, p.small_n);
  f({"missing", "calibration rows with missing values: refuse them, or drop and count them"}, p.missing);
  f({"bins", "difficulty: how many bins of equal counts", within(1, 1000)}, p.bins);
  f({"edges", "difficulty: the inner edges of the bins, instead of `bins`"}, p.edges);
  f({"clusters", "how many clusters; 0: half the rows set aside of a middling category", within(0, 10000)}, p.clusters);
  f({"aside", "share of rows set aside to choose bins or clusters, where no fold is bound", between(0, 1)}, p.aside);
}

Result<void> check(const Params& p) {
  PLIMSOLL_CHECK(learn::check_levels(p.alpha));
  for (std::size_t i = 0; i < p.edges.size(); ++i)
    if (!std::isfinite(p.edges[i]) || (i > 0 && p.edges[i] <= p.edges[i - 1])) return Error(ErrorCode::bad_parameter, "the edges do not rise", "Give finite edges in rising order.").in_parameter("edges");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, which the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, Pool& pool) {
  f({"name", "what its rows have in common"}, pool.name);
  f({"n", "calibration rows", at_least(0)}, pool.n);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"plan", "score, columns, classes"}, m.plan);
  f({"by", "what a category is"}, m.by);
  f({"group_columns", "columns that name the group"}, m.group_columns);
  f({"difficulty_column", "column of the difficulty"}, m.difficulty_column);
  f({"edges", "inner edges of the bins"}, m.edges);
  f({"groups", "keys of the groups"}, m.groups);
  f.tensor({"pool_of", "pool of each group, or of each group and class"}, m.pool_of);
  f({"pools", "rows that share a threshold"}, m.pools);
  f.tensor({"thresholds", "threshold of each level, side and pool; infinite where rows are too few"}, m.thresholds);
  f({"n", "calibration rows", at_least(0)}, m.n);
  f({"set_aside", "rows that chose bins or clusters", at_least(0)}, m.set_aside);
  f({"dropped", "calibration rows left out", at_least(0)}, m.dropped);
  f({"crossed", "crossed quantiles swapped", at_least(0)}, m.crossed);
  f({"off", "rows whose probabilities miss one by more than 1e-6", at_least(0)}, m.off);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
}

Result<void> sound(const Model& m) {
  const Error bad(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  if (!check(m.params).ok() || m.plan.score == learn::ConformalScore::automatic || m.by == By::automatic || m.groups.empty() || m.pools.empty()) return bad;
  if (learn::of_classes(m.plan.score) && (m.plan.classes.size() < 2 || m.plan.classes.size() != m.plan.columns.probability.size())) return bad;
  if (m.by_class() && !learn::of_classes(m.plan.score)) return bad;
  const std::size_t width = m.by_class() ? m.plan.classes.size() : 1;
  const std::size_t cells = m.params.alpha.size() * static_cast<std::size_t>(learn::sides_of(m.plan.score));
  if (m.pool_of.size() != m.groups.size() * width || m.thresholds.size() != cells * m.pools.size()) return bad;
  if (!m.difficulty_column.empty() && m.groups.size() != m.edges.size() + 1) return bad;
  if (!std::is_sorted(m.edges.begin(), m.edges.end()) || (m.difficulty_column.empty() && !std::is_sorted(m.groups.begin(), m.groups.end()))) return bad;
  for (const std::int64_t pool : m.pool_of)
    if (pool < 0 || pool >= static_cast<std::int64_t>(m.pools.size())) return bad;
  for (const double t : m.thresholds)
    if (std::isnan(t)) return bad;
  return {};
}

void describe(Fields& f, Options& o) { f({"keep", "columns of the input to keep beside the answer"}, o.keep); }
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with predictions", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "sets or intervals"}, out.rows); }

Result<Categories> keys_of(const Table& table, const std::vector<std::string>& columns) {
  PLIMSOLL_TRY(Categories keys, table.categories(columns.front()));
  for (std::size_t c = 1; c < columns.size(); ++c) {
    PLIMSOLL_TRY(const Categories values, table.categories(columns[c]));
    std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> both;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < keys.codes.size(); ++i) {
      std::int32_t& code = keys.codes[i];
      const std::int32_t value = values.codes[i];
      if (code < 0 || value < 0) {
        code = -1;
        continue;
      }
      const auto [found, fresh] = both.emplace(std::pair(code, value), static_cast<std::int32_t>(names.size()));
      if (fresh) names.push_back(keys.names[static_cast<std::size_t>(code)] + between_values + values.names[static_cast<std::size_t>(value)]);
      code = found->second;
    }
    keys.names = std::move(names);
  }
  return keys;
}

namespace {

// Where each row of the table stands among the model's groups; -1: nowhere.
Result<std::vector<std::int32_t>> places_of(Context& context, const Model& model, const Table& data) {
  std::vector<std::int32_t> place(static_cast<std::size_t>(data.rows()), 0);
  if (!model.difficulty_column.empty()) {
    PLIMSOLL_TRY(std::string column, one_column(data, "difficulty"));
    if (column.empty()) column = model.difficulty_column;
    PLIMSOLL_TRY(const Reals difficulty, data.reals(column, Missing::as_nan));
    for (std::size_t i = 0; i < place.size(); ++i)
      place[i] = std::isnan(difficulty[i]) ? -1 : static_cast<std::int32_t>(std::upper_bound(model.edges.begin(), model.edges.end(), difficulty[i]) - model.edges.begin());
    context.tally("{} rows have no difficulty: their answer is the whole space.", std::count(place.begin(), place.end(), -1));
    return place;
  }
  if (model.group_columns.empty()) return place;
  PLIMSOLL_TRY(std::vector<std::string> columns, data.role_columns("group"));
  if (columns.empty()) columns = model.group_columns;
  if (columns.size() != model.group_columns.size())
    return Error(ErrorCode::bad_parameter, std::to_string(columns.size()) + " group columns stand against " + std::to_string(model.group_columns.size()) + " of the model", "Bind as many, in the order of the fit.").in_parameter("group");
  PLIMSOLL_TRY(const Categories keys, keys_of(data, columns));
  std::vector<std::int32_t> of;
  for (const std::string& key : keys.names) {
    const auto found = std::lower_bound(model.groups.begin(), model.groups.end(), key);
    of.push_back(found == model.groups.end() || *found != key ? -1 : static_cast<std::int32_t>(found - model.groups.begin()));
  }
  std::map<std::string, std::int64_t> absent;
  std::int64_t missing = 0;
  for (std::size_t i = 0; i < place.size(); ++i) {
    const std::int32_t code = keys.codes[i];
    place[i] = code < 0 ? -1 : of[static_cast<std::size_t>(code)];
    if (code < 0) ++missing;
    else if (place[i] < 0) ++absent[keys.names[static_cast<std::size_t>(code)]];
  }
  context.tally("{} rows have no group: their answer is the whole space.", missing);
  for (const auto& [key, count] : absent) context.tally("{} rows are of the group '" + shown(key) + "', which the calibration lacks: their answer is the whole space.", count);
  return place;
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::ScoreColumns columns, learn::columns_of(inputs.data, model.plan, model.params, false));
  PLIMSOLL_TRY(const std::vector<std::int32_t> places, places_of(context, model, inputs.data));
  learn::RowThresholds thresholds;
  thresholds.by_class = model.by_class();
  thresholds.groups = places;
  for (std::size_t at = 0; at < model.thresholds.size(); at += model.pools.size()) {
    std::vector<double>& level = thresholds.levels.emplace_back();
    for (const std::int64_t pool : model.pool_of) level.push_back(model.thresholds[at + static_cast<std::size_t>(pool)]);
  }
  const learn::AnswerJob job{model.plan, model.params, columns, model.params.alpha.size(), model.params.allow_empty, {}};
  PLIMSOLL_TRY(Table answer, learn::answer_table(context, inputs.data, job, model.params.alpha, thresholds));
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  static constexpr std::array<std::string_view, 6> words = {"category", "group", "class", "group and class", "bin of difficulty", "cluster"};
  const std::string what(words[static_cast<std::size_t>(model.by)]);
  Certificate certificate;
  certificate.template_id = "coverage.category";
  std::string levels;
  for (const double alpha : model.params.alpha) levels += (levels.empty() ? "" : ", ") + learn::level_name(alpha);
  certificate.promise = "Within each " + what + ", for a new row exchangeable with the calibration rows of that " + what + ", the " + (learn::of_classes(model.plan.score) ? "set holds the true class" : "interval holds the true value") +
                        " with probability at least " + levels + ". The probability is over the drawing of the calibration rows and the new row together.";
  certificate.level = 1 - model.params.alpha.front();
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {"calibration rows and new rows are exchangeable within each " + what, "the rule that makes the categories was fixed before the calibration rows were looked at", "the predictor has not learned from the calibration rows"};
  std::int64_t fewest = model.pools.front().n;
  std::int64_t vacuous = 0;
  const std::size_t pools = model.pools.size();
  for (std::size_t p = 0; p < pools; ++p) {
    fewest = std::min(fewest, model.pools[p].n);
    if (std::isfinite(model.thresholds[p])) continue;
    if (++vacuous > 20) continue;
    certificate.remarks.push_back("'" + shown(model.pools[p].name) + "' has " + std::to_string(model.pools[p].n) + " rows, too few for level " + learn::level_name(model.params.alpha.front()) + ": its answer is the whole space; " +
                                  std::to_string(learn::conformal_rows_needed(model.params.alpha.front() / learn::sides_of(model.plan.score))) + " are needed.");
  }
  if (vacuous > 20) certificate.remarks.push_back("So have " + std::to_string(vacuous - 20) + " more.");
  certificate.values = {{"n", static_cast<double>(model.n)}, {"categories", static_cast<double>(pools)}, {"fewest_rows", static_cast<double>(fewest)}, {"categories_without_answer", static_cast<double>(vacuous)}};
  for (const double alpha : model.params.alpha) certificate.values[learn::level_column(model.params.alpha, "alpha", static_cast<std::size_t>(&alpha - model.params.alpha.data()))] = alpha;
  certificate.vacuous = vacuous == static_cast<std::int64_t>(pools);
  if (model.by == By::clusters) certificate.remarks.push_back("The promise is for each cluster; what was merged into one shares it only on average.");
  if (model.set_aside > 0) certificate.remarks.push_back(std::to_string(model.set_aside) + " rows chose the categories and did not calibrate.");
  if (model.dropped > 0) certificate.remarks.push_back(std::to_string(model.dropped) + " calibration rows with missing values were left out: the promise is for rows without missing values.");
  certificate.remarks.push_back(model.overlap_remark.empty() ? "That the predictor has not learned from the calibration rows was not checked: the learning rows were not given (--learned)." : model.overlap_remark);
  certificate.falsified_by = "plimsoll prove conformal.group";
  return certificate;
}

namespace {
bool fit_draws(const Params& p) { return p.randomized || p.by == By::difficulty || p.by == By::clusters; }
bool apply_draws(const Model& m, const Options&) { return m.params.randomized; }
}  // namespace

extern constinit const Method entry = method("conformal.group")
                                          .fit<&fit>(Law::A)
                                          .draws_in_fit<&fit_draws>()
                                          .apply<&apply>(Rows::independent)
                                          .draws_in_apply<&apply_draws>()
                                          .certify<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::group
