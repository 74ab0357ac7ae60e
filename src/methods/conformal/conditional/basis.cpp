// SPDX-License-Identifier: Apache-2.0
// Fit, and the basis: a 0/1 column for each group, a constant, the features as a linear model reads them, and bumps
// exp(-|z - c|^2 / (2 h^2 width)) around centres c, the means of k-means clusters of rows set aside.

#include <algorithm>
#include <cmath>
#include <set>

#include "learn/overlap.h"
#include "methods/conformal/conditional/conditional.h"
#include "stats/basis_quantile.h"
#include "stats/weighted_kmeans.h"

namespace plimsoll::conformal::conditional {
namespace {

constexpr std::size_t most_cells = std::size_t{1} << 26;

Result<std::vector<double>> encoded(Context& context, const learn::FeatureEncoder& encoder, const Table& table) {
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, encoder, table));
  std::vector<double> columns(static_cast<std::size_t>(table.rows()) * static_cast<std::size_t>(encoder.linear_width()));
  bound.fill_linear(0, table.rows(), columns.data());
  return columns;
}

void put_groups(const Groups& groups, const Categories& values, std::size_t width, std::size_t at, std::vector<double>& out) {
  std::vector<std::ptrdiff_t> place;
  for (const std::string& name : values.names) {
    const auto found = std::lower_bound(groups.levels.begin(), groups.levels.end(), name);
    place.push_back(found != groups.levels.end() && *found == name ? found - groups.levels.begin() : -1);
  }
  for (std::size_t i = 0; i < values.codes.size(); ++i) {
    const std::ptrdiff_t level = values.codes[i] < 0 ? -1 : place[static_cast<std::size_t>(values.codes[i])];
    if (level >= 0) out[i * width + at + static_cast<std::size_t>(level)] = 1;
  }
}

// Features are one column after another: z of row i is columns[i], columns[n + i], ...
void put_bumps(const Basis& basis, const std::vector<double>& columns, std::size_t n, std::size_t width, std::size_t at, std::vector<double>& out) {
  const std::size_t features = basis.features();
  const double scale = 2 * basis.bandwidth * basis.bandwidth * static_cast<double>(features);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t b = 0; b < basis.bumps(); ++b) {
      double apart = 0;
      for (std::size_t j = 0; j < features; ++j) {
        const double d = columns[j * n + i] - basis.centres[b * features + j];
        apart += d * d;
      }
      out[i * width + at + b] = std::exp(-apart / scale);
    }
}

// Rows that choose centres: their positions, and those of the rest.
struct Split {
  std::vector<std::int64_t> aside, rest;
};
Result<Split> split_of(Context& context, const Table& data, const Params& params, const std::string& id) {
  Split split;
  std::vector<double> draws(static_cast<std::size_t>(data.rows()), 1.0);
  if (params.centres > 0) PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("aside"), data, id, draws));
  for (std::size_t i = 0; i < draws.size(); ++i) (draws[i] < params.aside ? split.aside : split.rest).push_back(static_cast<std::int64_t>(i));
  return split;
}

Result<void> put_centres(Context& context, const Table& data, const Params& params, const Split& split, Basis& basis) {
  if (split.aside.empty()) return Error(ErrorCode::too_few_rows, "no row is set aside to choose centres", "Give more rows, or no --centres.").in_parameter("aside");
  PLIMSOLL_TRY(const std::vector<double> columns, encoded(context, *basis.encoder, data.take(split.aside)));
  const std::size_t features = basis.features();
  const std::size_t n = split.aside.size();
  std::vector<double> points(columns.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < features; ++j) points[i * features + j] = columns[j * n + i];
  const std::vector<double> ones(n, 1.0);
  const auto of = stats::weighted_kmeans(points, features, ones, static_cast<std::size_t>(params.centres));
  const auto clusters = static_cast<std::size_t>(*std::max_element(of.begin(), of.end()) + 1);
  basis.centres.assign(clusters * features, 0.0);
  std::vector<double> count(clusters, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto c = static_cast<std::size_t>(of[i]);
    count[c] += 1;
    for (std::size_t j = 0; j < features; ++j) basis.centres[c * features + j] += points[i * features + j];
  }
  for (std::size_t c = 0; c < clusters; ++c)
    for (std::size_t j = 0; j < features; ++j) basis.centres[c * features + j] /= count[c];
  return {};
}

Result<Basis> basis_of(Context& context, const Table& data, const Params& params, const Split& split) {
  Basis basis;
  basis.linear = params.linear;
  basis.bandwidth = params.bandwidth;
  PLIMSOLL_TRY(const std::vector<std::string> groups, data.role_columns("group"));
  for (const std::string& column : groups) {
    PLIMSOLL_TRY(const Categories values, data.categories(column));
    std::set<std::string> used;
    for (std::size_t i = 0; i < values.codes.size(); ++i) {
      if (values.codes[i] < 0) return Error(ErrorCode::null_value, "the group is missing", "Give every calibration row its group, or drop the row.").in_column(column).at_row(data.first_row() + static_cast<std::int64_t>(i));
      used.insert(values.names[static_cast<std::size_t>(values.codes[i])]);
    }
    basis.groups.push_back({column, {used.begin(), used.end()}});
  }
  PLIMSOLL_TRY(const std::vector<std::string> features, data.role_columns("feature"));
  if (params.centres > 0 && features.empty()) return Error(ErrorCode::missing_input, "bumps need features", "Bind them: --feature a,b,c.").in_parameter("feature");
  if (features.empty()) return basis;
  learn::EncoderOptions encoding;
  encoding.linear = true;
  learn::RowChoice rows;
  if (params.centres > 0) rows = split.aside;
  PLIMSOLL_TRY(basis.encoder, learn::fit_encoder(context, data, features, rows, encoding));
  for (std::size_t i = 0; i < basis.encoder->kept_out.size(); ++i) context.warn("column \"" + basis.encoder->kept_out[i] + "\" is not used: " + basis.encoder->notes[i]);
  if (params.centres > 0) PLIMSOLL_CHECK(put_centres(context, data, params, split, basis));
  return basis;
}

}  // namespace

std::size_t Basis::width() const {
  std::size_t all = 1 + bumps() + (linear ? features() : 0);
  for (const Groups& one : groups) all += one.levels.size();
  return all;
}

Result<std::vector<double>> basis_rows(Context& context, const Basis& basis, const Table& table) {
  const std::size_t width = basis.width();
  const auto n = static_cast<std::size_t>(table.rows());
  std::vector<double> out(n * width, 0.0);
  if (n == 0) return out;
  std::size_t at = 0;
  for (const Groups& groups : basis.groups) {
    PLIMSOLL_TRY(const Categories values, table.categories(groups.column));
    put_groups(groups, values, width, at, out);
    at += groups.levels.size();
  }
  for (std::size_t i = 0; i < n; ++i) out[i * width + at] = 1;
  ++at;
  if (!basis.encoder) return out;
  PLIMSOLL_TRY(const std::vector<double> columns, encoded(context, *basis.encoder, table));
  if (basis.linear) {
    for (std::size_t j = 0; j < basis.features(); ++j)
      for (std::size_t i = 0; i < n; ++i) out[i * width + at + j] = columns[j * n + i];
    at += basis.features();
  }
  put_bumps(basis, columns, n, width, at, out);
  return out;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.plan, learn::plan_of(inputs.data, params));
  PLIMSOLL_TRY(model.overlap_remark, learn::overlap_remark(context, inputs.data, inputs.learned));
  PLIMSOLL_TRY(const learn::TruthScores truths, learn::score_truths(context, inputs.data, model.plan, params, params.missing, context.rng.child("calibrate")));
  if (truths.numbers.empty()) return Error(ErrorCode::too_few_rows, "the calibration table has no rows", "Give at least " + std::to_string(learn::conformal_rows_needed(params.alpha.front())) + " labelled rows.").in_parameter("data");
  std::vector<std::int64_t> scored;
  for (const std::int64_t number : truths.numbers) scored.push_back(number - inputs.data.first_row());
  const Table data = truths.dropped > 0 ? inputs.data.take(scored).with_roles(inputs.data.roles()) : inputs.data;
  PLIMSOLL_TRY(const Split split, split_of(context, data, params, model.plan.columns.id));
  PLIMSOLL_TRY(model.basis, basis_of(context, data, params, split));
  model.set_aside = static_cast<std::int64_t>(split.aside.size());
  model.n = static_cast<std::int64_t>(split.rest.size());
  if (model.n == 0) return Error(ErrorCode::too_few_rows, "no row is left to calibrate on", "Give more labelled rows.").in_parameter("data");
  const std::size_t width = model.basis.width();
  if (split.rest.size() > most_cells / width)
    return Error(ErrorCode::too_large, std::to_string(model.n) + " rows of a basis of " + std::to_string(width) + " are too many", "Calibrate on fewer rows, or take a smaller basis.").in_parameter("data");
  for (const auto& side : truths.sides)
    for (const std::int64_t i : split.rest) {
      const double score = side[static_cast<std::size_t>(i)];
      if (!std::isfinite(score)) return Error(ErrorCode::bad_value, "a score is infinite", "A quantile regression needs finite scores: use another score than log, or drop the row.").in_column(model.plan.columns.target).at_row(truths.numbers[static_cast<std::size_t>(i)]);
      model.scores.push_back(score);
    }
  const Table calibrating = split.aside.empty() ? data : data.take(split.rest);
  PLIMSOLL_TRY(model.rows, basis_rows(context, model.basis, calibrating));
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const stats::BasisQuantile quantile, stats::BasisQuantile::fit(std::span<const double>(model.scores).first(split.rest.size()), model.rows, width, params.alpha.front() / learn::sides_of(model.plan.score)));
  model.rank = static_cast<std::int64_t>(quantile.rank());
  model.dropped = truths.dropped;
  model.crossed = truths.crossed;
  model.off = truths.off;
  learn::warn_of_scores(context, model.off, model.crossed, model.dropped);
  if (model.rank * 5 > model.n) context.warn("The basis has " + std::to_string(model.rank) + " independent functions for " + std::to_string(model.n) + " rows: many answers will be the whole space.");
  return model;
}

}  // namespace plimsoll::conformal::conditional
