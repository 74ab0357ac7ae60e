// SPDX-License-Identifier: Apache-2.0
#pragma once

// Batch predictive inference: a bound on one function of all outcomes of a batch, from scores of labelled rows. The types that the
// sources of this folder share.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "table/table.h"

namespace plimsoll::conformal::batch {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

enum class Target : int { order_stat, median, coverage, kfwer, two_order_stats, mean, sum, product, log_sum_exp, p_norm, count_above, l_statistic };
std::span<const std::string_view> choices_of(Target);
enum class Score : int { automatic, given, raw, absolute, signed_residual, clipped };
std::span<const std::string_view> choices_of(Score);
enum class Side : int { two, upper, lower };
std::span<const std::string_view> choices_of(Side);
enum class RankFunction : int { rank_sum, weighted, exclude_top };
std::span<const std::string_view> choices_of(RankFunction);
enum class Procedure : int { rank, partition, split };
std::span<const std::string_view> choices_of(Procedure);

struct Params {
  Target target = Target::coverage;
  double alpha = 0.1;
  Side side = Side::two;
  Score score = Score::automatic;
  std::int64_t zeta = 1;
  std::int64_t zeta2 = 2;
  double delta = 0.1;
  std::int64_t eta = 0;
  double c = 0;
  double level = 0;
  double power = 2;
  std::vector<double> weights;
  double score_lower_bound;
  double score_upper_bound;
  RankFunction rank_fn = RankFunction::rank_sum;
  Procedure procedure = Procedure::rank;
  double most_work = 1e10;
  Params();
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);
bool folds(Target target);  // a sum of an increasing function of the scores, or an L-statistic

struct Columns {
  std::string score, target, prediction, group, batch, propensity, id;
};
void describe(Fields& f, Columns& c);

struct Inputs {
  Table data;
  std::optional<Table> training;
};
void describe(Fields& f, Inputs& in);

// The scores of one group.
struct Sample {
  std::string group;
  std::vector<double> scores;  // sorted
};
void describe(Fields& f, Sample& s);

struct Model {
  Params params;
  Columns columns;
  std::vector<Sample> samples;
  std::vector<double> training;      // sorted scores of an independent fold, for weighted ranks
  std::vector<double> in_order;      // scores of a single group as they came, for the partition baseline
  std::int64_t left_out = 0;         // rows that rejection sampling left out
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);

struct ApplyInputs {
  Table data;
};
void describe(Fields& f, ApplyInputs& in);
struct Options {};
void describe(Fields& f, Options& o);
struct Outputs {
  Table batches;
  Table rows;
};
void describe(Fields& f, Outputs& out);

// What is promised of a batch of m rows, on the scale of the scores.
struct Bound {
  double lower, upper;
  std::int64_t rank_lower = 0, rank_upper = 0;
  double attained = 0;
  std::int64_t needed = 0;           // fewest calibration rows for a finite answer; 0: not known
  bool vacuous = false;
  bool envelope = false;             // the safe bound stood in for the dynamic programme
};
Result<Bound> bound_of(Context& context, const Params& params, const Sample& sample, const Model& model, std::int64_t m);
// The function of the batch that the target names, of scores in any order.
double value_of(const Params& params, std::vector<double> scores);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::batch
