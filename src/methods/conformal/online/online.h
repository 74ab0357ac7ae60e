// SPDX-License-Identifier: Apache-2.0
#pragma once

// Online conformal prediction: a threshold on scores that follows a stream, so that the share of misses comes to alpha whatever the
// stream does. The types that the sources of this folder share.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/method.h"
#include "table/table.h"

namespace plimsoll::conformal::online {

enum class Rule : int { aci, dtaci, agaci, pid, enbpi, fixed };
std::span<const std::string_view> choices_of(Rule);
enum class Score : int { absolute, normalised, cqr, given };
std::span<const std::string_view> choices_of(Score);

struct Params {
  double alpha = 0.1;
  Rule rule = Rule::aci;
  Score score = Score::absolute;
  double gamma = 0.01;
  std::vector<double> gammas = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128};
  std::int64_t horizon = 500;
  double integral = 0;
  double saturation = 5;
  std::int64_t window = 1000;
  double decay = 1;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Columns {
  std::string prediction, sigma, lower, upper, score, target, order, id;
};
void describe(Fields& f, Columns& c);

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

struct Model {
  Params params;
  Columns columns;
  std::vector<double> scores;  // the last ones of the warm-up, oldest first; signed residuals for enbpi
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);

struct Event {
  double prediction = 0;
  double sigma = 1;
  double lower = 0;
  double upper = 0;
  double score = 0;
  double target = 0;
  bool observed = true;
};
void describe(Fields& f, Event& e);

struct Row {
  double lower = 0;      // of the interval; -infinity: no end
  double upper = 0;
  double threshold = 0;  // scores up to here are covered
  double level = 0;      // the alpha in use
  bool covered = false;  // whether the truth was inside; false if it is not known
};
void describe(Fields& f, Row& r);

// What a step needs of the past. `scores` is a ring of the window; `sorted` is made of it and so not stored.
struct State {
  bool started = false;
  std::int64_t steps = 0;
  std::int64_t misses = 0;
  std::vector<double> scores;
  std::int64_t head = 0;           // where the oldest stands
  std::int64_t seen = 0;           // scores ever taken
  double level = 0;                // alpha_t of aci
  std::vector<double> levels;      // of the experts
  std::vector<double> weights;
  std::vector<double> regrets, variances, spans;  // of agaci's experts
  double tracked = 0;              // pid: the quantile
  double excess = 0;               // pid: sum of misses less alpha
  std::vector<std::pair<double, std::int64_t>> sorted;  // score, when it came
};
void describe(Fields& f, State& s);

struct Options {};
void describe(Fields& f, Options& o);
struct Outputs {
  Table rows;
  std::int64_t steps = 0;
  std::int64_t misses = 0;
};
void describe(Fields& f, Outputs& out);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const Inputs& inputs, const Options& options);
Result<Row> step(Context& context, const Model& model, State& state, const Event& event);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

// |share of misses - alpha| of aci is at most this after `steps` steps, whatever the stream.
double aci_bound(const Params& params, std::int64_t steps);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::online
