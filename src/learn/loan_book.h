// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/philox.h"
#include "base/result.h"
#include "table/table.h"

namespace plimsoll::learn {

// A book of consumer loans whose true default probabilities are known: for demonstrations, examples and experiments.
struct LoanBook {
  Table table;                // application (id), region, age, ..., default ("yes" or "no")
  std::vector<double> truth;  // probability with which the row's outcome was drawn
};

// Row r of a year depends on (stream, year, r) only, so a longer book begins with the shorter one. Every year follows the same
// law: rows of different years are exchangeable, which is what a certificate assumes. About 12 % default; income, years of
// employment and savings have gaps.
Result<LoanBook> make_loan_book(Stream stream, std::int64_t rows, int year);

}  // namespace plimsoll::learn
