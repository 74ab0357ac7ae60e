// SPDX-License-Identifier: Apache-2.0
#pragma once

// Control of a bounded risk by one number lambda: the types that the sources of this folder share. A loss is given for each row
// and each lambda of a grid, or computed from the sets {k : p_k >= 1 - lambda}; the method picks the lambda whose risk is promised.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/exact_sum.h"
#include "engine/method.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::riskcontrol {

enum class Loss : int { automatic, given, miscoverage, false_negative, false_discovery };
std::span<const std::string_view> choices_of(Loss);
enum class Procedure : int { crc, rcps, ltt };
std::span<const std::string_view> choices_of(Procedure);
enum class Test : int { automatic, hoeffding, hoeffding_bentkus, bernstein, binomial, betting };
std::span<const std::string_view> choices_of(Test);
enum class Family : int { fixed_sequence, split_fixed_sequence, bonferroni, holm };
std::span<const std::string_view> choices_of(Family);
enum class Choose : int { smallest, largest };
std::span<const std::string_view> choices_of(Choose);

struct Params {
  std::vector<double> alpha = {0.1};  // one a risk
  double bound = 1;
  double delta = 0.1;
  Procedure procedure = Procedure::crc;
  Test test = Test::automatic;
  Family family = Family::fixed_sequence;
  Choose choose = Choose::smallest;
  std::vector<std::string> losses;    // computed ones; empty: what the roles allow
  std::int64_t grid = 101;
  bool monotonise = false;
  std::string prefix = "p_";
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

// Which columns are read, fixed at fit.
struct Columns {
  std::vector<std::string> probability;
  std::vector<std::string> label;     // 0 or 1, one a class, in the order of `probability`
  std::vector<std::string> loss;      // risks x lambdas
  std::string target, group, id;
};
void describe(Fields& f, Columns& c);

struct Plan {
  std::vector<Loss> losses;           // one a risk
  std::vector<std::string> names;     // of the risks
  std::vector<std::string> classes;   // of columns.probability
  std::vector<double> lambdas;        // rising
  Columns columns;
};
Result<Plan> plan_of(const Table& table, const Params& params);

// What the rows say of one risk at one lambda.
struct RiskSum {
  ExactSum sum;                       // of losses divided by the bound
  ExactSum squares;
  std::int64_t ones = 0;
  bool binary = true;                 // every loss is 0 or the bound
};
struct Risks {
  std::int64_t units = 0;             // rows, or groups of rows
  std::vector<RiskSum> sums;          // risks x lambdas
  std::vector<std::vector<double>> columns;  // the losses themselves, where a test needs their order
};
// Losses of all units: rows, or groups of rows. `ordered`: keep the losses. `part` of 0, 1 takes one half of the units, drawn by
// the id of their first row, else by its number; 2 takes all.
struct Reading {
  bool ordered = false;
  bool falling = false;               // losses must not rise with lambda
  int part = 2;
};
Result<Risks> read_risks(Context& context, const Table& table, const Plan& plan, const Params& params, const Reading& reading);

struct Model {
  Params params;
  std::vector<std::string> names;
  std::vector<std::string> kinds;
  std::vector<std::string> classes;
  Columns columns;
  std::vector<double> lambdas;
  std::vector<double> risks;          // risks x lambdas: means over the units that certify
  std::vector<double> p_values;       // one a lambda, the largest over the risks; empty for crc
  std::int64_t index = 0;
  double lambda = 0;
  bool certified = false;
  std::string test;
  std::int64_t n = 0;
  std::string overlap_remark;
  std::string fingerprint;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);
Plan plan_of(const Model& model);

struct ApplyInputs {
  Table data;
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

struct AssessInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double confidence = 0.99;
};
void describe(Fields& f, AssessParams& p);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::riskcontrol
