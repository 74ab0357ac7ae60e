// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/method.h"
#include "learn/forecast_columns.h"

namespace plimsoll::score::decision {

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

struct Params {
  learn::ForecastReading reading;
  double level = 0.95;
  double cost_false_positive = 1;
  double cost_false_negative = 1;
  double from = 0.01;
  double to = 0.99;
  std::int64_t steps = 99;
  std::vector<double> depths = {0.01, 0.05, 0.1, 0.2, 0.5};
  std::int64_t lag = -1;

  // Acting costs no more than passing from this probability on.
  double threshold() const { return cost_false_positive / (cost_false_positive + cost_false_negative); }
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

Result<Report> assess(Context& context, const Inputs& in, const Params& params);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);

}  // namespace plimsoll::score::decision
