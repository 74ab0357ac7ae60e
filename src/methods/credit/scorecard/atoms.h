// SPDX-License-Identifier: Apache-2.0
#pragma once

// A feature before its bins are chosen: the atoms that bins are made of (quantile pre-bins of a number, levels of a category),
// their counts, and the atom of every row. Atoms never look at the outcome, so a test over them holds whatever is chosen later.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "methods/credit/scorecard/scorecard.h"

namespace plimsoll::credit::scorecard {

struct Atoms {
  Kind kind = Kind::number;
  std::string name;
  std::vector<double> cuts;               // number: atom = number of cuts <= x
  bool given = false;                     // the cuts are the caller's: atoms are bins
  std::vector<std::string> levels;        // category: by name
  std::vector<std::int32_t> level_atom;
  std::int32_t rare_atom = -1;            // of the levels taken together
  std::vector<double> specials;
  std::size_t regular = 0;                // atoms; then one a special code, then missing
  std::vector<double> goods, bads;        // regular + specials + 1 entries
  std::vector<std::uint16_t> codes;       // atom of each row
  std::vector<std::string> notes;
  std::string kept_out;

  std::size_t missing() const { return regular + specials.size(); }
  std::size_t all() const { return missing() + 1; }
};

// How atoms become bins.
struct Recipe {
  learn::GroupingRules rules;
  bool stumps = false;
  learn::StumpOptions stump_options;
  std::int64_t prebins = 32;
  Smoothing smoothing = Smoothing::half;
};

struct Grouped {
  std::vector<std::int32_t> bin_of_atom;  // regular atoms
  std::int32_t bins = 0;
  Trend trend = Trend::none;
};

Result<Atoms> number_atoms(const Table& table, const std::string& name, const Past& rows, const Params& params);
Result<Atoms> category_atoms(const Table& table, const std::string& name, const Past& rows, const Params& params);

// Number of cuts at most x, for rising cuts, without a branch that depends on x.
class CutSearch {
 public:
  explicit CutSearch(std::span<const double> cuts);
  std::size_t operator()(double x) const {
    std::size_t below = 0;
    for (std::size_t step = half_; step > 0; step >>= 1) below += cuts_[below + step - 1] <= x ? step : 0;
    return below;
  }

 private:
  std::vector<double> cuts_;  // filled up with infinity to 2^k - 1
  std::size_t half_ = 0;
};

// The number of fewest digits in (low, high], nearest the middle; a whole one if there is one.
double round_between(double low, double high);
// "-9999;-1"
Result<std::vector<double>> numbers_in(const std::string& text, const std::string& parameter);

}  // namespace plimsoll::credit::scorecard
