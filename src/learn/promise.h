// SPDX-License-Identifier: Apache-2.0
#pragma once

// What models with a conformal promise keep and show alike: ranks, coverage with the band that the promise allows, remarks,
// importance of features.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

// One conformal rank: the k-th smallest of n scores.
struct Rank {
  std::int64_t n = 0;
  std::int64_t k = 0;         // n + 1: no rank exists, nothing is excluded
  double threshold = 0;
};
void describe(Fields& f, Rank& rank);

// The k-th smallest of the scores, k = ceil((n+1)(1-alpha)); +infinity when k > n.
Result<Rank> rank_of(std::vector<double> scores, double alpha);
// Rows wanted so that a rank k = ceil((n+1)(1-alpha)) <= n exists.
std::int64_t rows_needed(double alpha);

// How often answers held the truth. The count follows BetaBinomial(tested; k, n + 1 - k) when promise and rows agree.
struct Coverage {
  std::string name;           // "all rows", or some of them
  std::int64_t tested = 0;
  std::int64_t covered = 0;
  double band_low = 0;        // the count's 99.9 % band, as a share of `tested`; 0 and 1 where there is none
  double band_high = 1;
  double mean_size = 0;
};
void describe(Fields& f, Coverage& coverage);

// Rank k of n conformal rows tested on other rows: the 99.9 % band of the covered share.
Result<Coverage> coverage_of(std::string name, std::int64_t covered, std::int64_t tested, std::int64_t k, std::int64_t n);

struct Importance {
  std::string name;
  double share = 0;
};
void describe(Fields& f, Importance& importance);
// Each name's weight as a share of the whole, the largest first.
std::vector<Importance> importance_of(const std::vector<std::string>& names, const std::vector<double>& weight);

struct Remark {
  std::int64_t severity = 0;  // 0 note, 1 warning, 2 alarm
  std::string subject;
  std::string text;
  std::string mend;
};
void describe(Fields& f, Remark& remark);

}  // namespace plimsoll::learn
