// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the calibrate methods say of probabilities before and after: proper scores with their CORP decomposition, the calibration
// error beside its null law, Cox's test, and the paired difference of scores with an interval. One writer, so that their
// reports read alike.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "engine/report.h"
#include "table/table.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

struct AuditedSide {
  std::string name;             // "as given", "calibrated"
  std::vector<double> probability;
};

struct AuditRows {
  std::vector<AuditedSide> sides;
  std::vector<std::int32_t> outcome;
  std::vector<double> weight;          // empty: ones
  std::vector<std::string> cluster;    // empty: every row its own
  std::vector<std::string> group;      // empty: none
};

struct AuditOptions {
  double level = 0.95;
  int bins = 15;
  bool equal_width = false;
  int replicates = 1000;
  double eps = 1e-15;
  std::string remark;  // repeated on every line of the tables
};

// What `assess` of a map takes.
struct AuditParams {
  double level = 0.95;
  std::int64_t bins = 15;
  bool equal_width = false;
  std::int64_t bootstrap = 1000;
  double eps = 1e-15;

  AuditOptions options(std::string remark) const { return {level, static_cast<int>(bins), equal_width, static_cast<int>(bootstrap), eps, std::move(remark)}; }
};
void describe(Fields& f, AuditParams& p);

// If rows to assess on are those that a map was learned from (`fingerprint`, the bytes of their sketch; empty: none is known), says
// so as a warning and in the report, and gives the remark for its tables; else an empty one.
Result<std::string> double_use(Context& context, const std::string& fingerprint, const Table& data, Report& report);

// Adds tables and figures to the report, and headline figures named SIDE_FIGURE (brier, log_loss, ece, ece_null, ece_p, mcb,
// mcb_p, dsc, unc, cox_slope, cox_intercept, auroc) and brier_gain, log_loss_gain with _low and _high. One class: what needs two
// is left out. `too_few_rows` without rows.
Result<void> add_audit(Context& context, const AuditRows& rows, const AuditOptions& options, Report& report);

}  // namespace plimsoll::learn
