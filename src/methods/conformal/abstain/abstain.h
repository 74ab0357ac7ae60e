// SPDX-License-Identifier: Apache-2.0
#pragma once

// One answer, a short set, or none: the types that the sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::abstain {

enum class Mode : int { certified, paper };
std::span<const std::string_view> choices_of(Mode);
enum class Optimizer : int { grid, exact, reinforce };
std::span<const std::string_view> choices_of(Optimizer);
enum class Reward : int { expected, sampled };
std::span<const std::string_view> choices_of(Reward);
enum class ActionRule : int { automatic, argmax, sample };
std::span<const std::string_view> choices_of(ActionRule);
enum class Risk : int { joint, selective };
std::span<const std::string_view> choices_of(Risk);
enum class Action : int { single, set, abstain };
std::span<const std::string_view> choices_of(Action);

struct CostWeights {
  double size = 0.3;
  double abstention = 0.3;
  double answer = 0.4;      // reward of the share answered
  double diversity = 0.2;   // reward of the entropy of the three shares
  double single = 0.5;      // penalty of single answers beyond 0.8
};
void describe(Fields& f, CostWeights& w);

struct Params {
  Mode mode = Mode::certified;
  Risk risk = Risk::joint;
  double rho = 0.1;
  double delta = 0.05;
  Optimizer optimizer = Optimizer::grid;
  Reward reward = Reward::expected;
  ActionRule action_rule = ActionRule::automatic;
  double alpha0 = 0.85, beta0 = 0.025;
  double alpha_low = 0.75, alpha_high = 0.90;
  double beta_low = 0.01, beta_high = 0.05;
  double learning_rate = 1e-3;
  std::int64_t epochs = 200;
  double step = 0.005;
  double slope = 5;
  CostWeights cost;
  double cal_ratio = 0.5;
  double certify_share = 0.5;
  bool carry_over = false;
  double set_alpha = 0.1;     // online: share of sets that miss
  double set_gamma = 0.01;
  bool probabilities = false;
  std::string prefix = "z_";
  std::vector<std::string> options = {"A", "B", "C", "D", "E", "F"};  // recorded and live log-probabilities
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);
bool samples(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> certify;
  std::optional<Table> reported;
  std::optional<EndpointPort> endpoint;
};
void describe(Fields& f, Inputs& in);

// Where the options' log-probabilities stand.
struct Columns {
  std::vector<std::string> logit;
  std::string logprobs, prompt, target, group, id;
};
void describe(Fields& f, Columns& c);

// Questions as read: probabilities row-major, K options.
struct Questions {
  std::size_t options = 0;
  std::vector<double> p;
  std::vector<std::int32_t> answer;       // empty if not asked for
  std::vector<std::string> group;         // empty without a group
  std::vector<std::uint64_t> keys;        // what draws are keyed by
  std::vector<std::string> ids;           // empty without an id
  std::vector<std::int32_t> imputed;      // options that a top list left out
  std::vector<std::int64_t> rows;         // of the table

  std::size_t size() const { return options == 0 ? 0 : p.size() / options; }
  std::span<const double> at(std::size_t i) const { return std::span(p).subspan(i * options, options); }
};
struct Asking {
  const Params& params;
  std::vector<std::string> options;       // empty at fit: from the columns
  std::optional<EndpointPort> endpoint;
  bool with_answer = false;
};
struct Read {
  std::vector<std::string> options;
  Columns columns;
  Questions questions;
};
// `fitted`: columns of the fit, used where the table binds none.
Result<Read> read(Context& context, const Table& table, const Asking& asking, const Columns& fitted);
// Of one event: log-probabilities to probabilities. False if one is no number.
bool to_probabilities(std::span<double> values, bool probabilities);

// The two thresholds of a decision; `shift` lowers the one of abstention and leaves the sets as they are.
struct Thresholds {
  double single = 0;
  double set = 0;
  double shift = 0;
};
struct Shares {
  double single = 0, set = 0, abstain = 0;
};
Shares shares_of(const Thresholds& thresholds, double slope, double u);
// The most probable action; of equals the most cautious.
Action likeliest(const Shares& shares);
Action drawn(const Shares& shares, double uniform);
double largest(std::span<const double> p);
std::int32_t first_largest(std::span<const double> p);
// {y : p_y >= 1 - threshold}, or the first most probable; as a mask.
std::uint64_t set_at(std::span<const double> p, double threshold);

// What a batch of decisions costs: means over rows, whatever the decisions were.
struct Batch {
  double right = 0;       // single right or set covering
  double single = 0, set = 0, abstain = 0;  // of rows, or of their probabilities
  double options = 0;     // of sets
  double rows = 0;
};
double cost_of(const Batch& batch, const CostWeights& weights);

// Order statistics of calibration scores. `paper`: NumPy's "higher" rank, one above the exact one as a rule.
struct Quantiles {
  std::vector<double> sorted;
  bool paper = false;
  std::int64_t rank(double level) const;  // from 1; at most n
  double at(double level) const { return sorted[static_cast<std::size_t>(rank(level) - 1)]; }
};

// The learning rows of one policy: everything that does not depend on thresholds.
struct Learning {
  std::size_t options = 0;
  std::vector<double> p;
  std::vector<std::int32_t> answer;
  std::size_t size() const { return answer.size(); }
  std::span<const double> at(std::size_t i) const { return std::span(p).subspan(i * options, options); }
};
Batch expected_batch(const Learning& learning, const Thresholds& thresholds, double slope);
Batch sampled_batch(const Learning& learning, const Thresholds& thresholds, double slope, Stream stream);

struct Learned {
  double alpha = 0, beta = 0, cost = 0;
  std::vector<double> trace;  // cost by epoch
};
Result<Learned> sweep(Context& context, const Params& params, const Quantiles& quantiles, const Learning& learning);
Result<Learned> reinforce(Context& context, const Params& params, const Quantiles& quantiles, const Learning& learning, double alpha, double beta, Stream stream);

// One policy: of all rows, or of a group.
struct Policy {
  std::string group;
  double alpha = 0, beta = 0;
  double single = 0, set = 0, shift = 0;
  double cost = 0;
  std::int64_t step = 0;           // caution: 0 the learned policy, `caution_steps` always abstains
  bool certified = false;
  double p_value = 1;
  std::int64_t calibration = 0, learning = 0, certifying = 0, misses = 0, answered = 0;
  std::vector<double> trace;
  std::vector<double> lac, aps, raps;  // sorted calibration scores
  Thresholds thresholds() const { return {single, set, shift}; }
};
void describe(Fields& f, Policy& p);
inline constexpr std::int64_t caution_steps = 50;
Thresholds at_caution(const Policy& policy, std::int64_t step);

struct Model {
  Params params;
  Columns columns;
  std::vector<std::string> options;
  std::vector<Policy> policies;
  bool leaked = false;
  std::int64_t n = 0;
  std::string fingerprint;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);
// nullptr for a group that was not learned.
const Policy* policy_of(const Model& model, const std::string& group);

struct ApplyInputs {
  Table data;
  std::optional<EndpointPort> endpoint;
};
void describe(Fields& f, ApplyInputs& in);
struct Options {
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& o);
struct Outputs {
  Table rows;
};
void describe(Fields& f, Outputs& out);

struct Event {
  std::vector<double> logits;
  std::string group;
  std::string answer;  // empty: not known yet
};
void describe(Fields& f, Event& e);
struct Row {
  std::string action;
  std::vector<std::string> answer;   // by the action: one option, several, none
  std::vector<std::string> set;      // at the level that follows the misses
  double level = 0;
  bool covered = false;
};
void describe(Fields& f, Row& r);
struct GroupState {
  std::string group;
  double level = 0;
  std::int64_t steps = 0, misses = 0;
};
void describe(Fields& f, GroupState& s);
struct State {
  std::vector<GroupState> groups;
};
void describe(Fields& f, State& s);

struct AssessInputs {
  ArtifactPort model;
  Table data;
  std::optional<EndpointPort> endpoint;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double confidence = 0.99;
  double alpha = 0.1;       // of the plain sets beside it
};
void describe(Fields& f, AssessParams& p);

// What was answered to each row, by whatever rule.
struct Answer {
  Action action = Action::abstain;
  std::uint64_t mask = 0;
};
struct Metric {
  std::string name;
  std::optional<double> value;  // none where it is not defined
};
std::vector<Metric> honest_metrics(const Questions& questions, const std::vector<Answer>& answers);
// `plain`: the published comparison scores its baselines by other rules than its own policy.
std::vector<Metric> paper_metrics(const Questions& questions, const std::vector<Answer>& answers, bool plain);
std::vector<Answer> decide(const Model& model, const Questions& questions, const Stream& stream);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Row> step(Context& context, const Model& model, State& state, const Event& event);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::abstain
