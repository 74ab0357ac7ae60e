// SPDX-License-Identifier: Apache-2.0
#pragma once

// What assess measures, apart from how it is drawn.

#include <string>
#include <vector>

#include "methods/probability/multiplicity/discrepancy.h"

namespace plimsoll::probability::multiplicity {

// One row each, in the order of the table that is judged.
struct AuditedRows {
  std::vector<double> p, low, high, weight;
  std::size_t size() const { return p.size(); }
};

// Numbers of one level set, over rows by weight.
struct Summary {
  double eps = 0;
  double mean = 0, median = 0, largest = 0;  // width
  double flips = 0;                          // share with low < threshold <= high
  std::vector<double> ambiguity;             // one a delta
};

// The worst over all ends: what makes the ranges exact.
struct Proof {
  double gap = 0;        // logits
  double slack = 0;      // |L - target| of a witness
  double multiplier = 0; // the smallest
  std::int64_t steps = 0;
  std::int64_t ends = 0;
};

// How witnesses of the ranges fare on rows with outcomes that they did not learn from.
struct Elsewhere {
  bool known = false;
  std::int64_t witnesses = 0;
  std::int64_t within = 0;   // of them within eps of w0's loss there
  double best_loss = 0;      // of w0 there
};

struct CoefficientRange {
  std::string name;
  double best = 0, low = 0, high = 0;
};

struct Audit {
  std::vector<std::string> names;
  std::int64_t learning_rows = 0, patterns = 0;
  double best_loss = 0, target = 0;
  bool exact = true;
  bool qualifies = false;
  AuditedRows rows;
  Summary summary;
  std::vector<Summary> grid;
  std::vector<Discrepancy> discrepancy;
  Proof proof;
  Elsewhere elsewhere;
  std::vector<CoefficientRange> coefficients;
  std::vector<std::string> left_out;
};

Report draw(const Audit& audit, const AssessParams& params, const Table& judged);
// Tables of the groups that are bound: needs the table for its columns.
Result<void> draw_groups(const Audit& audit, const AssessParams& params, const Table& judged, Report& report);
// "0.1": four digits at most.
std::string short_text(double value);

}  // namespace plimsoll::probability::multiplicity
