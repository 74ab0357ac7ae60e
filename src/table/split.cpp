// SPDX-License-Identifier: Apache-2.0
#include "table/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace plimsoll {
namespace {

Result<void> check_shares(std::span<const double> shares) {
  double sum = 0;
  bool valid = !shares.empty();
  for (const double share : shares) {
    valid = valid && share >= 0 && share <= 1;
    sum += share;
  }
  if (valid && std::fabs(sum - 1) <= 1e-9) return {};
  return Error(ErrorCode::bad_parameter, "the shares of a split must lie in [0, 1] and sum to 1", "Give shares such as 0.6, 0.2, 0.2.");
}

Result<void> check_codes(std::span<const std::int32_t> codes, const char* what) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] >= 0) continue;
    return Error(ErrorCode::null_value, std::string("row ") + std::to_string(i) + " has no " + what, "Fill or remove the rows with missing values.")
        .at_row(static_cast<std::int64_t>(i));
  }
  return {};
}

// Sizes by largest remainder: each within one row of its share of `n`. `owed` carries what parts have missed so far, so that
// many small strata do not all give their odd row to the same part.
std::vector<std::int64_t> part_sizes(std::int64_t n, std::span<const double> shares, std::vector<double>& owed) {
  std::vector<std::int64_t> sizes(shares.size());
  std::int64_t left = n;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const double target = shares[k] * static_cast<double>(n);
    sizes[k] = std::min(left, static_cast<std::int64_t>(std::floor(target)));
    left -= sizes[k];
    owed[k] += target - static_cast<double>(sizes[k]);
  }
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return owed[a] > owed[b]; });
  for (std::size_t i = 0; left > 0; i = (i + 1) % order.size()) {
    if (shares[order[i]] == 0) continue;
    ++sizes[order[i]];
    owed[order[i]] -= 1;
    --left;
  }
  return sizes;
}

using Parts = std::vector<std::vector<std::int64_t>>;

void cut(const std::vector<std::int64_t>& rows, const std::vector<std::int64_t>& sizes, Parts& parts) {
  auto at = rows.begin();
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    parts[k].insert(parts[k].end(), at, at + sizes[k]);
    at += sizes[k];
  }
}

// The parts share out rows 0 to n - 1, so one pass in row order fills each in order: cheaper than sorting them.
void put_in_row_order(Parts& parts) {
  std::size_t rows = 0;
  for (const auto& part : parts) rows += part.size();
  std::vector<std::uint32_t> part_of(rows);
  for (std::size_t k = 0; k < parts.size(); ++k)
    for (const std::int64_t row : parts[k]) part_of[static_cast<std::size_t>(row)] = static_cast<std::uint32_t>(k);
  std::vector<std::size_t> filled(parts.size(), 0);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t k = part_of[row];
    parts[k][filled[k]++] = static_cast<std::int64_t>(row);
  }
}

// Rows of each code, in row order.
std::vector<std::vector<std::int64_t>> rows_by_code(std::span<const std::int32_t> codes) {
  std::int32_t most = -1;
  for (const std::int32_t code : codes) most = std::max(most, code);
  std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(most) + 1);
  for (std::size_t i = 0; i < codes.size(); ++i) rows[static_cast<std::size_t>(codes[i])].push_back(static_cast<std::int64_t>(i));
  return rows;
}

}  // namespace

Result<Parts> split_rows(std::int64_t n, std::span<const double> shares, Stream stream) {
  PLIMSOLL_CHECK(check_shares(shares));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  stream.shuffle(std::span<std::int64_t>(rows));
  std::vector<double> owed(shares.size(), 0.0);
  Parts parts(shares.size());
  cut(rows, part_sizes(static_cast<std::int64_t>(rows.size()), shares, owed), parts);
  put_in_row_order(parts);
  return parts;
}

Result<Parts> split_stratified(std::span<const std::int32_t> strata, std::span<const double> shares, Stream stream) {
  PLIMSOLL_CHECK(check_shares(shares));
  PLIMSOLL_CHECK(check_codes(strata, "stratum"));
  auto by_code = rows_by_code(strata);
  std::vector<double> owed(shares.size(), 0.0);
  Parts parts(shares.size());
  for (std::size_t code = 0; code < by_code.size(); ++code) {
    Stream own = stream.child(static_cast<std::uint64_t>(code));
    own.shuffle(std::span<std::int64_t>(by_code[code]));
    cut(by_code[code], part_sizes(static_cast<std::int64_t>(by_code[code].size()), shares, owed), parts);
  }
  put_in_row_order(parts);
  return parts;
}

Result<Parts> split_grouped(std::span<const std::int32_t> groups, std::span<const double> shares, Stream stream) {
  PLIMSOLL_CHECK(check_shares(shares));
  PLIMSOLL_CHECK(check_codes(groups, "group"));
  const auto by_code = rows_by_code(groups);
  std::vector<std::int64_t> order;
  for (std::size_t code = 0; code < by_code.size(); ++code) {
    if (!by_code[code].empty()) order.push_back(static_cast<std::int64_t>(code));
  }
  // Large groups first, equal ones in random order, each to the part that lacks most rows.
  stream.shuffle(std::span<std::int64_t>(order));
  const auto rows_of = [&](std::int64_t code) -> const std::vector<std::int64_t>& { return by_code[static_cast<std::size_t>(code)]; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return rows_of(a).size() > rows_of(b).size(); });
  std::vector<double> lacks;
  for (const double share : shares) lacks.push_back(share * static_cast<double>(groups.size()));
  Parts parts(shares.size());
  for (const std::int64_t code : order) {
    const auto k = static_cast<std::size_t>(std::max_element(lacks.begin(), lacks.end()) - lacks.begin());
    const auto& rows = rows_of(code);
    parts[k].insert(parts[k].end(), rows.begin(), rows.end());
    lacks[k] -= static_cast<double>(rows.size());
  }
  put_in_row_order(parts);
  return parts;
}

}  // namespace plimsoll
