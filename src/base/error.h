// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll {

// The one error table: name, exit status, HTTP status (design, section 4).
enum class ErrorCode : std::uint8_t {
  check_failed,
  unknown_name,
  bad_parameter,
  missing_input,
  wrong_kind,
  not_found,
  missing_column,
  wrong_type,
  bad_value,
  null_value,
  too_few_rows,
  one_class,
  overlap,
  bad_document,
  corrupt_file,
  too_new,
  unauthenticated,
  denied,
  method_not_allowed,
  too_large,
  busy,
  unavailable,
  upstream,
  unparsed,
  timeout,
  no_memory,
  no_disk,
  missing_plugin,
  cancelled,
  internal,
};

struct ErrorInfo {
  std::string_view name;
  int exit_status;
  int http_status;
};

// Facts of one code; total over the enumeration.
const ErrorInfo& info(ErrorCode code);
std::optional<ErrorCode> error_code_named(std::string_view name);

// What went wrong, where, and what to do about it. Every error names the mend.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string what;
  std::string mend;
  std::string file;
  std::string column;
  std::string parameter;
  std::optional<std::int64_t> row;   // zero-based row of the table
  std::optional<std::int64_t> line;  // one-based line of a text file
  std::vector<std::string> candidates;

  Error() = default;
  Error(ErrorCode code_, std::string what_, std::string mend_ = {})
      : code(code_), what(std::move(what_)), mend(std::move(mend_)) {}

  Error&& in_file(std::string value) && {
    file = std::move(value);
    return std::move(*this);
  }
  Error&& in_column(std::string value) && {
    column = std::move(value);
    return std::move(*this);
  }
  Error&& in_parameter(std::string value) && {
    parameter = std::move(value);
    return std::move(*this);
  }
  Error&& at_row(std::int64_t value) && {
    row = value;
    return std::move(*this);
  }
  Error&& at_line(std::int64_t value) && {
    line = value;
    return std::move(*this);
  }
  Error&& with_candidates(std::vector<std::string> value) && {
    candidates = std::move(value);
    return std::move(*this);
  }

  // "missing_column: what (file f, row r, column c). mend"
  std::string message() const;
};

// Names of `known` closest to `name` by edit distance, nearest first; at most `most`,
// none farther than a third of the longer name's length.
std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& known, std::size_t most = 3);

}  // namespace plimsoll
