// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/artifact.h"
#include "engine/method.h"
#include "learn/forecast_columns.h"

namespace plimsoll::score::probability {

struct Inputs {
  Table data;
  std::optional<ArtifactPort> model;  // whoever made the forecasts: are these rows its own?
};
void describe(Fields& f, Inputs& in);

// What the band of the reliability diagram answers.
enum class Band : std::uint8_t {
  consistency,  // where would the curve lie if the forecasts were exact?
  confidence,   // where may the true curve lie, around the one seen?
};
std::span<const std::string_view> choices_of(Band);

struct Params {
  learn::ForecastReading reading;
  double level = 0.95;
  std::int64_t bins = 15;
  std::int64_t replicates = 1000;  // of the bootstrap; 0: none
  std::int64_t null_draws = 200;   // of exact forecasts; 0: none
  double eps = 1e-15;
  double partial_to = 0.1;
  std::int64_t lag = -1;
  bool ordinal = false;
  Band band = Band::consistency;
};
void describe(Fields& f, Params& p);

Result<Report> assess(Context& context, const Inputs& in, const Params& params);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);

// Exact forecasts: p uniform, y Bernoulli(p); `challenger` is a noisier forecast of the same.
Result<Table> exact_forecasts(Stream rng, std::int64_t rows);

}  // namespace plimsoll::score::probability
