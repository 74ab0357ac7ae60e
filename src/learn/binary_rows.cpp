// SPDX-License-Identifier: Apache-2.0
#include "learn/binary_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numeric>

#include "base/hash.h"
#include "engine/door.h"
#include "engine/fields.h"
#include "learn/class_scores.h"
#include "table/bound_column.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 2> missing_names = {"refuse", "drop"};
constexpr double slack = 1e-9;
constexpr char between_values = '\x1f';

Error not_bound(const std::string& role) {
  return Error(ErrorCode::missing_input, "the role '" + role + "' is not bound", "Bind it: --" + role + " COLUMN.").in_parameter(role);
}

std::string in_words(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

Error bad_score(double value, const std::string& column, std::int64_t row) {
  return Error(ErrorCode::bad_value, "a probability is " + in_words(value), "Probabilities lie between 0 and 1: say --percent if they are per cents, --logits if they are log-odds.").in_column(column).at_row(row);
}

ColumnType type_of_column(const Table& table, const std::string& name) {
  for (const ColumnInfo& column : table.columns())
    if (column.name == name) return column.type;
  return ColumnType::other;
}

Error bad_outcome(const std::string& value, const std::string& column, std::int64_t row) {
  return Error(ErrorCode::bad_value, "the outcome '" + value + "' is neither 0 nor 1", "Name the outcome that counts as the event: --positive VALUE.").in_column(column).at_row(row);
}

// 0, 1, or -1 for a missing one.
Result<std::vector<std::int32_t>> read_outcomes(const Table& table, const std::string& column, const BinaryReading& reading) {
  std::vector<std::int32_t> out;
  const ColumnType type = type_of_column(table, column);
  if (reading.positive.empty() && (type == ColumnType::integer || type == ColumnType::real || type == ColumnType::boolean)) {
    PLIMSOLL_TRY(const Reals values, table.reals(column, reading.missing == MissingRows::drop ? Missing::as_nan : Missing::refuse));
    out.resize(values.size());
    bool plain = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double y = values[i];
      plain = plain & ((y == 0) | (y == 1));
      out[i] = y == 1 ? 1 : 0;
    }
    for (std::size_t i = 0; !plain && i < values.size(); ++i) {
      if (values[i] != 0 && values[i] != 1 && std::isfinite(values[i])) return bad_outcome(in_words(values[i]), column, table.first_row() + static_cast<std::int64_t>(i));
      out[i] = values[i] == 1 ? 1 : values[i] == 0 ? 0 : -1;
    }
    return out;
  }
  PLIMSOLL_TRY(const Categories values, table.categories(column));
  std::vector<std::int32_t> meaning;
  for (const std::string& name : values.names) {
    if (!reading.positive.empty()) meaning.push_back(name == reading.positive ? 1 : 0);
    else meaning.push_back(name == "0" || name == "false" ? 0 : name == "1" || name == "true" ? 1 : 2);
  }
  out.resize(values.codes.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int32_t code = values.codes[i];
    const std::int64_t row = table.first_row() + static_cast<std::int64_t>(i);
    if (code < 0 && reading.missing == MissingRows::refuse) return Error(ErrorCode::null_value, "the outcome is missing", "Give every row its outcome, or leave such rows out with --missing drop.").in_column(column).at_row(row);
    out[i] = code < 0 ? -1 : meaning[static_cast<std::size_t>(code)];
    if (out[i] == 2) return bad_outcome(values.names[static_cast<std::size_t>(code)], column, row);
  }
  return out;
}

// Values of several columns joined a row.
Result<std::vector<std::string>> read_cells(const Table& table, const std::vector<std::string>& columns) {
  std::vector<std::string> cells;
  for (const std::string& name : columns) {
    PLIMSOLL_TRY(const Categories values, table.categories(name));
    const bool first = cells.empty();
    if (first) cells.resize(values.codes.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!first) cells[i] += between_values;
      if (values.codes[i] >= 0) cells[i] += values.names[static_cast<std::size_t>(values.codes[i])];
    }
  }
  return cells;
}

// Scores on the scale of the maps; clipped ones counted. NaN for a missing one.
Result<std::vector<double>> read_scores(const Table& table, const std::string& column, const BinaryReading& reading, std::int64_t& clipped) {
  PLIMSOLL_TRY(const Reals values, table.reals(column, reading.missing == MissingRows::drop ? Missing::as_nan : Missing::refuse));
  std::vector<double> out(values.begin(), values.end());
  if (!reading.logits && !reading.percent) {
    bool plain = true;
    for (const double x : out) plain = plain & (x >= 0) & (x <= 1);
    if (plain) return out;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!std::isfinite(out[i])) out[i] = std::nan("");
    if (reading.logits) continue;
    if (reading.percent) out[i] /= 100;
    if (out[i] >= 0 && out[i] <= 1) continue;
    if (std::isnan(out[i])) continue;
    if (out[i] < -slack || out[i] > 1 + slack) return bad_score(values[i], column, table.first_row() + static_cast<std::int64_t>(i));
    out[i] = std::clamp(out[i], 0.0, 1.0);
    ++clipped;
  }
  return out;
}

template <class T>
void keep_rows(std::vector<T>& values, std::span<const std::int64_t> rows) {
  if (values.empty()) return;
  for (std::size_t i = 0; i < rows.size(); ++i) values[i] = std::move(values[static_cast<std::size_t>(rows[i])]);
  values.resize(rows.size());
}

// Whether no row lacks anything: looks without a branch, a column after the other.
bool all_whole(const BinaryBatch& batch) {
  bool whole = true;
  for (const std::int32_t y : batch.outcome) whole = whole & (y >= 0);
  for (const double w : batch.weight) whole = whole & (w - w == 0);
  for (const auto& column : batch.scores)
    for (const double x : column) whole = whole & (x - x == 0);
  return whole;
}

void drop_incomplete(BinaryBatch& batch, std::size_t rows) {
  if (all_whole(batch)) {
    batch.rows.resize(rows);
    std::iota(batch.rows.begin(), batch.rows.end(), std::int64_t{0});
    return;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    bool whole = batch.outcome.empty() || batch.outcome[i] >= 0;
    whole = whole && (batch.weight.empty() || std::isfinite(batch.weight[i]));
    for (const auto& column : batch.scores) whole = whole && std::isfinite(column[i]);
    if (whole) batch.rows.push_back(static_cast<std::int64_t>(i));
  }
  if (batch.rows.size() == rows) return;
  batch.dropped = static_cast<std::int64_t>(rows - batch.rows.size());
  for (auto& column : batch.scores) keep_rows(column, batch.rows);
  keep_rows(batch.outcome, batch.rows);
  keep_rows(batch.weight, batch.rows);
  keep_rows(batch.cell, batch.rows);
  keep_rows(batch.fold, batch.rows);
}

void put_text(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint64_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}

bool take_text(std::string_view& in, std::string_view& text) {
  std::uint64_t size = 0;
  if (in.size() < sizeof size) return false;
  std::memcpy(&size, in.data(), sizeof size);
  in.remove_prefix(sizeof size);
  if (in.size() < size) return false;
  text = in.substr(0, static_cast<std::size_t>(size));
  in.remove_prefix(static_cast<std::size_t>(size));
  return true;
}

}  // namespace

std::span<const std::string_view> choices_of(MissingRows) { return missing_names; }

void describe(Fields& f, BinaryReading& r) {
  f({"logits", "the scores are log-odds"}, r.logits);
  f({"percent", "the scores are per cents"}, r.percent);
  f({"positive", "the outcome that counts as the event; empty: outcomes are 0 and 1, or false and true"}, r.positive);
  f({"missing", "rows with a missing score, outcome or weight: refuse them, or drop and count them"}, r.missing);
}

Result<void> check(const BinaryReading& r) {
  if (!r.logits || !r.percent) return {};
  return Error(ErrorCode::bad_parameter, "scores are either log-odds or per cents", "Leave out --logits or --percent.").in_parameter("percent");
}

void describe(Fields& f, BinaryColumns& c) {
  f({"probability", "scores of the event"}, c.probability);
  f({"group", "groups"}, c.group);
  f({"target", "outcome"}, c.target);
  f({"weight", "weight"}, c.weight);
  f({"fold", "fold whose model made the score"}, c.fold);
  f({"id", "identity"}, c.id);
}

Result<BinaryColumns> binary_columns(const Table& table, bool with_target) {
  BinaryColumns columns;
  PLIMSOLL_TRY(columns.probability, table.role_columns("probability"));
  PLIMSOLL_TRY(columns.group, table.role_columns("group"));
  PLIMSOLL_TRY(columns.target, one_column(table, "target"));
  PLIMSOLL_TRY(columns.weight, one_column(table, "weight"));
  PLIMSOLL_TRY(columns.fold, one_column(table, "fold"));
  PLIMSOLL_TRY(columns.id, one_column(table, "id"));
  if (columns.probability.empty()) return not_bound("probability");
  if (with_target && columns.target.empty()) return not_bound("target");
  return columns;
}

Result<BinaryColumns> binary_columns_like(const Table& table, const BinaryColumns& fitted, bool with_target) {
  Roles roles = table.roles();
  const auto like = [&](const char* role, const std::vector<std::string>& names, bool needed) {
    auto& bound = roles[role];
    if (!bound.empty() || names.empty() || names.front().empty()) return;
    if (needed || std::all_of(names.begin(), names.end(), [&](const std::string& name) { return table.has(name); })) bound = names;
  };
  like("probability", fitted.probability, true);
  like("group", fitted.group, true);
  like("id", {fitted.id}, false);
  if (with_target) {
    like("target", {fitted.target}, true);
    like("weight", {fitted.weight}, false);
  } else {
    roles.erase("target");
    roles.erase("weight");
  }
  roles.erase("fold");
  std::erase_if(roles, [](const auto& role) { return role.second.empty(); });
  return binary_columns(table.with_roles(std::move(roles)), with_target);
}

Result<BinaryBatch> read_binary(const Table& table, const BinaryColumns& columns, const BinaryReading& reading) {
  BinaryBatch batch;
  for (const std::string& name : columns.probability) {
    PLIMSOLL_TRY(std::vector<double> scores, read_scores(table, name, reading, batch.clipped));
    batch.scores.push_back(std::move(scores));
  }
  if (!columns.target.empty()) {
    PLIMSOLL_TRY(batch.outcome, read_outcomes(table, columns.target, reading));
  }
  if (!columns.weight.empty()) {
    PLIMSOLL_TRY(const Reals weights, table.reals(columns.weight, reading.missing == MissingRows::drop ? Missing::as_nan : Missing::refuse));
    batch.weight.assign(weights.begin(), weights.end());
    for (std::size_t i = 0; i < batch.weight.size(); ++i)
      if (batch.weight[i] < 0 || batch.weight[i] > 1e12)
        return Error(ErrorCode::bad_value, "a weight is negative or above 1e12", "Weights are 0 or more and about 1; drop the row to leave it out.").in_column(columns.weight).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  PLIMSOLL_TRY(batch.cell, read_cells(table, columns.group));
  if (!columns.fold.empty()) {
    PLIMSOLL_TRY(batch.fold, read_cells(table, {columns.fold}));
  }
  drop_incomplete(batch, static_cast<std::size_t>(table.rows()));
  return batch;
}

std::string join_cell(const std::vector<std::string>& values) {
  std::string cell;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) cell += between_values;
    cell += values[i];
  }
  return cell;
}

std::vector<std::string> part_cell(const std::string& cell) {
  std::vector<std::string> values(1);
  for (const char c : cell) {
    if (c == between_values) values.emplace_back();
    else values.back() += c;
  }
  return values;
}

Result<void> BinarySums::add(const BinaryBatch& batch, std::span<const double> draws, int draw_folds) {
  dropped += batch.dropped;
  clipped += batch.clipped;
  const std::size_t rows = batch.outcome.size();
  for (const double w : batch.weight) {
    weight.add(w);
    weight_squared.add(w * w);
  }
  const bool single = batch.cell.empty() && batch.fold.empty() && draws.empty();
  const auto pools_at = [this](const std::pair<std::string, std::string>& key, bool grouped) -> Result<stats::ScorePools*> {
    const auto found = pools.find(key);
    if (found != pools.end()) return &found->second;
    if (pools.size() >= most_cells) return Error(ErrorCode::too_large, "the rows stand in more than " + std::to_string(most_cells) + " groups and folds", "Bind groups with fewer values.").in_parameter("group");
    return &pools.emplace(key, stats::ScorePools(grouped ? most_grouped : stats::ScorePools::most)).first->second;
  };
  if (single) {
    PLIMSOLL_TRY(stats::ScorePools* const all, pools_at({"", ""}, false));
    return all->add(batch.scores.front(), batch.outcome, batch.weight);
  }
  struct Part {
    std::vector<double> scores, weight;
    std::vector<std::int32_t> outcome;
  };
  std::map<std::pair<std::string, std::string>, Part> parts;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string fold = !batch.fold.empty() ? batch.fold[i] : draws.empty() ? std::string() : std::to_string(static_cast<int>(draws[i] * draw_folds));
    Part& part = parts[{batch.cell.empty() ? std::string() : batch.cell[i], fold}];
    part.scores.push_back(batch.scores.front()[i]);
    part.outcome.push_back(batch.outcome[i]);
    if (!batch.weight.empty()) part.weight.push_back(batch.weight[i]);
  }
  for (const auto& [key, part] : parts) {
    PLIMSOLL_TRY(stats::ScorePools* const own, pools_at(key, !batch.cell.empty()));
    PLIMSOLL_CHECK(own->add(part.scores, part.outcome, part.weight));
  }
  return {};
}

Result<void> BinarySums::merge(const BinarySums& other) {
  dropped += other.dropped;
  clipped += other.clipped;
  weight.merge(other.weight);
  weight_squared.merge(other.weight_squared);
  fingerprint.merge(other.fingerprint);
  for (const auto& [key, theirs] : other.pools) {
    const auto [found, fresh] = pools.try_emplace(key, theirs);
    if (!fresh) PLIMSOLL_CHECK(found->second.merge(theirs));
  }
  if (pools.size() > most_cells) return Error(ErrorCode::too_large, "the rows stand in more than " + std::to_string(most_cells) + " groups and folds", "Bind groups with fewer values.").in_parameter("group");
  return {};
}

std::int64_t BinarySums::rows() const {
  std::int64_t n = 0;
  for (const auto& [key, one] : pools) n += one.rows();
  return n;
}

double BinarySums::square_ratio() const {
  const double sum = weight.value();
  return sum > 0 ? weight_squared.value() / sum : 1;
}

std::string BinarySums::to_bytes() const {
  std::string out;
  put_text(out, weight.to_bytes());
  put_text(out, weight_squared.to_bytes());
  for (const auto& [key, one] : pools) {
    put_text(out, key.first);
    put_text(out, key.second);
    put_text(out, one.to_bytes());
  }
  return out;
}

Result<BinarySums> BinarySums::from_bytes(std::string_view bytes) {
  const Error bad(ErrorCode::corrupt_file, "the sums of a calibration are damaged", "Fit again.");
  BinarySums sums;
  std::string_view first, second, third;
  if (!take_text(bytes, first) || !take_text(bytes, second)) return bad;
  PLIMSOLL_TRY(sums.weight, ExactSum::from_bytes(first));
  PLIMSOLL_TRY(sums.weight_squared, ExactSum::from_bytes(second));
  while (!bytes.empty()) {
    if (!take_text(bytes, first) || !take_text(bytes, second) || !take_text(bytes, third) || sums.pools.size() >= most_cells) return bad;
    PLIMSOLL_TRY(stats::ScorePools one, stats::ScorePools::from_bytes(third));
    sums.pools.emplace(std::pair(std::string(first), std::string(second)), std::move(one));
  }
  return sums;
}

void describe(Fields& f, BinarySums& sums) {
  std::string bytes = sums.to_bytes();
  std::string before = bytes;
  f.blob({"pools", "outcomes by score"}, bytes);
  if (bytes != before) {
    if (auto read = BinarySums::from_bytes(bytes)) {
      sums.pools = std::move(read.value().pools);
      sums.weight = read.value().weight;
      sums.weight_squared = read.value().weight_squared;
    }
  }
  f({"dropped", "rows left out", at_least(0)}, sums.dropped);
  f({"clipped", "probabilities clipped", at_least(0)}, sums.clipped);
  bytes = sums.fingerprint.to_bytes();
  before = bytes;
  f.blob({"fingerprint", "sketch of rows"}, bytes);
  if (bytes == before) return;
  if (auto read = RowFingerprint::from_bytes(bytes)) sums.fingerprint = std::move(read).value();
}

Result<BinaryBatch> BinarySample::read(const Table& data, const std::optional<Table>& learned_rows, const BinaryReading& reading, bool fingerprint) {
  if (learned_rows) PLIMSOLL_CHECK(learned.add(*learned_rows));
  if (!ready) {
    PLIMSOLL_TRY(columns, binary_columns(data, true));
    ready = true;
  }
  PLIMSOLL_TRY(BinaryBatch batch, read_binary(data, columns, reading));
  if (fingerprint) PLIMSOLL_CHECK(sums.fingerprint.add(data));
  return batch;
}

Result<void> BinarySample::merge(const BinarySample& other) {
  if (!other.ready) return {};
  if (!ready) columns = other.columns;
  ready = true;
  if (other.learned.rows() > 0) learned.merge(other.learned);
  return sums.merge(other.sums);
}

Result<void> BinarySample::refuse_double_use(Context& context) {
  if (sums.rows() == 0) return Error(ErrorCode::too_few_rows, "the calibration table has no rows with weight", "Give rows of both outcomes.").in_parameter("data");
  PLIMSOLL_CHECK(refuse_repeated_ids(sums.fingerprint, columns.id));
  if (learned.rows() > 0 && sums.fingerprint.rows() > 0) PLIMSOLL_CHECK(check_overlap(context, learned, "learning", sums.fingerprint, "calibration", &overlap_remark));
  return {};
}

void describe(Fields& f, BinarySample& sample) {
  f({"columns", "columns by role"}, sample.columns);
  f({"ready", "fixed by a first batch"}, sample.ready);
  f({"sums", "outcomes by score"}, sample.sums);
  std::string bytes = sample.learned.to_bytes();
  const std::string before = bytes;
  f.blob({"learned", "sketch of the learning rows"}, bytes);
  if (bytes != before)
    if (auto read = RowFingerprint::from_bytes(bytes)) sample.learned = std::move(read).value();
  f({"overlap_remark", "what was said of double use"}, sample.overlap_remark);
}

Result<std::vector<double>> row_draws(const Stream& stream, const Table& table, const BinaryColumns& columns, const BinaryBatch& batch) {
  std::vector<double> draws(static_cast<std::size_t>(table.rows()));
  if (columns.id.empty()) {
    row_uniforms(stream, table.first_row(), draws);
  } else {
    PLIMSOLL_TRY(const std::vector<std::string> ids, table.texts(columns.id));
    std::vector<std::uint64_t> keys;
    for (const std::string& id : ids) keys.push_back(hash64(id));
    row_uniforms(stream, keys, draws);
  }
  if (batch.rows.size() < draws.size()) keep_rows(draws, batch.rows);
  return draws;
}

Result<void> refuse_repeated_ids(const RowFingerprint& fingerprint, const std::string& id) {
  if (id.empty() || !fingerprint.by_id()) return {};
  for (const auto& [hash, count] : fingerprint.counts())
    if (count > 1) return Error(ErrorCode::bad_value, "an id stands in " + std::to_string(count) + " rows", "Give each row an id of its own, or leave out --id.").in_column(id);
  return {};
}

}  // namespace plimsoll::learn
