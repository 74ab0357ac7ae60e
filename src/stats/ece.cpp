// SPDX-License-Identifier: Apache-2.0
// Expected calibration error (Naeini, Cooper, Hauskrecht, AAAI 2015) and its debiased square (Kumar, Liang, Ma, NeurIPS 2019):
// sum n_b / n [(p_b - y_b)^2 - y_b (1 - y_b) / (n_b - 1)]. Forecast sums of a cell are by ExactSum.
#include "stats/ece.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/exact_sum.h"
#include "stats/corp.h"
#include "stats/order_statistics.h"
#include "stats/pav.h"
#include "stats/scores.h"

namespace plimsoll::stats {
namespace {

constexpr std::size_t most_rows_drawn_singly = 100000;
constexpr std::size_t gathered_parts = 20000;

// Sorted positions [begin, end) and the mean forecast there.
struct Cell {
  std::size_t begin = 0;
  std::size_t end = 0;
  double forecast = 0;
  double rows() const { return static_cast<double>(end - begin); }
};

// Positions where the cells end, in the sorted forecasts.
std::size_t end_of(std::span<const double> sorted, std::size_t cell, std::size_t bins, Binning binning) {
  if (cell + 1 == bins) return sorted.size();
  if (binning == Binning::equal_mass) return (cell + 1) * sorted.size() / bins;
  const double edge = static_cast<double>(cell + 1) / static_cast<double>(bins);
  return static_cast<std::size_t>(std::upper_bound(sorted.begin(), sorted.end(), edge) - sorted.begin());
}

double mean_of(std::span<const double> values) {
  ExactSum sum;
  sum.add(values);
  return sum.value() / static_cast<double>(values.size());
}

std::vector<Cell> cells_of(std::span<const double> sorted, std::size_t bins, Binning binning) {
  std::vector<Cell> cells;
  std::size_t begin = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    const std::size_t end = end_of(sorted, b, bins, binning);
    if (end > begin) cells.push_back({begin, end, mean_of(sorted.subspan(begin, end - begin))});
    begin = end;
  }
  return cells;
}

Ece measure(std::span<const Cell> cells, std::span<const double> events, double rows) {
  Ece result;
  double square = 0;
  for (std::size_t b = 0; b < cells.size(); ++b) {
    const double n = cells[b].rows();
    const double y = events[b] / n;
    const double gap = std::fabs(cells[b].forecast - y);
    result.ece += n / rows * gap;
    result.maximum = std::max(result.maximum, gap);
    square += n / rows * (gap * gap - (n > 1 ? y * (1 - y) / (n - 1) : 0));
  }
  result.debiased_l2 = std::sqrt(std::max(0.0, square));
  return result;
}

// What a null draw needs: neighbouring rows of one cell, drawn together when there are many.
struct Part {
  std::size_t cell = 0;
  std::int64_t rows = 0;
  double forecast = 0;
};

std::vector<Part> parts_of(std::span<const double> sorted, std::span<const Cell> cells) {
  const std::size_t step = sorted.size() <= most_rows_drawn_singly ? 1 : (sorted.size() + gathered_parts - 1) / gathered_parts;
  std::vector<Part> parts;
  for (std::size_t c = 0; c < cells.size(); ++c)
    for (std::size_t at = cells[c].begin; at < cells[c].end; at += step) {
      const std::size_t length = std::min(step, cells[c].end - at);
      parts.push_back({c, static_cast<std::int64_t>(length), length == 1 ? sorted[at] : mean_of(sorted.subspan(at, length))});
    }
  return parts;
}

struct Prepared {
  std::vector<double> sorted;
  std::vector<Cell> cells;
  Ece observed;
};

Result<Prepared> prepare(std::span<const double> forecast, std::span<const std::int32_t> outcome, int bins, Binning binning) {
  PLIMSOLL_CHECK(check_forecasts(forecast, outcome));
  if (bins < 1) return Error(ErrorCode::bad_parameter, "fewer than one bin", "Ask for 15").in_parameter("bins");
  if (forecast.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "binning takes fewer than 2^32 rows", "Assess a sample of the rows");
  const std::size_t used = std::min(static_cast<std::size_t>(bins), forecast.size());
  Prepared p;
  const std::vector<std::uint32_t> order = order_by(forecast);
  p.sorted.reserve(order.size());
  for (const std::uint32_t row : order) p.sorted.push_back(forecast[row]);
  p.cells = cells_of(p.sorted, used, binning);
  std::vector<double> events;
  for (const Cell& cell : p.cells) {
    std::int64_t count = 0;
    for (std::size_t i = cell.begin; i < cell.end; ++i) count += outcome[order[i]];
    events.push_back(static_cast<double>(count));
  }
  p.observed = measure(p.cells, events, static_cast<double>(forecast.size()));
  p.observed.bins = static_cast<int>(used);
  p.observed.sparse = forecast.size() < 10 * static_cast<std::size_t>(bins);
  return p;
}

// Rows of a cell of equal width. A forecast of at least 2^-10 is a whole number of units of 2^-62, added in two halves whose totals
// are exact for 2^20 rows; the few below go to the exact sum one by one.
struct WidthCell {
  ExactSum sum;
  std::size_t rows = 0;
  std::int64_t events = 0;
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  void add(double p, std::int32_t outcome) {
    ++rows;
    events += outcome;
    if (p < 0x1p-10) return sum.add(p);
    const auto units = static_cast<std::uint64_t>(static_cast<std::int64_t>(p * 0x1p62));
    low += units & 0xFFFFFFFFu;
    high += units >> 32;
  }
  void carry() {
    sum.add(static_cast<double>(low) * 0x1p-62);
    sum.add(static_cast<double>(high) * 0x1p-30);
    low = high = 0;
  }
};
constexpr std::size_t rows_between_carries = std::size_t{1} << 20;

// Cells of equal width need no sort: the sums of a cell are exact, so in any order they are those of the sorted rows.
Result<Ece> by_width(std::span<const double> forecast, std::span<const std::int32_t> outcome, int bins) {
  PLIMSOLL_CHECK(check_forecasts(forecast, outcome));
  if (bins < 1) return Error(ErrorCode::bad_parameter, "fewer than one bin", "Ask for 15").in_parameter("bins");
  const std::size_t used = std::min(static_cast<std::size_t>(bins), forecast.size());
  const auto width = static_cast<double>(used);
  std::vector<WidthCell> counted(used);
  std::vector<double> edges;
  for (std::size_t c = 0; c <= used; ++c) edges.push_back(static_cast<double>(c) / width);
  for (std::size_t begin = 0; begin < forecast.size(); begin += rows_between_carries) {
    const std::size_t end = std::min(forecast.size(), begin + rows_between_carries);
    for (std::size_t i = begin; i < end; ++i) {
      const double p = forecast[i];
      auto cell = std::min(used - 1, static_cast<std::size_t>(static_cast<std::int64_t>(p * width)));
      // The rounding of the product must not decide about an edge.
      while (cell > 0 && p <= edges[cell]) --cell;
      while (cell + 1 < used && p > edges[cell + 1]) ++cell;
      counted[cell].add(p, outcome[i]);
    }
    for (WidthCell& cell : counted) cell.carry();
  }
  std::vector<Cell> cells;
  std::vector<double> seen;
  for (std::size_t c = 0; c < used; ++c) {
    if (counted[c].rows == 0) continue;
    cells.push_back({0, counted[c].rows, counted[c].sum.value() / static_cast<double>(counted[c].rows)});
    seen.push_back(static_cast<double>(counted[c].events));
  }
  Ece result = measure(cells, seen, static_cast<double>(forecast.size()));
  result.bins = static_cast<int>(used);
  result.sparse = forecast.size() < 10 * static_cast<std::size_t>(bins);
  return result;
}

}  // namespace

Result<Ece> expected_calibration_error(std::span<const double> forecast, std::span<const std::int32_t> outcome, int bins,
                                       Binning binning) {
  if (binning == Binning::equal_width) return by_width(forecast, outcome, bins);
  PLIMSOLL_TRY(const Prepared prepared, prepare(forecast, outcome, bins, binning));
  return prepared.observed;
}

Result<EceTest> ece_with_null(std::span<const double> forecast, std::span<const std::int32_t> outcome, int bins,
                              Binning binning, const Resampling& resampling) {
  PLIMSOLL_TRY(const Prepared prepared, prepare(forecast, outcome, bins, binning));
  if (resampling.replicates < 1) return Error(ErrorCode::bad_parameter, "a null law needs at least one replicate");
  const std::vector<Part> parts = parts_of(prepared.sorted, prepared.cells);
  std::vector<double> null(static_cast<std::size_t>(resampling.replicates));
  PLIMSOLL_CHECK(resampling.runtime.for_each(resampling.replicates, resampling.stop, [&](std::int64_t r) -> Result<void> {
    Stream rng = resampling.rng.child(static_cast<std::uint64_t>(r));
    std::vector<double> events(prepared.cells.size());
    for (const Part& part : parts)
      events[part.cell] += part.rows == 1 ? (rng.bernoulli(part.forecast) ? 1.0 : 0.0)
                                          : static_cast<double>(rng.binomial(part.rows, part.forecast));
    null[static_cast<std::size_t>(r)] = measure(prepared.cells, events, static_cast<double>(forecast.size())).ece;
    return {};
  }));
  std::sort(null.begin(), null.end());
  EceTest test;
  test.observed = prepared.observed;
  test.null_mean = mean_of(null);
  test.null_upper = quantile_of_sorted(null, 0.95);
  test.p_value = resampling_p_value(null, test.observed.ece);
  return test;
}

}  // namespace plimsoll::stats
