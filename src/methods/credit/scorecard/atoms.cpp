// SPDX-License-Identifier: Apache-2.0
// Numbers: cuts at quantiles of the values (of evenly spaced rows, when there are more than `sampled`), each at the shortest
// decimal between two neighbours; then one pass that finds the atom of each row and counts. Categories: levels by name, rare ones
// taken together.

#include "methods/credit/scorecard/atoms.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace plimsoll::credit::scorecard {
namespace {

constexpr std::int64_t sampled = 32'768;
constexpr std::size_t most_levels = 1'000;

std::optional<std::string> entry_of(const std::map<std::string, std::string>& map, const std::string& name) {
  if (const auto found = map.find(name); found != map.end()) return found->second;
  return std::nullopt;
}

bool is_special(std::span<const double> specials, double x) { return std::find(specials.begin(), specials.end(), x) != specials.end(); }

std::vector<double> quantile_cuts(std::span<const double> values, std::span<const double> specials, std::int64_t prebins) {
  const auto n = static_cast<std::int64_t>(values.size());
  const std::int64_t stride = std::max<std::int64_t>(1, n / sampled);
  std::vector<double> sample;
  for (std::int64_t i = 0; i < n; i += stride) {
    const double x = values[static_cast<std::size_t>(i)];
    if (!std::isnan(x) && !is_special(specials, x)) sample.push_back(x);
  }
  std::sort(sample.begin(), sample.end());
  std::vector<double> cuts;
  std::vector<double> distinct;
  std::unique_copy(sample.begin(), sample.end(), std::back_inserter(distinct));
  if (std::ssize(distinct) <= prebins) {
    for (std::size_t k = 1; k < distinct.size(); ++k) cuts.push_back(round_between(distinct[k - 1], distinct[k]));
    return cuts;
  }
  std::size_t held = 0;  // values since the last cut
  std::size_t left = sample.size();
  for (std::size_t begin = 0; begin < sample.size();) {
    std::size_t end = begin;
    while (end < sample.size() && sample[end] == sample[begin]) ++end;
    held += end - begin;
    begin = end;
    const std::size_t bins_left = static_cast<std::size_t>(prebins) - cuts.size();
    if (end == sample.size() || bins_left < 2) continue;
    if (held * bins_left < left) continue;
    cuts.push_back(round_between(sample[end - 1], sample[end]));
    left -= held;
    held = 0;
  }
  return cuts;
}

// The pass over the rows: atom of each, and counts.
Result<void> count_numbers(const Table& table, std::span<const double> values, Atoms& atoms) {
  const CutSearch search(atoms.cuts);
  const std::size_t missing = atoms.missing();
  const bool specials = !atoms.specials.empty();
  atoms.codes.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    std::size_t atom = search(x);
    if (!(std::fabs(x) <= std::numeric_limits<double>::max())) {
      if (!std::isnan(x))
        return Error(ErrorCode::bad_value, "a feature is infinite", "Make it missing, or give a finite number.").in_column(atoms.name).at_row(table.first_row() + static_cast<std::int64_t>(i));
      atom = missing;
    } else if (specials) {
      const auto found = std::find(atoms.specials.begin(), atoms.specials.end(), x);
      if (found != atoms.specials.end()) atom = atoms.regular + static_cast<std::size_t>(found - atoms.specials.begin());
    }
    atoms.codes[i] = static_cast<std::uint16_t>(atom);
  }
  return {};
}

void count_outcomes(const Past& rows, Atoms& atoms) {
  atoms.goods.assign(atoms.all(), 0);
  atoms.bads.assign(atoms.all(), 0);
  if (rows.weight.empty()) {
    std::vector<std::int64_t> counts(2 * atoms.all(), 0);
    for (std::size_t i = 0; i < atoms.codes.size(); ++i) ++counts[2 * std::size_t{atoms.codes[i]} + rows.bad[i]];
    for (std::size_t a = 0; a < atoms.all(); ++a) {
      atoms.goods[a] = static_cast<double>(counts[2 * a]);
      atoms.bads[a] = static_cast<double>(counts[2 * a + 1]);
    }
    return;
  }
  for (std::size_t i = 0; i < atoms.codes.size(); ++i) (rows.bad[i] ? atoms.bads : atoms.goods)[atoms.codes[i]] += rows.weight[i];
}

std::string degenerate(const Atoms& atoms) {
  std::size_t filled = 0;
  for (std::size_t a = 0; a < atoms.all(); ++a) filled += atoms.goods[a] + atoms.bads[a] > 0 ? 1 : 0;
  if (filled > 1) return "";
  return atoms.goods[atoms.missing()] + atoms.bads[atoms.missing()] > 0 ? "every value is missing" : "it is constant";
}

}  // namespace

CutSearch::CutSearch(std::span<const double> cuts) {
  std::size_t size = 1;
  while (size <= cuts.size()) size *= 2;
  half_ = size / 2;
  cuts_.assign(size - 1, std::numeric_limits<double>::infinity());
  std::copy(cuts.begin(), cuts.end(), cuts_.begin());
}

double round_between(double low, double high) {
  const double middle = low + (high - low) / 2;
  const bool whole = std::floor(high) > low && std::fabs(high) < 1e15;  // a whole number lies between: take one
  std::array<char, 40> text{};
  for (int digits = 0; digits < 17; ++digits) {
    const auto [end, fault] = std::to_chars(text.data(), text.data() + text.size(), middle, std::chars_format::scientific, digits);
    if (fault != std::errc()) break;
    double candidate = 0;
    std::from_chars(text.data(), end, candidate);
    if (low < candidate && candidate <= high && (!whole || candidate == std::floor(candidate))) return candidate == 0 ? 0 : candidate;
  }
  return whole ? std::floor(high) : high;
}

Result<std::vector<double>> numbers_in(const std::string& text, const std::string& parameter) {
  std::vector<double> numbers;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at < end) {
    double x = 0;
    const auto [next, fault] = std::from_chars(at, end, x);
    if (fault != std::errc() || !std::isfinite(x) || (next < end && *next != ';'))
      return Error(ErrorCode::bad_parameter, "'" + text + "' is no list of numbers", "Write numbers with ; between them, as -9999;-1.").in_parameter(parameter);
    numbers.push_back(x);
    at = next + 1;
  }
  return numbers;
}

Result<Atoms> number_atoms(const Table& table, const std::string& name, const Past& rows, const Params& params) {
  Atoms atoms;
  atoms.name = name;
  PLIMSOLL_TRY(const Reals values, table.reals(name, Missing::as_nan));
  auto special = entry_of(params.special, name);
  const bool named = special.has_value();
  if (!named) special = entry_of(params.special, "*");
  if (special) {
    PLIMSOLL_TRY(atoms.specials, numbers_in(*special, "special"));
    std::sort(atoms.specials.begin(), atoms.specials.end());
    atoms.specials.erase(std::unique(atoms.specials.begin(), atoms.specials.end()), atoms.specials.end());
  }
  if (const auto given = entry_of(params.cuts, name)) {
    PLIMSOLL_TRY(atoms.cuts, numbers_in(*given, "cuts"));
    if (!std::is_sorted(atoms.cuts.begin(), atoms.cuts.end(), [](double a, double b) { return a <= b; }))
      return Error(ErrorCode::bad_parameter, "the cuts of '" + name + "' do not rise", "Give them in rising order, each once.").in_parameter("cuts");
    atoms.given = true;
  } else {
    atoms.cuts = quantile_cuts(values.span(), atoms.specials, params.prebins);
  }
  atoms.regular = atoms.cuts.size() + 1;
  if (static_cast<std::int64_t>(atoms.all()) > most_bins_of_feature)
    return Error(ErrorCode::bad_parameter, "'" + name + "' would have " + std::to_string(atoms.all()) + " bins", "Give fewer cuts or special codes.").in_parameter("special");
  PLIMSOLL_CHECK(count_numbers(table, values.span(), atoms));
  count_outcomes(rows, atoms);
  for (std::size_t k = 0; k < atoms.specials.size(); ++k)
    if (named && atoms.goods[atoms.regular + k] + atoms.bads[atoms.regular + k] == 0) atoms.notes.push_back("no row has the special code " + digits(atoms.specials[k]));
  atoms.kept_out = degenerate(atoms);
  return atoms;
}

Result<Atoms> category_atoms(const Table& table, const std::string& name, const Past& rows, const Params& params) {
  Atoms atoms;
  atoms.kind = Kind::category;
  atoms.name = name;
  PLIMSOLL_TRY(const Categories found, table.categories(name));
  std::vector<std::size_t> order(found.names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return found.names[a] < found.names[b]; });
  std::vector<double> mass(found.names.size(), 0.0);
  double all = 0;
  for (std::size_t i = 0; i < found.codes.size(); ++i) {
    const double w = rows.weight.empty() ? 1.0 : rows.weight[i];
    all += w;
    if (found.codes[i] >= 0) mass[static_cast<std::size_t>(found.codes[i])] += w;
  }
  std::vector<std::size_t> by_mass = order;
  std::stable_sort(by_mass.begin(), by_mass.end(), [&](std::size_t a, std::size_t b) { return mass[a] > mass[b]; });
  std::vector<bool> rare(found.names.size(), false);
  std::size_t rare_count = 0;
  for (std::size_t k = 0; k < by_mass.size(); ++k)
    if (k >= most_levels || mass[by_mass[k]] < params.rare_share * all) {
      rare[by_mass[k]] = true;
      ++rare_count;
    }
  std::vector<std::int32_t> atom_of(found.names.size(), -1);
  std::int32_t next = 0;
  for (const std::size_t level : order)
    if (!rare[level]) atom_of[level] = next++;
  if (rare_count > 0) atoms.rare_atom = next++;
  for (const std::size_t level : order) {
    if (rare[level]) atom_of[level] = atoms.rare_atom;
    if (rare[level] && order.size() > most_levels) continue;  // known as "other" without being listed
    atoms.levels.push_back(found.names[level]);
    atoms.level_atom.push_back(atom_of[level]);
  }
  atoms.regular = static_cast<std::size_t>(next);
  atoms.codes.resize(found.codes.size());
  for (std::size_t i = 0; i < found.codes.size(); ++i)
    atoms.codes[i] = static_cast<std::uint16_t>(found.codes[i] < 0 ? atoms.missing() : static_cast<std::size_t>(atom_of[static_cast<std::size_t>(found.codes[i])]));
  count_outcomes(rows, atoms);
  if (rare_count > 1) atoms.notes.push_back(std::to_string(rare_count) + " rare levels are taken together");
  atoms.kept_out = degenerate(atoms);
  return atoms;
}

}  // namespace plimsoll::credit::scorecard
