// SPDX-License-Identifier: Apache-2.0
#pragma once

// The demonstration's judge: what the certificate promises, beside what happened to cases whose true risk is known.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/certificate.h"
#include "table/table.h"

namespace plimsoll::cli {

struct DemoCosts {
  double false_positive = 1;  // a good customer refused
  double false_negative = 5;  // a loan that defaults
  double abstain = 0.75;      // an hour of a clerk
};

struct DemoRow {
  std::string what;
  std::string promised;
  std::string observed;
  std::string verdict;  // "holds", "BROKEN", or empty where nothing is promised
};

struct DemoVerdict {
  std::vector<DemoRow> rows;
  bool holds = true;
};

// `scored` as apply wrote it; `truth` and `defaulted` by row.
Result<DemoVerdict> compare_with_truth(const Certificate& certificate, const Table& scored, const std::vector<double>& truth,
                                       const std::vector<std::string>& outcomes, const DemoCosts& costs);

}  // namespace plimsoll::cli
