// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tests of exchangeability that may be looked at after every row: capital that cannot grow unless the rows have changed. The types
// that the sources of this folder share.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/method.h"
#include "table/table.h"

namespace plimsoll::conformal::martingale {

enum class Bet : int { jumper, power, both, risk };
std::span<const std::string_view> choices_of(Bet);

struct Params {
  Bet bet = Bet::both;
  double delta = 0.01;
  double jump = 0.01;
  double level = 0.1;
};
void describe(Fields& f, Params& p);

struct Columns {
  std::string score, order, id;
};
void describe(Fields& f, Columns& c);

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

struct Model {
  Params params;
  Columns columns;
  std::vector<double> scores;  // of the reference rows, sorted
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);

struct Event {
  double score = 0;
};
void describe(Fields& f, Event& e);
struct Row {
  double p_value = 1;
  double log_capital = 0;
  bool alarm = false;  // the capital has reached 1 / delta, now or before
};
void describe(Fields& f, Row& r);

struct State {
  bool started = false;
  std::int64_t steps = 0;
  std::vector<double> sorted;        // all scores so far
  std::vector<double> jumper;        // shares of the three bettors
  double jumper_log = 0;
  std::vector<double> power_logs;    // one an exponent
  double risk_log = 0;
  double risk_sum = 0.5, risk_spread = 0.25;
  std::int64_t alarm_at = -1;
};
void describe(Fields& f, State& s);

struct Options {};
void describe(Fields& f, Options& o);
struct Outputs {
  Table rows;
  Report report;
  std::int64_t alarm_row = -1;
  double largest = 0;
};
void describe(Fields& f, Outputs& out);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const Inputs& inputs, const Options& options);
Result<Row> step(Context& context, const Model& model, State& state, const Event& event);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::martingale
