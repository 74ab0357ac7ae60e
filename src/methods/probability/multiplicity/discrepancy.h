// SPDX-License-Identifier: Apache-2.0
#pragma once

// Discrepancy: the largest share of rows that one good model moves by delta or more, with a proven bound on either side.

#include <cstdint>
#include <string>
#include <vector>

#include "methods/probability/multiplicity/multiplicity.h"

namespace plimsoll::probability::multiplicity {

struct Effort {
  double seconds = 60;          // wall time
  std::int64_t rounds = 1000;   // of the outer approximation: ends a run at the same place on every machine
  double gap = 0;               // ends when upper - lower is at most this share of all weight
};

struct Discrepancy {
  double delta = 0;
  double lower = 0;             // share that the witness moves
  double upper = 1;             // no model of S moves more
  bool proven = false;          // they meet
  bool timed_out = false;
  bool no_solver = false;       // the library of HiGHS was not found: the upper bound is only the ambiguity
  std::int64_t candidates = 0;  // patterns that some model of S moves
  std::int64_t rounds = 0, cuts = 0, conflicts = 0, nodes = 0;
  std::vector<double> witness;  // the model; w0 when nothing moves
};

// `weight` of each pattern; `ranges` are exact and keep their models.
Result<Discrepancy> find_discrepancy(Context& context, const learn::LevelSet& set, const Distinct& rows, const std::vector<double>& weight,
                                     const Ranges& ranges, double delta, const Effort& budget);

// Share of the weight that a model moves by delta or more from w0; both directions count.
double moved_share(const Distinct& rows, const std::vector<double>& weight, const Ranges& ranges, double delta,
                   std::span<const double> model, std::int64_t width);

}  // namespace plimsoll::probability::multiplicity
