// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"
#include "base/result.h"

namespace plimsoll::risk::classifier {

// Which rows serve which purpose; ascending row numbers.
struct Parts {
  std::vector<std::int64_t> learning;     // rows of `data`
  std::vector<std::int64_t> probability;  // rows of `data`, or of `calibration` when that table is given
  std::vector<std::int64_t> conformal;    // likewise
};

struct Shares {
  double learning = 0.6;
  double probability = 0.2;
};

// Rows of one table into three parts. The conformal part is a plain random one: only then is it exchangeable with a new row, and
// the rank exact; a part with the table's own shares of classes is not. The rest is cut within each class.
Result<Parts> cut_one_table(std::span<const std::int32_t> labels, Shares shares, Stream stream);

// All of `data` for learning; the calibration table's rows halved at random between probability and conformal set.
Result<Parts> cut_two_tables(std::int64_t data_rows, std::int64_t calibration_rows, Stream stream);

}  // namespace plimsoll::risk::classifier
