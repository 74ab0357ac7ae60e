// SPDX-License-Identifier: Apache-2.0
#pragma once

// Scorecards: bins, weights of evidence, points, and what can honestly be said of them. The types that the sources of this
// folder share. Bins are those of learning; codes of rows are bin numbers, `unknown_bin` for a value that has none.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/method.h"
#include "learn/ordered_grouping.h"
#include "table/table.h"

namespace plimsoll::credit::scorecard {

using learn::Trend;

enum class Binning : int { optimal, stumps };
std::span<const std::string_view> choices_of(Binning);
enum class Smoothing : int { half, jeffreys, none };
std::span<const std::string_view> choices_of(Smoothing);
enum class Encoding : int { woe, onehot, boosted };
std::span<const std::string_view> choices_of(Encoding);
enum class Compat : int { none, paper };
std::span<const std::string_view> choices_of(Compat);
enum class Kind : int { number, category };
std::span<const std::string_view> choices_of(Kind);
enum class BinRole : int { regular, special, missing, other };
std::span<const std::string_view> choices_of(BinRole);
enum class Chance : int { none, safe, independent };
std::span<const std::string_view> choices_of(Chance);

inline constexpr std::int64_t most_bins_of_feature = 250;
inline constexpr std::uint8_t unknown_bin = 255;
inline constexpr std::int64_t fewest_bads = 20;

struct Stumps {
  learn::StumpOptions options;
};
void describe(Fields& f, Stumps& s);

struct Boosting {
  std::int64_t rounds = 150;
  double learning_rate = 0.3;
  double min_child_weight = 5;
  double l2 = 1;
};
void describe(Fields& f, Boosting& b);

// The trade of predictive against protected information.
struct Fairness {
  std::vector<double> budgets;   // empty: ten from 0 to what no budget would take
  std::vector<double> tolls;     // weighted form: prices of protected information, one scorecard each
  double budget = -1;            // of the scorecard itself; below 0: unlimited
  Chance chance = Chance::none;
  double chance_level = 0.95;
  std::int64_t max_features = 0;           // 0: any number
  std::vector<std::string> must_include;
  double test_share = 0.3;                 // rows held out to measure each scorecard of the front; 0: none
  double approval_rate = 0.5;
  std::map<std::string, std::string> cuts; // protected numbers: column = cut (below, or at least)
};
void describe(Fields& f, Fairness& x);

struct Params {
  std::string bad;
  Binning binning = Binning::optimal;
  std::int64_t max_bins = 6;
  std::int64_t prebins = 32;
  double min_bin_share = 0.05;
  std::int64_t min_bin_bads = 5;
  double min_rate_gap = 0;
  Trend trend = Trend::automatic;
  std::map<std::string, std::string> monotone;
  std::map<std::string, std::string> special;
  std::map<std::string, std::string> cuts;
  std::vector<std::string> categorical;
  double rare_share = 0.005;
  Stumps stumps;
  Smoothing smoothing = Smoothing::half;
  double alpha = 0.05;
  std::int64_t permutations = 199;
  double min_iv = 0;
  Encoding encoding = Encoding::woe;
  double l2 = 1;
  Boosting boosting;
  double pdo = 20;
  double base_score = 600;
  double base_odds = 50;
  Compat compat = Compat::none;
  bool use_protected = false;
  Fairness fairness;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Bin {
  std::string label;
  BinRole role = BinRole::regular;
  double goods = 0;   // counts or weights of learning, before smoothing
  double bads = 0;
  double woe = 0;     // ln(share of bads / share of goods)
  double error = 0;   // of woe
  double value = 0;   // what the bin adds to the log odds of bad
  std::int64_t points = 0;
};
void describe(Fields& f, Bin& b);

struct Feature {
  std::string name;
  Kind kind = Kind::number;
  std::vector<double> cuts;             // rising; bin = number of cuts <= x
  std::vector<std::string> levels;      // by name
  std::vector<std::int64_t> level_bin;
  std::vector<double> specials;
  std::vector<std::int64_t> special_bin;  // -1: no learning row had it
  std::int64_t missing_bin = -1;
  std::int64_t other_bin = -1;
  std::vector<Bin> bins;
  Trend trend = Trend::none;
  double iv = 0;
  double iv_corrected = 0;
  double iv_error = 0;
  double iv_low = 0;
  double iv_high = 0;
  double paper_error = 0;
  double p_value = 1;        // after the bins were chosen on the same rows
  double p_fixed = 1;        // as if they had been given
  double gini = 0;
  std::int64_t cells = 0;    // pre-bins or levels, with special and missing
  bool used = false;
  double coefficient = 0;    // woe: of the feature
  std::string note;
};
void describe(Fields& f, Feature& x);

// One protected attribute: a group against all other rows.
struct Guarded {
  std::string column;
  std::string group;
  double rows = 0;
};
void describe(Fields& f, Guarded& g);

struct FrontPoint {
  double budget = 0;                     // infinity: none
  double toll = 0;                       // price of protected information, weighted form
  double iv = 0;
  double protected_iv = 0;               // the largest over the attributes
  double protected_low = 0;
  double protected_high = 0;
  double gap = 0;                        // proven, relative
  bool optimal = false;
  double auc = 0;                        // on the held-out rows; NaN without
  double auc_low = 0;
  double auc_high = 0;
  double impact_ratio = 0;               // the smallest over the attributes
  double score_iv = 0;                   // protected information of the score itself
  std::vector<std::string> features;
  std::vector<std::int64_t> bins;
};
void describe(Fields& f, FrontPoint& p);

struct ScoreBands {
  std::vector<double> cuts;    // of the log odds of bad, rising
  std::vector<double> goods;
  std::vector<double> bads;
};
void describe(Fields& f, ScoreBands& s);

struct Model {
  Params params;
  std::string target;
  std::string bad_label;
  std::string good_label;
  std::int64_t rows = 0;
  double goods = 0;
  double bads = 0;
  double kish = 1;                    // share of the weight that counts as independent rows
  bool weighted = false;
  std::vector<Feature> features;      // used ones first come in the order of the table
  double intercept = 0;
  std::int64_t neutral_points = 0;    // of a value without a bin
  double rounding_bound = 0;          // most that rounding the points can move a score
  std::vector<double> covariance;     // of the coefficients, then the intercept; empty: no interval
  ScoreBands bands;
  double auc = 0;                     // on the learning rows
  std::vector<std::string> kept_out;
  std::vector<std::string> notes;
  std::vector<Guarded> guarded;
  std::vector<FrontPoint> front;
  std::string solver;
  std::string booster;                // version of XGBoost, if it took part
};
void describe(Fields& f, Model& m);
// What describe cannot bound; a model read from a file may be hostile.
Result<void> sound(const Model& model);

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

enum class Detail : int { none, points, woe, bins };
std::span<const std::string_view> choices_of(Detail);
enum class Export : int { none, sql, pmml, table };
std::span<const std::string_view> choices_of(Export);

struct Options {
  std::int64_t reasons = 3;
  Detail detail = Detail::none;
  bool interval = true;
  Export form = Export::none;
};
void describe(Fields& f, Options& o);

struct Cases {
  Table data;
};
void describe(Fields& f, Cases& in);
struct Outputs {
  Table scored;
  std::optional<Document> card;
};
void describe(Fields& f, Outputs& out);

struct AssessInputs {
  Table data;
  std::optional<ArtifactPort> model;
  std::optional<ArtifactPort> reference;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  std::string bad;
  double alpha = 0.05;
  Smoothing smoothing = Smoothing::half;
  std::int64_t bins = 10;
  std::vector<std::string> categorical;
  std::int64_t draws = 10'000;
  double power = 0.8;
  double approval_rate = 0.5;
  bool fixed_reference = false;
  Compat compat = Compat::none;
};
void describe(Fields& f, AssessParams& p);

struct ReportInputs {
  std::optional<Table> data;
};
void describe(Fields& f, ReportInputs& in);

// Online: one application a time; the population is compared with learning after every `window` rows.
struct Event {
  std::map<std::string, std::string> values;
};
void describe(Fields& f, Event& e);
struct Monitor {
  std::int64_t rows = 0;
  std::int64_t windows = 0;
  std::int64_t alarms = 0;
  std::vector<std::int64_t> counts;   // of the open window: each feature's bins and one for unknown, then the score bands
  std::vector<std::int64_t> total;    // of all rows so far
};
void describe(Fields& f, Monitor& m);
struct Watch {
  double score = 0;
  double log_odds = 0;
  double probability = 0;
  std::vector<std::string> reasons;
  bool window_closed = false;
  bool alarm = false;
  std::vector<std::string> drifted;
  double largest_psi = 0;
  double smallest_p = 1;
  std::int64_t rows = 0;
};
void describe(Fields& f, Watch& w);
inline constexpr std::int64_t monitor_window = 1000;
// States of two monitors of one model add up; `bad_parameter` where their bins differ.
Result<void> merge_monitors(Monitor& into, const Monitor& other);
// Score, probability and reasons of one application, from the bin of each feature.
Watch score_one(const Model& model, const std::vector<std::uint8_t>& codes);

// Outcomes and weights of rows.
struct Past {
  std::vector<std::uint8_t> bad;
  std::vector<double> weight;  // empty: ones
  std::string target, bad_label, good_label;
  double goods = 0;
  double bads = 0;
  double kish = 1;             // (sum w)^2 / (n sum w^2)
  std::int64_t count() const { return std::ssize(bad); }
};
Result<Past> read_rows(const Table& table, const std::string& bad);
// Columns that may predict: those of the role, or all that play no other; protected ones only if allowed.
Result<std::vector<std::string>> feature_names(const Table& table, bool use_protected);

// A learned feature, and the bin of every row.
struct Binned {
  Feature feature;
  std::vector<std::uint8_t> codes;
  std::string kept_out;  // why it is not used; empty if it is
};
// All features, by tasks. With `by_size`, the groupings of each feature into 2, 3, ... bins instead of the best one.
Result<std::vector<Binned>> bin_features(Context& context, const Table& table, const std::vector<std::string>& names, const Past& rows, const Params& params);
Result<std::vector<Binned>> candidates_of(Context& context, const Table& table, const std::string& name, const Past& rows, const Params& params);
// Bins of other rows. `unseen` counts the rows whose value has no bin.
Result<std::vector<std::uint8_t>> codes_of(const Feature& feature, const Table& table, std::int64_t* unseen, std::string* example);
std::uint8_t code_of_text(const Feature& feature, const std::string& value);

// Weights of evidence, information value and its inference, from the counts in the bins.
Result<void> measure(Feature& feature, double goods, double bads, double kish, const Params& params);

// Encodings: fill value, coefficient, intercept, covariance of the used features.
Result<void> learn_values(Context& context, Model& model, const std::vector<std::vector<std::uint8_t>>& codes, const Past& rows);
void set_points(Model& model);
// Log odds of bad of each row.
std::vector<double> log_odds_of(const Model& model, const std::vector<std::vector<std::uint8_t>>& codes, std::int64_t rows);
// Standard errors of the log odds; empty without a covariance.
std::vector<double> errors_of(const Model& model, const std::vector<std::vector<std::uint8_t>>& codes, std::int64_t rows);
std::vector<std::size_t> used_features(const Model& model);

// Groups of the protected columns, each against the rest: 1 for a row of the group, 255 for a missing value.
struct Groups {
  std::vector<Guarded> guarded;
  std::vector<std::vector<std::uint8_t>> member;
};
Result<Groups> read_groups(const Table& table, const std::map<std::string, std::string>& cuts);
// Information of codes about membership: half a count in every cell.
struct GroupInformation {
  double value = 0;
  double error = 0;
  double low = 0;
  double high = 0;
  double p_value = 1;
};
GroupInformation group_information(std::span<const std::uint8_t> codes, std::size_t bins, std::span<const std::uint8_t> member, double level);
// Smallest of (approval rate of a group / of the rest) and its inverse, when the best `rate` of all rows are approved.
double impact_ratio(std::span<const double> log_odds, std::span<const std::uint8_t> member, double rate);

// The front, and which features with how many bins the scorecard's own budget takes.
struct Chosen {
  bool any = false;
  std::vector<std::string> features;
  std::vector<std::int64_t> bins;
};
Result<Chosen> trace_front(Context& context, const Table& table, const std::vector<std::string>& names, const Params& params, Model& model);

std::string sql_of(const Model& model);
std::string pmml_of(const Model& model);
Result<Document> exported(const Model& model, Export form);
// "12.5", shortest digits that read back.
std::string digits(double x);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const Cases& inputs, const Options& options);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Report> report(Context& context, const Model& model, const ReportInputs& inputs);
Result<Watch> step(Context& context, const Model& model, Monitor& monitor, const Event& event);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::credit::scorecard
