// SPDX-License-Identifier: Apache-2.0
// Applying an encoder to a table. Columns are read once into typed spans; filling walks them in tiles that stay in the
// first-level cache, column by column, without a call per row.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "learn/feature_encoder.h"

namespace plimsoll::learn {
namespace {

constexpr std::int64_t tile_rows = 128;
constexpr double tree_limit = 1e37;  // keeps cut points of the booster finite in float32

struct BoundColumn {
  Reals reals;
  std::vector<std::int32_t> codes;  // levels; -1 missing
};

// For each category of this table its level, or -1; gathers what the encoder has never seen.
std::vector<std::int32_t> levels_of(const FeatureColumn& column, const Categories& categories, std::vector<bool>& unknown) {
  std::vector<std::int32_t> level(categories.names.size());
  const std::int32_t other = column.has_other ? static_cast<std::int32_t>(column.levels.size()) : -1;
  for (std::size_t i = 0; i < level.size(); ++i) {
    const auto at = std::lower_bound(column.levels.begin(), column.levels.end(), categories.names[i]);
    const bool known = at != column.levels.end() && *at == categories.names[i];
    level[i] = known ? static_cast<std::int32_t>(at - column.levels.begin()) : other;
    unknown[i] = !known;
  }
  return level;
}

Unseen note_unseen(const FeatureColumn& column, const Categories& categories, const std::vector<bool>& unknown,
                   const RowChoice& rows, std::int64_t count) {
  Unseen unseen{column.name, 0, {}};
  std::vector<bool> met(unknown.size(), false);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t code = categories.codes[static_cast<std::size_t>(rows ? (*rows)[static_cast<std::size_t>(i)] : i)];
    if (code < 0 || !unknown[static_cast<std::size_t>(code)]) continue;
    ++unseen.rows;
    met[static_cast<std::size_t>(code)] = true;
  }
  for (std::size_t i = 0; i < met.size(); ++i) {
    if (met[i] && (unseen.example.empty() || categories.names[i] < unseen.example)) unseen.example = categories.names[i];
  }
  return unseen;
}

Result<BoundColumn> bind_category(const FeatureColumn& column, const Table& table, const RowChoice& rows,
                                  std::int64_t count, Unseen& unseen) {
  PLIMSOLL_TRY(Categories categories, table.categories(column.name));
  std::vector<bool> unknown(categories.names.size(), false);
  const std::vector<std::int32_t> level = levels_of(column, categories, unknown);
  // With a level "other" a category that fell into it while learning looks like one never seen: both are "other".
  if (!column.has_other && std::find(unknown.begin(), unknown.end(), true) != unknown.end()) {
    unseen = note_unseen(column, categories, unknown, rows, count);
  }
  BoundColumn bound;
  bound.codes = std::move(categories.codes);
  for (std::int32_t& code : bound.codes) code = code < 0 ? -1 : level[static_cast<std::size_t>(code)];
  return bound;
}

bool infinite(double x) { return std::fabs(x) > std::numeric_limits<double>::max(); }

Error infinite_feature(const std::string& column, std::int64_t row) {
  return Error(ErrorCode::bad_value, "a feature is infinite", "Replace it by a number, or leave it empty.").in_column(column).at_row(row);
}

Result<BoundColumn> bind_numeric(const FeatureColumn& column, const Table& table, const RowChoice& rows, std::int64_t count, Infinities infinities) {
  BoundColumn bound;
  PLIMSOLL_TRY(bound.reals, table.reals(column.name, Missing::as_nan));
  if (infinities == Infinities::seen_when_filled) return bound;
  const double* values = bound.reals.span().data();
  for (std::int64_t begin = 0; begin < count; begin += 4096) {
    const std::int64_t end = std::min<std::int64_t>(begin + 4096, count);
    bool any = false;
    if (rows) {
      for (std::int64_t i = begin; i < end; ++i) any |= infinite(values[(*rows)[static_cast<std::size_t>(i)]]);
    } else {
      for (std::int64_t i = begin; i < end; ++i) any |= infinite(values[i]);
    }
    for (std::int64_t i = begin; any && i < end; ++i) {
      const std::int64_t row = rows ? (*rows)[static_cast<std::size_t>(i)] : i;
      if (infinite(values[row])) return infinite_feature(column.name, table.first_row() + row);
    }
  }
  return bound;
}

float as_tree_value(double x) { return static_cast<float>(std::min(std::max(x, -tree_limit), tree_limit)); }

// One column of a tile; whether a value is infinite.
bool fill_tree_column(const BoundColumn& column, const std::int64_t* rows, std::int64_t begin, std::int64_t end,
                      std::size_t stride, float* out) {
  const auto at = [&](std::int64_t i) { return rows != nullptr ? rows[i] : i; };
  if (column.codes.empty()) {
    const double* values = column.reals.span().data();
    bool any = false;
    for (std::int64_t i = begin; i < end; ++i, out += stride) {
      const double x = values[at(i)];
      any |= infinite(x);
      *out = as_tree_value(x);
    }
    return any;
  }
  for (std::int64_t i = begin; i < end; ++i, out += stride) {
    const std::int32_t code = column.codes[static_cast<std::size_t>(at(i))];
    *out = code < 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(code);
  }
  return false;
}

double* fill_linear_numeric(const FeatureColumn& learned, const BoundColumn& column, const std::int64_t* rows,
                            std::int64_t begin, std::int64_t end, double* out) {
  const double* values = column.reals.span().data();
  const std::int64_t count = end - begin;
  double* missing = learned.had_missing ? out + count : nullptr;
  for (std::int64_t i = 0; i < count; ++i) {
    const double x = values[rows != nullptr ? rows[begin + i] : begin + i];
    const bool absent = std::isnan(x);
    out[i] = ((absent ? learned.median : x) - learned.mean) / learned.scale;
    if (missing != nullptr) missing[i] = absent ? 1.0 : 0.0;
  }
  return out + count * (missing != nullptr ? 2 : 1);
}

double* fill_linear_category(const FeatureColumn& learned, const BoundColumn& column, const std::int64_t* rows,
                             std::int64_t begin, std::int64_t end, double* out) {
  const std::int64_t count = end - begin;
  const std::int64_t levels = static_cast<std::int64_t>(learned.levels.size()) + (learned.has_other ? 1 : 0);
  const std::int64_t width = levels - 1 + (learned.had_missing ? 1 : 0);
  std::fill(out, out + width * count, 0.0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t code = column.codes[static_cast<std::size_t>(rows != nullptr ? rows[begin + i] : begin + i)];
    if (code == learned.reference) continue;
    if (code >= 0) out[(code < learned.reference ? code : code - 1) * count + i] = 1.0;
    else if (learned.had_missing) out[(levels - 1) * count + i] = 1.0;
  }
  return out + width * count;
}

}  // namespace

struct BoundFeatures::State {
  const FeatureEncoder* encoder = nullptr;
  std::vector<BoundColumn> columns;
  std::vector<Unseen> unseen;
  std::int64_t rows = 0;
  const std::int64_t* chosen = nullptr;
  std::int64_t first_row = 0;  // of the table in its source

  Result<void> fill_column(std::size_t c, std::int64_t begin, std::int64_t end, std::size_t stride, float* out) const {
    if (!fill_tree_column(columns[c], chosen, begin, end, stride, out)) return {};
    const double* values = columns[c].reals.span().data();
    std::int64_t row = chosen != nullptr ? chosen[begin] : begin;
    for (std::int64_t i = begin; !infinite(values[row]); ++i) row = chosen != nullptr ? chosen[i] : i;
    return infinite_feature(encoder->columns[c].name, first_row + row);
  }
};

std::int64_t BoundFeatures::rows() const { return state_->rows; }
const FeatureEncoder& BoundFeatures::encoder() const { return *state_->encoder; }
const std::vector<Unseen>& BoundFeatures::unseen() const { return state_->unseen; }

Result<void> BoundFeatures::fill_tree(std::int64_t begin, std::int64_t end, float* out) const {
  const std::size_t width = state_->columns.size();
  for (std::int64_t tile = begin; tile < end; tile += tile_rows) {
    const std::int64_t tile_end = std::min(tile + tile_rows, end);
    float* to = out + static_cast<std::size_t>(tile - begin) * width;
    for (std::size_t c = 0; c < width; ++c) PLIMSOLL_CHECK(state_->fill_column(c, tile, tile_end, width, to + c));
  }
  return {};
}

Result<void> BoundFeatures::fill_tree_columns(std::int64_t begin, std::int64_t end, std::int64_t stride, float* out) const {
  for (std::size_t c = 0; c < state_->columns.size(); ++c) PLIMSOLL_CHECK(state_->fill_column(c, begin, end, 1, out + static_cast<std::int64_t>(c) * stride));
  return {};
}

void BoundFeatures::fill_linear(std::int64_t begin, std::int64_t end, double* out) const {
  for (std::size_t c = 0; c < state_->columns.size(); ++c) {
    const FeatureColumn& learned = state_->encoder->columns[c];
    const auto fill = learned.kind == FeatureKind::numeric ? fill_linear_numeric : fill_linear_category;
    out = fill(learned, state_->columns[c], state_->chosen, begin, end, out);
  }
}

Result<BoundFeatures> bind_features(Context& context, const FeatureEncoder& encoder, const Table& table, RowChoice rows, Infinities infinities) {
  PLIMSOLL_CHECK(check(encoder));
  auto state = std::make_shared<BoundFeatures::State>();
  state->encoder = &encoder;
  state->rows = rows ? static_cast<std::int64_t>(rows->size()) : table.rows();
  state->chosen = rows ? rows->data() : nullptr;
  if (rows && rows->empty()) state->chosen = nullptr;
  state->first_row = table.first_row();
  state->columns.resize(encoder.columns.size());
  std::vector<Unseen> unseen(encoder.columns.size());
  PLIMSOLL_CHECK(context.runtime.for_each(encoder.tree_width(), context.stop, [&](std::int64_t i) -> Result<void> {
    const auto c = static_cast<std::size_t>(i);
    const FeatureColumn& column = encoder.columns[c];
    if (column.kind == FeatureKind::numeric) {
      PLIMSOLL_TRY(state->columns[c], bind_numeric(column, table, rows, state->rows, infinities));
    } else {
      PLIMSOLL_TRY(state->columns[c], bind_category(column, table, rows, state->rows, unseen[c]));
    }
    return {};
  }));
  for (Unseen& one : unseen) {
    if (one.rows == 0) continue;
    if (context.warn) {
      context.warn("column '" + one.column + "' holds categories that were not among the learning rows, for example '" +
                   one.example + "': they are read as missing");
    }
    state->unseen.push_back(std::move(one));
  }
  BoundFeatures bound;
  bound.state_ = std::move(state);
  return bound;
}

}  // namespace plimsoll::learn
