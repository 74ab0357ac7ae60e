// SPDX-License-Identifier: Apache-2.0
#pragma once

// The structs of the made-up methods that test the engine.

#include "base/exact_sum.h"
#include "engine/method.h"

namespace plimsoll::made::mean {

enum class Center { mean, middle };
std::span<const std::string_view> choices_of(Center);

struct Params {
  double shift = 0;
  Center center = Center::mean;
  std::int64_t rounds = 5;
  std::vector<double> grid = {0.5};
};
void describe(Fields& f, Params& p);

struct Inputs {
  Table data;
  std::optional<Table> side;
};
void describe(Fields& f, Inputs& in);

struct Model {
  double mean = 0;
  std::int64_t rows = 0;
  std::int64_t passes = 0;
  std::int64_t sides = 0;
  std::vector<double> spread;
  std::string learning_fingerprint;
};
void describe(Fields& f, Model& m);

struct State {
  std::int64_t pass = 0;
  std::int64_t rows = 0;
  double mean = 0;
  std::int64_t sides = 0;
  ExactSum sum;
};
void describe(Fields& f, State& s);

struct Options {
  double factor = 1;
};
void describe(Fields& f, Options& o);

struct Outputs {
  Table scored;
};
void describe(Fields& f, Outputs& o);

}  // namespace plimsoll::made::mean
