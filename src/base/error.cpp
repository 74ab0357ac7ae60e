// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace plimsoll {
namespace {

struct Row {
  ErrorCode code;
  ErrorInfo info;
};

constexpr std::array<Row, 30> rows{{
    {ErrorCode::check_failed, {"check_failed", 1, 200}},
    {ErrorCode::unknown_name, {"unknown_name", 2, 400}},
    {ErrorCode::bad_parameter, {"bad_parameter", 2, 400}},
    {ErrorCode::missing_input, {"missing_input", 2, 400}},
    {ErrorCode::wrong_kind, {"wrong_kind", 2, 400}},
    {ErrorCode::not_found, {"not_found", 2, 404}},
    {ErrorCode::missing_column, {"missing_column", 3, 422}},
    {ErrorCode::wrong_type, {"wrong_type", 3, 422}},
    {ErrorCode::bad_value, {"bad_value", 3, 422}},
    {ErrorCode::null_value, {"null_value", 3, 422}},
    {ErrorCode::too_few_rows, {"too_few_rows", 3, 422}},
    {ErrorCode::one_class, {"one_class", 3, 422}},
    {ErrorCode::overlap, {"overlap", 3, 422}},
    {ErrorCode::bad_document, {"bad_document", 3, 422}},
    {ErrorCode::corrupt_file, {"corrupt_file", 3, 422}},
    {ErrorCode::too_new, {"too_new", 3, 422}},
    {ErrorCode::unauthenticated, {"unauthenticated", 4, 401}},
    {ErrorCode::denied, {"denied", 4, 403}},
    {ErrorCode::method_not_allowed, {"method_not_allowed", 2, 405}},
    {ErrorCode::too_large, {"too_large", 3, 413}},
    {ErrorCode::busy, {"busy", 4, 429}},
    {ErrorCode::unavailable, {"unavailable", 4, 503}},
    {ErrorCode::upstream, {"upstream", 4, 502}},
    {ErrorCode::unparsed, {"unparsed", 4, 502}},
    {ErrorCode::timeout, {"timeout", 4, 504}},
    {ErrorCode::no_memory, {"no_memory", 4, 507}},
    {ErrorCode::no_disk, {"no_disk", 4, 507}},
    {ErrorCode::missing_plugin, {"missing_plugin", 4, 501}},
    {ErrorCode::cancelled, {"cancelled", 130, 499}},
    {ErrorCode::internal, {"internal", 5, 500}},
}};

// The table is looked up by position: each row must stand at its own code's number.
constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].code) != i) return false;
  return static_cast<std::size_t>(ErrorCode::internal) + 1 == rows.size();
}
static_assert(in_order());

// Edits, adjacent swaps counted as one (Damerau-Levenshtein, optimal string alignment); three rows of memory.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

const ErrorInfo& info(ErrorCode code) {
  const auto at = static_cast<std::size_t>(code);
  return (at < rows.size() ? rows[at] : rows.back()).info;
}

std::optional<ErrorCode> error_code_named(std::string_view name) {
  for (const Row& row : rows)
    if (row.info.name == name) return row.code;
  return std::nullopt;
}

std::string Error::message() const {
  std::string text(info(code).name);
  text += ": ";
  text += what;
  std::string where;
  const auto place = [&where](std::string_view kind, const std::string& value) {
    if (value.empty()) return;
    if (!where.empty()) where += ", ";
    where += kind;
    where += ' ';
    where += value;
  };
  place("file", file);
  place("line", line ? std::to_string(*line) : std::string());
  place("row", row ? std::to_string(*row) : std::string());
  place("column", column);
  place("parameter", parameter);
  if (!where.empty()) text += " (" + where + ")";
  if (!candidates.empty()) {
    text += "; nearest: ";
    for (std::size_t i = 0; i < candidates.size(); ++i) text += (i == 0 ? "" : ", ") + candidates[i];
  }
  if (!mend.empty()) text += (text.ends_with('.') ? " " : ". ") + mend;
  return text;
}

std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& known, std::size_t most) {
  std::vector<std::pair<std::size_t, std::string>> found;
  for (const std::string& candidate : known) {
    const std::size_t longer = std::max(name.size(), candidate.size());
    const std::size_t shorter = std::min(name.size(), candidate.size());
    if ((longer - shorter) * 3 > longer) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance * 3 <= longer) found.emplace_back(distance, candidate);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < found.size() && i < most; ++i) names.push_back(std::move(found[i].second));
  return names;
}

}  // namespace plimsoll
