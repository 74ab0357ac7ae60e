// SPDX-License-Identifier: Apache-2.0
// From atoms to bins, and what can be said of them. The bins are chosen on the rows that measure them, so the chi-square law of a
// given table does not hold. Two tests that do:
//   permutation  outcomes are dealt anew over the atoms (multivariate hypergeometric draws, the same as permuting rows), bins are
//                chosen anew, and IV is compared: exact under no association;
//   bound        Pearson's statistic of any grouping is at most that of the atoms, so its chi-square tail with atoms - 1 degrees
//                of freedom is an upper bound of the p-value; taken when it is below what permutations can resolve, and for weights
//                (with Kish's effective number of rows).

#include <algorithm>
#include <cmath>
#include <numeric>

#include "methods/credit/scorecard/atoms.h"
#include "stats/count_draws.h"
#include "stats/distributions.h"
#include "stats/divergence.h"

namespace plimsoll::credit::scorecard {
namespace {

Recipe recipe_of(const Atoms& atoms, const Past& rows, const Params& params) {
  Recipe recipe;
  recipe.rules.most_bins = params.max_bins;
  recipe.rules.least_rows = params.min_bin_share * (rows.goods + rows.bads);
  recipe.rules.least_bads = static_cast<double>(params.min_bin_bads);
  recipe.rules.least_goods = static_cast<double>(params.min_bin_bads);
  recipe.rules.least_gap = params.min_rate_gap;
  recipe.rules.good_total = rows.goods;
  recipe.rules.bad_total = rows.bads;
  recipe.rules.trend = atoms.kind == Kind::category ? Trend::increasing : params.trend;
  if (const auto own = params.monotone.find(atoms.name); own != params.monotone.end() && atoms.kind == Kind::number) {
    const auto names = learn::choices_of(Trend::automatic);
    recipe.rules.trend = static_cast<Trend>(std::find(names.begin(), names.end(), own->second) - names.begin());
  }
  recipe.stumps = params.binning == Binning::stumps;
  recipe.stump_options = params.stumps.options;
  recipe.prebins = params.prebins;
  recipe.smoothing = params.smoothing;
  return recipe;
}

// Atoms in the order in which bins are contiguous, taken together where there are more than pre-bins.
struct Ordered {
  std::vector<std::int32_t> cell_of_atom;
  std::vector<double> goods, bads;
};

Ordered order_atoms(const Atoms& atoms, std::span<const double> goods, std::span<const double> bads, std::int64_t prebins) {
  const std::size_t n = atoms.regular;
  Ordered ordered;
  ordered.cell_of_atom.resize(n);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (atoms.kind == Kind::category) {
    const double g = std::accumulate(goods.begin(), goods.begin() + static_cast<std::ptrdiff_t>(n), 0.0);
    const double b = std::accumulate(bads.begin(), bads.begin() + static_cast<std::ptrdiff_t>(n), 0.0);
    const double rate = g + b > 0 ? b / (g + b) : 0.5;
    std::vector<double> key(n);
    for (std::size_t a = 0; a < n; ++a) key[a] = (bads[a] + rate) / (goods[a] + bads[a] + 1);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return key[x] < key[y]; });
  }
  double total = 0;
  for (std::size_t a = 0; a < n; ++a) total += goods[a] + bads[a];
  const bool joined = static_cast<std::int64_t>(n) > prebins && !atoms.given;
  const double target = joined ? total / static_cast<double>(prebins) : 0;
  double held = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t a = order[k];
    if (k == 0 || held >= target) {
      ordered.goods.push_back(0);
      ordered.bads.push_back(0);
      held = 0;
    }
    ordered.goods.back() += goods[a];
    ordered.bads.back() += bads[a];
    held += goods[a] + bads[a];
    ordered.cell_of_atom[a] = static_cast<std::int32_t>(ordered.goods.size()) - 1;
  }
  return ordered;
}

Grouped spread(const Ordered& ordered, const learn::Grouping& grouping) {
  Grouped grouped;
  std::vector<std::int32_t> bin_of_cell(ordered.goods.size(), 0);
  std::int32_t begin = 0;
  for (std::size_t b = 0; b < grouping.ends.size(); ++b) {
    for (std::int32_t c = begin; c < grouping.ends[b]; ++c) bin_of_cell[static_cast<std::size_t>(c)] = static_cast<std::int32_t>(b);
    begin = grouping.ends[b];
  }
  grouped.bins = static_cast<std::int32_t>(grouping.ends.size());
  grouped.trend = grouping.trend;
  for (const std::int32_t cell : ordered.cell_of_atom) grouped.bin_of_atom.push_back(bin_of_cell[static_cast<std::size_t>(cell)]);
  return grouped;
}

Grouped group(const Atoms& atoms, std::span<const double> goods, std::span<const double> bads, const Recipe& recipe) {
  const Ordered ordered = order_atoms(atoms, goods, bads, recipe.prebins);
  if (atoms.given) {
    learn::Grouping each;
    for (std::size_t c = 0; c < ordered.goods.size(); ++c) each.ends.push_back(static_cast<std::int32_t>(c) + 1);
    return spread(ordered, each);
  }
  if (recipe.stumps) return spread(ordered, learn::stump_grouping(ordered.goods, ordered.bads, recipe.rules, recipe.stump_options));
  return spread(ordered, learn::best_grouping(ordered.goods, ordered.bads, recipe.rules));
}

// Counts in the bins of a grouping, then special codes, then missing: bins without rows included.
void bin_counts(const Atoms& atoms, const Grouped& grouped, std::span<const double> goods, std::span<const double> bads, std::vector<double>& g, std::vector<double>& b) {
  const std::size_t extras = atoms.all() - atoms.regular;
  g.assign(static_cast<std::size_t>(grouped.bins) + extras, 0);
  b.assign(g.size(), 0);
  for (std::size_t a = 0; a < atoms.all(); ++a) {
    const std::size_t at = a < atoms.regular ? static_cast<std::size_t>(grouped.bin_of_atom[a]) : static_cast<std::size_t>(grouped.bins) + a - atoms.regular;
    g[at] += goods[a];
    b[at] += bads[a];
  }
}

void smooth(Smoothing how, std::vector<double>& g, std::vector<double>& b) {
  std::size_t kept = 0;  // bins that are empty in both are no bins
  for (std::size_t j = 0; j < g.size(); ++j) {
    if (g[j] + b[j] == 0) continue;
    g[kept] = g[j];
    b[kept++] = b[j];
  }
  g.resize(kept);
  b.resize(kept);
  if (how == Smoothing::jeffreys) {
    for (std::size_t j = 0; j < kept; ++j) {
      g[j] += 0.5;
      b[j] += 0.5;
    }
  } else {
    stats::smooth_halves(g, b);
  }
}

double iv_of(const Atoms& atoms, const Grouped& grouped, std::span<const double> goods, std::span<const double> bads, Smoothing smoothing) {
  std::vector<double> g;
  std::vector<double> b;
  bin_counts(atoms, grouped, goods, bads, g, b);
  smooth(smoothing, g, b);
  return stats::jeffreys_value(g, b);
}

double pearson(const Atoms& atoms, const Grouped& grouped, const Past& rows) {
  std::vector<double> g;
  std::vector<double> b;
  bin_counts(atoms, grouped, atoms.goods, atoms.bads, g, b);
  const double share = rows.bads / (rows.goods + rows.bads);
  double statistic = 0;
  for (std::size_t j = 0; j < g.size(); ++j) {
    const double n = g[j] + b[j];
    if (!(n > 0)) continue;
    const double gap = b[j] - n * share;
    statistic += gap * gap / (n * share * (1 - share));
  }
  return statistic * rows.kish;
}

Result<double> p_after_choice(const Context& context, const Atoms& atoms, const Grouped& grouped, const Past& rows, const Recipe& recipe, std::int64_t permutations) {
  std::int64_t filled = 0;
  for (std::size_t a = 0; a < atoms.all(); ++a) filled += atoms.goods[a] + atoms.bads[a] > 0 ? 1 : 0;
  const double bound = filled > 1 ? stats::chi_square_sf(pearson(atoms, grouped, rows), static_cast<double>(filled - 1)) : 1;
  if (permutations == 0 || !rows.weight.empty() || bound * static_cast<double>(permutations + 1) <= 1) return bound;
  const double seen = iv_of(atoms, grouped, atoms.goods, atoms.bads, recipe.smoothing);
  std::vector<std::int64_t> urn(atoms.all()), dealt(atoms.all());
  std::vector<double> goods(atoms.all()), bads(atoms.all());
  for (std::size_t a = 0; a < urn.size(); ++a) urn[a] = static_cast<std::int64_t>(atoms.goods[a] + atoms.bads[a]);
  const Stream root = context.rng.child("credit.scorecard permutations").child(atoms.name);
  std::int64_t at_least = 0;
  for (std::int64_t r = 0; r < permutations; ++r) {
    PLIMSOLL_CHECK(context.stop.check());
    Stream stream = root.child(static_cast<std::uint64_t>(r));
    stats::deal_counts(stream, urn, static_cast<std::int64_t>(rows.bads), dealt);
    for (std::size_t a = 0; a < urn.size(); ++a) {
      bads[a] = static_cast<double>(dealt[a]);
      goods[a] = static_cast<double>(urn[a] - dealt[a]);
    }
    const double value = iv_of(atoms, group(atoms, goods, bads, recipe), goods, bads, recipe.smoothing);
    if (value >= seen * (1 - 1e-12)) ++at_least;
  }
  return static_cast<double>(1 + at_least) / static_cast<double>(1 + permutations);
}

std::string number_label(std::span<const double> cuts, std::size_t bin) {
  if (cuts.empty()) return "any value";
  if (bin == 0) return "< " + digits(cuts[0]);
  if (bin == cuts.size()) return ">= " + digits(cuts.back());
  return "[" + digits(cuts[bin - 1]) + ", " + digits(cuts[bin]) + ")";
}

// Bins, labels and maps of a feature; `final_bin` of each atom, for its rows.
Feature feature_of(const Atoms& atoms, const Grouped& grouped, std::vector<std::uint8_t>& final_bin) {
  Feature feature;
  feature.name = atoms.name;
  feature.kind = atoms.kind;
  feature.trend = atoms.kind == Kind::category || atoms.given ? Trend::none : grouped.trend;
  feature.bins.resize(static_cast<std::size_t>(grouped.bins));
  final_bin.assign(atoms.all(), unknown_bin);
  for (std::size_t a = 0; a < atoms.regular; ++a) final_bin[a] = static_cast<std::uint8_t>(grouped.bin_of_atom[a]);
  if (atoms.kind == Kind::number) {
    for (std::size_t a = 1; a < atoms.regular; ++a)
      if (grouped.bin_of_atom[a] != grouped.bin_of_atom[a - 1]) feature.cuts.push_back(atoms.cuts[a - 1]);
    for (std::size_t b = 0; b < feature.bins.size(); ++b) feature.bins[b].label = number_label(feature.cuts, b);
  } else {
    feature.levels = atoms.levels;
    for (std::size_t l = 0; l < atoms.levels.size(); ++l) {
      const std::int32_t bin = grouped.bin_of_atom[static_cast<std::size_t>(atoms.level_atom[l])];
      feature.level_bin.push_back(bin);
      std::string& label = feature.bins[static_cast<std::size_t>(bin)].label;
      label += (label.empty() ? "" : " | ") + atoms.levels[l];
    }
    if (atoms.rare_atom >= 0) feature.other_bin = grouped.bin_of_atom[static_cast<std::size_t>(atoms.rare_atom)];
    for (Bin& bin : feature.bins)
      if (bin.label.empty()) bin.label = "other levels";
  }
  const auto add = [&](std::size_t atom, BinRole role, std::string label) -> std::int64_t {
    if (!(atoms.goods[atom] + atoms.bads[atom] > 0)) return -1;
    Bin bin;
    bin.role = role;
    bin.label = std::move(label);
    feature.bins.push_back(std::move(bin));
    final_bin[atom] = static_cast<std::uint8_t>(feature.bins.size() - 1);
    return std::ssize(feature.bins) - 1;
  };
  feature.specials = atoms.specials;
  for (std::size_t k = 0; k < atoms.specials.size(); ++k) feature.special_bin.push_back(add(atoms.regular + k, BinRole::special, "= " + digits(atoms.specials[k])));
  feature.missing_bin = add(atoms.missing(), BinRole::missing, "missing");
  for (std::size_t a = 0; a < atoms.all(); ++a) {
    if (final_bin[a] == unknown_bin) continue;
    feature.bins[final_bin[a]].goods += atoms.goods[a];
    feature.bins[final_bin[a]].bads += atoms.bads[a];
  }
  return feature;
}

void add_note(Feature& feature, const std::string& words) { feature.note += (feature.note.empty() ? "" : "; ") + words; }

// Why a forced trend left little, and bins that hold most rows.
void add_notes(const Atoms& atoms, const Recipe& recipe, const Grouped& grouped, Feature& feature) {
  for (const std::string& note : atoms.notes) add_note(feature, note);
  const bool forced = recipe.rules.trend != Trend::none && recipe.rules.trend != Trend::automatic && atoms.kind == Kind::number;
  if (forced && grouped.bins == 1 && !atoms.given) {
    Recipe free = recipe;
    free.rules.trend = Trend::automatic;
    const Grouped other = group(atoms, atoms.goods, atoms.bads, free);
    if (other.bins > 1)
      add_note(feature, "the data run against the trend " + std::string(learn::choices_of(Trend::none)[static_cast<std::size_t>(recipe.rules.trend)]) + ": one bin is all it allows, " +
                            std::string(learn::choices_of(Trend::none)[static_cast<std::size_t>(other.trend)]) + " would give " + std::to_string(other.bins));
  } else if (grouped.bins == 1 && atoms.regular > 1) {
    add_note(feature, "no cut meets the rules");
  }
  double all = 0;
  for (const Bin& bin : feature.bins) all += bin.goods + bin.bads;
  for (const Bin& bin : feature.bins)
    if (feature.bins.size() > 1 && bin.goods + bin.bads > 0.5 * all) add_note(feature, "more than half of the rows lie in the bin " + bin.label);
}

Result<Binned> finished(const Context& context, Atoms atoms, const Grouped& grouped, const Recipe& recipe, const Past& rows, const Params& params, bool test) {
  Binned binned;
  std::vector<std::uint8_t> final_bin;
  binned.feature = feature_of(atoms, grouped, final_bin);
  if (std::ssize(binned.feature.bins) > most_bins_of_feature)
    return Error(ErrorCode::bad_parameter, "'" + atoms.name + "' would have " + std::to_string(binned.feature.bins.size()) + " bins", "Lower --max-bins, or give fewer special codes.").in_parameter("max_bins");
  PLIMSOLL_CHECK(measure(binned.feature, rows.goods, rows.bads, rows.kish, params));
  if (test) {
    PLIMSOLL_TRY(binned.feature.p_value, p_after_choice(context, atoms, grouped, rows, recipe, params.permutations));
    add_notes(atoms, recipe, grouped, binned.feature);
  }
  binned.feature.cells = 0;
  for (std::size_t a = 0; a < atoms.all(); ++a) binned.feature.cells += atoms.goods[a] + atoms.bads[a] > 0 ? 1 : 0;
  binned.codes.resize(atoms.codes.size());
  for (std::size_t i = 0; i < atoms.codes.size(); ++i) binned.codes[i] = final_bin[atoms.codes[i]];
  return binned;
}

Result<Atoms> atoms_of(const Table& table, const std::string& name, const Past& rows, const Params& params) {
  ColumnType type = ColumnType::other;
  bool found = false;
  for (const ColumnInfo& column : table.columns())
    if (column.name == name) {
      type = column.type;
      found = true;
    }
  const bool category = type == ColumnType::text || type == ColumnType::boolean || std::find(params.categorical.begin(), params.categorical.end(), name) != params.categorical.end();
  if (!found || type == ColumnType::integer || type == ColumnType::real || category) return category ? category_atoms(table, name, rows, params) : number_atoms(table, name, rows, params);
  Atoms none;
  none.name = name;
  none.kept_out = "a column of type " + std::string(name_of(type)) + " is no feature";
  return none;
}

}  // namespace

Result<std::vector<Binned>> bin_features(Context& context, const Table& table, const std::vector<std::string>& names, const Past& rows, const Params& params) {
  std::vector<Binned> all(names.size());
  PLIMSOLL_CHECK(context.runtime.for_each(std::ssize(names), context.stop, [&](std::int64_t i) -> Result<void> {
    Binned& out = all[static_cast<std::size_t>(i)];
    PLIMSOLL_TRY(Atoms atoms, atoms_of(table, names[static_cast<std::size_t>(i)], rows, params));
    out.feature.name = atoms.name;
    out.kept_out = atoms.kept_out;
    if (!out.kept_out.empty()) return {};
    const Recipe recipe = recipe_of(atoms, rows, params);
    const Grouped grouped = group(atoms, atoms.goods, atoms.bads, recipe);
    PLIMSOLL_TRY(out, finished(context, std::move(atoms), grouped, recipe, rows, params, true));
    return {};
  }));
  return all;
}

Result<std::vector<Binned>> candidates_of(Context& context, const Table& table, const std::string& name, const Past& rows, const Params& params) {
  std::vector<Binned> all;
  PLIMSOLL_TRY(Atoms atoms, atoms_of(table, name, rows, params));
  if (!atoms.kept_out.empty()) return all;
  const Recipe recipe = recipe_of(atoms, rows, params);
  const Ordered ordered = order_atoms(atoms, atoms.goods, atoms.bads, recipe.prebins);
  const auto best = group(atoms, atoms.goods, atoms.bads, recipe);
  std::vector<Grouped> groupings = {best};
  if (!atoms.given && !recipe.stumps)
    for (const auto& grouping : learn::groupings_by_size(ordered.goods, ordered.bads, recipe.rules))
      if (grouping && std::ssize(grouping->ends) != best.bins) groupings.push_back(spread(ordered, *grouping));
  for (const Grouped& grouped : groupings) {
    PLIMSOLL_TRY(Binned binned, finished(context, atoms, grouped, recipe, rows, params, false));
    if (binned.feature.bins.size() > 1) all.push_back(std::move(binned));
  }
  return all;
}

Result<void> measure(Feature& feature, double goods, double bads, double kish, const Params& params) {
  std::vector<double> g;
  std::vector<double> b;
  bool empty = false;
  for (const Bin& bin : feature.bins) {
    g.push_back(bin.goods);
    b.push_back(bin.bads);
    if (bin.goods > 0 && bin.bads > 0) continue;
    empty = true;
    if (params.smoothing == Smoothing::none)
      return Error(ErrorCode::bad_value, "bin '" + bin.label + "' of '" + feature.name + "' has no " + (bin.bads > 0 ? "goods" : "bads") + ", so its weight of evidence is infinite",
                   "Join it with another bin, or smooth with --smoothing half.")
          .in_column(feature.name);
  }
  const double added = params.smoothing == Smoothing::jeffreys || (params.smoothing == Smoothing::half && empty) ? 0.5 : 0.0;
  double g_total = goods + added * static_cast<double>(g.size());
  double b_total = bads + added * static_cast<double>(b.size());
  double discordant = 0;  // for Gini
  for (std::size_t j = 0; j < g.size(); ++j) {
    g[j] += added;
    b[j] += added;
    Bin& bin = feature.bins[j];
    bin.woe = std::log((b[j] / b_total) / (g[j] / g_total));
    bin.error = std::sqrt((1 / g[j] + 1 / b[j]) / kish);
    g[j] *= kish;
    b[j] *= kish;
  }
  stats::DivergenceOptions options;
  options.level = 1 - params.alpha;
  PLIMSOLL_TRY(const stats::Divergence d, stats::jeffreys_divergence(g, b, options));
  feature.iv = d.value;
  feature.iv_corrected = d.corrected;
  feature.iv_error = d.standard_error;
  feature.iv_low = d.interval.lo;
  feature.iv_high = d.interval.hi;
  feature.paper_error = d.paper_error;
  feature.p_fixed = d.p_value;
  feature.p_value = d.p_value;
  for (std::size_t j = 0; j < g.size(); ++j)
    for (std::size_t k = 0; k < g.size(); ++k) {
      const double gap = feature.bins[j].woe - feature.bins[k].woe;
      discordant += b[j] * g[k] * (gap > 0 ? 1 : gap < 0 ? -1 : 0);
    }
  feature.gini = discordant / (kish * kish * g_total * b_total);
  return {};
}

}  // namespace plimsoll::credit::scorecard
