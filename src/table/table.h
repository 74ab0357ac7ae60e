// SPDX-License-Identifier: Apache-2.0
#pragma once

// Tables over Arrow memory. Arrow's own headers stay inside src/table/*.cpp: nothing here includes them.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll {

enum class ColumnType : std::uint8_t { boolean, integer, real, text, list_of_text, timestamp, other };
std::string_view name_of(ColumnType type);

struct ColumnInfo {
  std::string name;
  ColumnType type = ColumnType::other;
};

// Which columns play which part ("target", "score", "group", "time", "event", "weight", "id", "order", "text", "after",
// "feature", "probability", ...). Bound by the caller, never guessed. The list order is the caller's order.
using Roles = std::map<std::string, std::vector<std::string>, std::less<>>;

enum class Missing : std::uint8_t {
  refuse,  // null, NaN and infinity are errors that name column and row
  as_nan,  // null becomes NaN; NaN and infinity pass through
};

// Values of one column as contiguous doubles; keeps what it views alive. Zero copy when the column is one float64 chunk.
class Reals {
 public:
  Reals() = default;
  Reals(std::shared_ptr<const void> owner, std::span<const double> values) : owner_(std::move(owner)), values_(values) {}
  explicit Reals(std::vector<double> values);
  std::span<const double> span() const { return values_; }
  std::size_t size() const { return values_.size(); }
  double operator[](std::size_t i) const { return values_[i]; }
  const double* begin() const { return values_.data(); }
  const double* end() const { return values_.data() + values_.size(); }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const double> values_;
};

// Values of one column as categories: code of row i into `names`, -1 for null. Names are in order of first appearance for
// `categories()`; every scalar type has a text form (integers as digits, booleans as true and false, reals shortest round-trip).
struct Categories {
  std::vector<std::int32_t> codes;
  std::vector<std::string> names;
};

class TableStream;

// An immutable table; copying shares the memory.
class Table {
 public:
  struct Impl;  // holds the Arrow table; see table/arrow_table.h for sources that need it

  Table();  // no columns, no rows
  explicit Table(std::shared_ptr<const Impl> impl);
  std::int64_t rows() const;
  std::int64_t bytes() const;  // memory of its buffers
  // Row number of our first row in the source it was cut from: slices and stream batches count on. What draws per row and
  // has no id keys its stream by first_row() + i; errors name that row.
  std::int64_t first_row() const;
  Table with_first_row(std::int64_t row) const;
  const std::vector<ColumnInfo>& columns() const;
  bool has(std::string_view name) const;

  const Roles& roles() const;
  Table with_roles(Roles roles) const;
  // Columns bound to a role, possibly none. `missing_column` with candidates if a bound column is not in the table.
  Result<std::vector<std::string>> role_columns(std::string_view role) const;
  // Exactly one column bound to the role; `missing_input` naming the flag --ROLE otherwise.
  Result<std::string> role_column(std::string_view role) const;

  // Typed access. `missing_column` (with nearest names), `wrong_type`, `null_value`, `bad_value` with column and row.
  Result<Reals> reals(std::string_view name, Missing missing = Missing::refuse) const;  // boolean and integer widen
  Result<std::vector<std::int64_t>> integers(std::string_view name) const;              // refuses nulls
  Result<Categories> categories(std::string_view name) const;
  Result<std::vector<std::string>> texts(std::string_view name) const;                  // null becomes ""
  Result<std::vector<std::vector<std::string>>> text_lists(std::string_view name) const;
  Result<std::int64_t> null_count(std::string_view name) const;

  Result<Table> select(const std::vector<std::string>& names) const;
  Table slice(std::int64_t offset, std::int64_t length) const;  // zero copy, clamped
  Table take(std::span<const std::int64_t> rows) const;         // rows must be in range
  // Columns of `right` after ours; same number of rows; a name on both sides is `bad_parameter`.
  Result<Table> beside(const Table& right) const;
  Table without(const std::vector<std::string>& names) const;
  static Result<Table> concatenate(std::span<const Table> parts);  // same columns in the same order

  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

// Builds a table column by column; all columns must have the same length. Errors are kept until build().
class TableBuilder {
 public:
  TableBuilder();
  ~TableBuilder();
  TableBuilder(TableBuilder&&) noexcept;
  TableBuilder& real(std::string name, std::vector<double> values);       // NaN stays NaN
  TableBuilder& real_or_null(std::string name, std::vector<double> values);  // NaN becomes null
  TableBuilder& integer(std::string name, std::vector<std::int64_t> values);
  TableBuilder& boolean(std::string name, std::vector<bool> values);
  TableBuilder& text(std::string name, std::vector<std::string> values);
  TableBuilder& category(std::string name, std::vector<std::int32_t> codes, std::vector<std::string> names);  // -1 is null
  // Row i holds names[codes[k]] for k in [offsets[i], offsets[i+1]); stored dictionary-encoded, without copying the vectors.
  TableBuilder& list_of_text(std::string name, std::vector<std::int32_t> offsets, std::vector<std::uint8_t> codes, std::vector<std::string> names);
  TableBuilder& list_of_text(std::string name, std::vector<std::int32_t> offsets, std::vector<std::int32_t> codes, std::vector<std::string> names);
  Result<Table> build();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Batches of a table that may be larger than memory. All batches have the same columns.
class TableStream {
 public:
  virtual ~TableStream() = default;
  virtual const std::vector<ColumnInfo>& columns() const = 0;
  virtual std::int64_t rows_hint() const { return -1; }  // -1 when unknown
  virtual Result<std::optional<Table>> next() = 0;        // nullopt at the end
  virtual Result<void> rewind() = 0;                      // `bad_parameter` for a stream that can be read only once (a pipe)
  const Roles& roles() const { return roles_; }
  void bind(Roles roles) { roles_ = std::move(roles); }   // batches carry these roles

 protected:
  Roles roles_;
};

std::unique_ptr<TableStream> stream_of(Table table, std::int64_t batch_rows = 65536);
// Cuts or gathers another stream into batches of exactly `batch_rows` rows (the last may be shorter), each knowing its first row.
std::unique_ptr<TableStream> rebatch(std::shared_ptr<TableStream> stream, std::int64_t batch_rows);
Result<Table> read_all(TableStream& stream);

// Where result batches go. finish() makes the whole visible at once (AtomicFile); without it nothing is left.
class TableSink {
 public:
  virtual ~TableSink() = default;
  virtual Result<void> write(const Table& batch) = 0;
  virtual Result<void> finish() = 0;
};
std::unique_ptr<TableSink> collect_into(Table& table);

}  // namespace plimsoll
