// SPDX-License-Identifier: Apache-2.0
#pragma once

// score.forecast in parts: rows (what was given), measures (what each row scores), summary (the report).

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/method.h"
#include "engine/subject.h"
#include "stats/block_bootstrap.h"
#include "stats/crps.h"
#include "stats/ensemble_rows.h"

namespace plimsoll::score::forecast {

inline constexpr double none = std::numeric_limits<double>::quiet_NaN();  // of a score that rows don't have

enum class MissingPolicy : std::uint8_t { propagate, omit, error };
inline std::span<const std::string_view> choices_of(MissingPolicy) {
  static constexpr std::array<std::string_view, 3> names = {"propagate", "omit", "error"};
  return names;
}

struct Inputs {
  Table data;
  std::optional<Table> observed;
};
void describe(Fields& f, Inputs& in);

struct Params {
  stats::CrpsKind kind = stats::CrpsKind::fair;
  double alpha = 0.95;
  MissingPolicy missing = MissingPolicy::propagate;
  std::vector<double> thresholds;
  std::vector<double> levels;
  double variogram_order = 0.5;
  std::int64_t variogram_points = 200;
  double kernel_bandwidth = 0;
  double level = 0.95;
  std::int64_t replicates = 1000;
  std::int64_t block = 0;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& params);

// A label for each row; -1 where missing.
struct Labels {
  std::string column;
  std::vector<std::int32_t> codes;
  std::vector<std::string> names;
};

enum class Form : std::uint8_t { members, quantiles, normal };

// What was given, one entry a forecast.
struct Forecasts {
  Form form = Form::members;
  std::size_t rows = 0;
  std::vector<std::string> member_names;
  std::vector<Reals> member;
  std::vector<Reals> reference;
  std::vector<Reals> quantile;
  Reals mean, sd;
  std::vector<double> observed;
  std::vector<double> weight;       // empty: all 1
  std::vector<std::int32_t> unit;   // what is drawn in the bootstrap
  std::size_t units = 0;
  std::string unit_name;            // "time", "case" or "row"
  bool in_time = false;
  std::vector<std::int32_t> cases;  // fields; empty without the role
  std::size_t case_count = 0;
  Labels year, climate;             // empty without the role
  std::vector<Labels> groups;
  std::int64_t first_row = 0;
  bool from_long = false;

  std::vector<const double*> member_columns() const;
  std::vector<const double*> reference_columns() const;
};
Result<Forecasts> read_forecasts(Context& context, const Inputs& in, const Params& params);

// Rows in long form (one member a row) as one row a forecast: members become columns named by their number.
struct Pivoted {
  Table table;
  std::vector<std::string> members;
};
Result<Pivoted> pivot_members(const Table& data);
// One text a row that names its key.
Result<std::vector<std::string>> joined_keys(const Table& table, const std::vector<std::string>& columns);
// Values of `observed` for the rows of `data` by key; NaN where there is none.
Result<std::vector<double>> observed_by_key(const Table& data, const Table& observed);

// Values of one score in each row (or case), NaN where there is none, gathered to sums a unit.
class Measures {
 public:
  explicit Measures(const Forecasts& forecasts);
  std::size_t add(std::span<const double> rows, bool weighted = true);
  std::size_t add_by_case(std::span<const double> cases);
  Result<void> draw(Context& context, const Params& params, std::string_view stream);
  stats::Estimate mean(std::size_t measure, double level) const;
  // A function of the means of some measures.
  stats::Estimate of(const std::vector<std::size_t>& measures, double level, const std::function<double(std::span<const double>)>& f) const;
  std::int64_t block() const { return block_; }
  std::size_t units() const { return bootstrap_.units; }

 private:
  const Forecasts& forecasts_;
  stats::UnitSums sums_;
  std::vector<std::vector<double>> columns_;  // values, weights, values, weights ...
  stats::Bootstrap bootstrap_;
  std::int64_t block_ = 1;
};

// Scores of an ensemble in every row.
struct Scored {
  stats::EnsembleRows rows;
  std::vector<double> crps;  // of the kind asked for
  std::int64_t scored = 0;
  std::int64_t without_outcome = 0;
  std::int64_t lacking_members = 0;  // rows not scored for want of members
  std::int64_t constant = 0;         // rows whose members are all equal
  std::int32_t fewest = 0, most = 0;  // members of scored rows
};
Result<Scored> score_members(Context& context, const std::vector<const double*>& members, std::span<const double> observed, const Params& params, std::int64_t first_row,
                             const std::vector<std::string>& names);
std::vector<double> kind_column(const stats::EnsembleRows& rows, stats::CrpsKind kind, double alpha);

// Outcomes shifted so that scoring members against them scores anomalies: y + climate of the members - climate of the outcomes, each
// from the other years of the row's climate group. NaN where no other year is there.
std::vector<double> anomaly_outcomes(const Forecasts& forecasts, const Scored& scored);

// Skewness of the members of each row, NaN with fewer than three or no spread.
std::vector<double> member_skewness(const Forecasts& forecasts, const Scored& scored, double sign);

struct Threshold {
  double at = 0;
  std::vector<double> brier, fair_brier, weighted_crps;
  std::vector<double> probability;      // (k + 1/2) / (M + 1) of scored rows
  std::vector<std::int32_t> happened;
};
Result<Threshold> score_threshold(Context& context, const Forecasts& forecasts, const Scored& scored, const Params& params, double at);

// Energy, variogram and kernel score of each case; NaN where a case has a row that was not scored.
struct FieldScores {
  std::vector<double> energy, variogram, kernel;
  std::int64_t left_out = 0;
  bool variogram_too_large = false;
};
Result<FieldScores> score_fields(Context& context, const Forecasts& forecasts, const Scored& scored, const Params& params);

// The blocks of the report.
struct Line {
  std::string name;   // of the figure
  std::string title;
  stats::Estimate estimate;
  std::string note;
};
void add_lines(Report& report, const std::string& title, const std::string& caption, const std::vector<Line>& lines, bool as_figures = true);
Result<Report> report_members(Context& context, const Forecasts& forecasts, const Params& params);
Result<Report> report_quantiles(Context& context, const Forecasts& forecasts, const Params& params);
Result<Report> report_normal(Context& context, const Forecasts& forecasts, const Params& params);
Result<void> add_groups(Context& context, const Forecasts& forecasts, const Params& params, std::span<const double> score, const stats::EnsembleRows* rows, Report& report);

// Ranks of the outcome, their histogram and the tests of flatness.
struct Ranks {
  std::vector<double> linear, curved;  // contrasts a row, NaN where not ranked
  std::vector<std::int64_t> counts;    // of ranks 0..M
  std::int64_t ranked = 0;
};
Ranks rank_rows(const Context& context, const Forecasts& forecasts, const stats::EnsembleRows& rows);
void add_rank_histogram(Report& report, const Ranks& ranks, const Measures& measures, std::size_t linear, std::size_t curved, std::vector<Finding>& findings);
// Share of rows by equal cells of [0, 1] of a transform that is uniform when the forecast is right.
void add_transform_histogram(Report& report, std::span<const double> transform, const std::string& description);

// Diebold and Mariano 1995: the mean difference of two scores a unit over its Newey-West standard error.
struct PairedTest {
  double statistic = 0;
  double p_value = 1;
  std::int64_t lag = 0;
};
PairedTest paired_test(const Forecasts& forecasts, std::span<const double> ours, std::span<const double> theirs);

Result<Report> assess(Context& context, const Inputs& in, const Params& params);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);

}  // namespace plimsoll::score::forecast
