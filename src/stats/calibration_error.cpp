// SPDX-License-Identifier: Apache-2.0
// Naeini, Cooper, Hauskrecht 2015 (ECE, MCE); Nixon et al. 2019 (ACE); Kumar, Liang, Ma 2019 (debiased); Gupta et al. 2021
// (KS); Kumar, Sarawagi, Jain 2018 (MMCE); Blasiok, Nakkiran 2023 (smooth). Rows are sorted once; each redrawn sample costs one
// pass. MMCE^2 = sum_ij r_i r_j exp(-|p_i - p_j| / 0.4) / W^2 with r = weight (y - p): in sorted order the inner sum is carried
// along by one multiplication a row, O(n) in place of O(n^2). The debiasing term uses the effective rows of a cell,
// (sum w)^2 / sum w^2, which are its rows when weights are equal.
#include "stats/calibration_error.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/exact_sum.h"
#include "stats/corp.h"
#include "stats/order_statistics.h"
#include "stats/pav.h"
#include "stats/scores.h"
#include "stats/smooth_ece.h"

namespace plimsoll::stats {
namespace {

constexpr std::size_t most_rows_drawn_singly = 100000;
constexpr std::size_t gathered_parts = 20000;
constexpr double kernel_width = 0.4;
constexpr int fine = 20;   // cells to a smoothing width: the value told
constexpr int coarse = 5;  // and those that are only compared with each other

// One row in sorted order, or neighbours drawn together.
struct Entry {
  double forecast = 0;
  double weight = 0;  // sum
  double square = 0;  // sum of squared weights
  std::int64_t rows = 1;
  bool last_of_tie = true;
  std::size_t cell = 0;  // of the smoothing grid
};

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
  double weight = 0;
  double square = 0;
  double forecast = 0;  // mean
};

struct Sheet {
  std::vector<Entry> entries;
  std::vector<double> decay;  // exp(-(p_i - p_{i-1}) / kernel_width)
  std::vector<Range> mass, width;
  double weight = 0;
};

// Positions where the cells end, in the sorted forecasts.
std::vector<std::size_t> ends_of(std::span<const Entry> entries, std::size_t bins, Binning binning) {
  std::vector<std::size_t> ends;
  for (std::size_t b = 0; b < bins; ++b) {
    if (b + 1 == bins) ends.push_back(entries.size());
    else if (binning == Binning::equal_mass) ends.push_back((b + 1) * entries.size() / bins);
    else {
      const double edge = static_cast<double>(b + 1) / static_cast<double>(bins);
      ends.push_back(static_cast<std::size_t>(std::upper_bound(entries.begin(), entries.end(), edge, [](double x, const Entry& e) { return x < e.forecast; }) - entries.begin()));
    }
  }
  return ends;
}

std::vector<Range> ranges_of(std::span<const Entry> entries, std::span<const std::size_t> ends) {
  std::vector<Range> ranges;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    ExactSum weight, square, forecast;
    for (std::size_t i = begin; i < end; ++i) {
      weight.add(entries[i].weight);
      square.add(entries[i].square);
      forecast.add(entries[i].weight * entries[i].forecast);
    }
    const double w = weight.value();
    if (w > 0) ranges.push_back({begin, end, w, square.value(), forecast.value() / w});
    begin = end;
  }
  return ranges;
}

void finish(Sheet& sheet, std::span<const std::size_t> mass_ends, std::span<const std::size_t> width_ends) {
  sheet.mass = ranges_of(sheet.entries, mass_ends);
  sheet.width = ranges_of(sheet.entries, width_ends);
  ExactSum weight;
  sheet.decay.resize(sheet.entries.size());
  for (std::size_t i = 0; i < sheet.entries.size(); ++i) {
    Entry& e = sheet.entries[i];
    weight.add(e.weight);
    e.cell = smooth_cell(e.forecast);
    e.last_of_tie = i + 1 == sheet.entries.size() || sheet.entries[i + 1].forecast != e.forecast;
    sheet.decay[i] = i == 0 ? 0 : std::exp((sheet.entries[i - 1].forecast - e.forecast) / kernel_width);
  }
  sheet.weight = weight.value();
}

struct Cut {
  std::vector<std::size_t> mass, width;
};

Cut cut_of(std::span<const Entry> entries, int bins) {
  const std::size_t used = std::min(static_cast<std::size_t>(bins), entries.size());
  return {ends_of(entries, used, Binning::equal_mass), ends_of(entries, used, Binning::equal_width)};
}

Sheet sheet_of(std::span<const double> forecast, std::span<const double> weight, std::span<const std::uint32_t> order, int bins) {
  Sheet sheet;
  sheet.entries.reserve(order.size());
  for (const std::uint32_t row : order) {
    const double w = weight.empty() ? 1 : weight[row];
    sheet.entries.push_back({forecast[row], w, w * w, 1, true, 0});
  }
  const Cut cut = cut_of(sheet.entries, bins);
  finish(sheet, cut.mass, cut.width);
  return sheet;
}

// Neighbours of one cell of either binning together.
Sheet gathered(const Sheet& whole, int bins) {
  const std::size_t n = whole.entries.size();
  const Cut cut = cut_of(whole.entries, bins);
  std::vector<std::size_t> bounds = cut.mass;
  bounds.insert(bounds.end(), cut.width.begin(), cut.width.end());
  std::sort(bounds.begin(), bounds.end());
  const std::size_t step = (n + gathered_parts - 1) / gathered_parts;
  Sheet sheet;
  std::vector<std::size_t> place(n + 1);  // entries before each bound
  std::size_t begin = 0;
  for (const std::size_t bound : bounds) {
    while (begin < bound) {
      const std::size_t end = std::min(bound, begin + step);
      Entry part{0, 0, 0, 0, true, 0};
      for (std::size_t i = begin; i < end; ++i) {
        part.forecast += whole.entries[i].forecast;
        part.rows += 1;
      }
      part.weight = part.square = static_cast<double>(part.rows);
      part.forecast /= part.weight;
      sheet.entries.push_back(part);
      begin = end;
    }
    place[bound] = sheet.entries.size();
  }
  Cut moved;
  for (const std::size_t e : cut.mass) moved.mass.push_back(place[e]);
  for (const std::size_t e : cut.width) moved.width.push_back(place[e]);
  finish(sheet, moved.mass, moved.width);
  return sheet;
}

double events_in(std::span<const double> events, const Range& range) {
  double sum = 0;
  for (std::size_t i = range.begin; i < range.end; ++i) sum += events[i];
  return sum;
}

void measure_cells(const Sheet& sheet, std::span<const double> events, CalibrationGaps& gaps) {
  double mean = 0, plain = 0, square = 0, debiased = 0, most = 0;
  for (const Range& range : sheet.mass) {
    const double y = events_in(events, range) / range.weight;
    const double gap = std::fabs(range.forecast - y), share = range.weight / sheet.weight;
    const double effective = range.weight * range.weight / range.square;
    mean += share * gap;
    plain += gap;
    square += share * (gap * gap);
    debiased += share * (gap * gap - (effective > 1 ? y * (1 - y) / (effective - 1) : 0));
    most = std::max(most, gap);
  }
  const auto set = [&](CalibrationGap which, double value) { gaps[static_cast<std::size_t>(which)] = value; };
  set(CalibrationGap::ece_mass, mean);
  set(CalibrationGap::root_mass, std::sqrt(square));
  set(CalibrationGap::adaptive, plain / static_cast<double>(std::max<std::size_t>(1, sheet.mass.size())));
  set(CalibrationGap::debiased, std::sqrt(std::max(0.0, debiased)));
  set(CalibrationGap::maximum_mass, most);
  mean = most = 0;
  for (const Range& range : sheet.width) {
    const double gap = std::fabs(range.forecast - events_in(events, range) / range.weight);
    mean += range.weight / sheet.weight * gap;
    most = std::max(most, gap);
  }
  set(CalibrationGap::ece_width, mean);
  set(CalibrationGap::maximum_width, most);
}

// The gaps that need no cells; returns the smoothing width.
double measure_rows(const Sheet& sheet, std::span<const double> events, CalibrationGaps& gaps, int fineness) {
  std::vector<double> grid(smooth_cells);
  double running = 0, most = 0, carried = 0, pairs = 0, before = 0;
  for (std::size_t i = 0; i < sheet.entries.size(); ++i) {
    const Entry& e = sheet.entries[i];
    const double residual = e.weight * e.forecast - events[i];
    running += residual;
    if (e.last_of_tie) most = std::max(most, std::fabs(running));
    carried = sheet.decay[i] * (carried + before);
    pairs += residual * residual + 2 * residual * carried;
    before = residual;
    grid[e.cell] += residual;
  }
  for (double& x : grid) x /= sheet.weight;
  const SmoothEce smooth = smooth_ece(grid, fineness);
  const auto set = [&](CalibrationGap which, double value) { gaps[static_cast<std::size_t>(which)] = value; };
  set(CalibrationGap::kolmogorov, most / sheet.weight);
  set(CalibrationGap::kernel, std::sqrt(std::max(0.0, pairs)) / sheet.weight);
  set(CalibrationGap::smooth, smooth.value);
  return smooth.width;
}

std::vector<CalibrationCell> table_of(const Sheet& sheet, std::span<const Range> ranges, std::span<const double> events) {
  std::vector<CalibrationCell> cells;
  for (const Range& range : ranges)
    cells.push_back({sheet.entries[range.begin].forecast, sheet.entries[range.end - 1].forecast,
                     static_cast<double>(range.end - range.begin), range.weight, range.forecast,
                     events_in(events, range) / range.weight});
  return cells;
}

MurphyTerms murphy_of(const Sheet& sheet, std::span<const double> events) {
  ExactSum all, spread, covariance;
  for (const double y : events) all.add(y);
  const double base = all.value() / sheet.weight;
  MurphyTerms terms;
  terms.uncertainty = base * (1 - base);
  for (const Range& range : sheet.mass) {
    const double y = events_in(events, range) / range.weight;
    const double share = range.weight / sheet.weight;
    terms.reliability += share * (range.forecast - y) * (range.forecast - y);
    terms.resolution += share * (y - base) * (y - base);
    for (std::size_t i = range.begin; i < range.end; ++i) {
      const double off = sheet.entries[i].forecast - range.forecast;
      spread.add(sheet.entries[i].weight * (off * off));
      covariance.add(2 * off * (events[i] - sheet.entries[i].weight * y));
    }
  }
  terms.spread_within = spread.value() / sheet.weight;
  terms.covariance_within = covariance.value() / sheet.weight;
  return terms;
}

Result<Sheet> prepared(std::span<const double> forecast, std::span<const std::int32_t> outcome, std::span<const double> weight,
                       int bins, std::vector<std::uint32_t>& order) {
  PLIMSOLL_CHECK(check_forecasts(forecast, outcome, weight));
  if (bins < 1) return Error(ErrorCode::bad_parameter, "fewer than one bin", "Ask for 15").in_parameter("bins");
  if (forecast.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "binning takes fewer than 2^32 rows", "Assess a sample of the rows");
  order = order_by(forecast);
  return sheet_of(forecast, weight, order, bins);
}

}  // namespace

std::string_view name_of(CalibrationGap gap) {
  static constexpr std::array<std::string_view, calibration_gap_count> names = {
      "ECE, equal mass", "ECE, equal width", "root mean square gap, equal mass", "ACE", "MCE, equal mass", "MCE, equal width",
      "debiased L2, equal mass", "KS calibration error", "smooth ECE", "MMCE"};
  return names[static_cast<std::size_t>(gap)];
}

Result<CalibrationErrors> calibration_errors(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                             std::span<const double> weight, int bins) {
  std::vector<std::uint32_t> order;
  PLIMSOLL_TRY(const Sheet sheet, prepared(forecast, outcome, weight, bins, order));
  std::vector<double> events(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) events[i] = outcome[order[i]] == 1 ? sheet.entries[i].weight : 0;
  CalibrationErrors result;
  measure_cells(sheet, events, result.gaps);
  result.smooth_width = measure_rows(sheet, events, result.gaps, fine);
  result.bins = static_cast<int>(std::min(static_cast<std::size_t>(bins), forecast.size()));
  result.sparse = forecast.size() < 10 * static_cast<std::size_t>(bins);
  result.mass = table_of(sheet, sheet.mass, events);
  result.width = table_of(sheet, sheet.width, events);
  result.murphy = murphy_of(sheet, events);
  return result;
}

Result<CalibrationNull> calibration_null(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                         std::span<const double> weight, int bins, const CalibrationErrors& observed,
                                         const Resampling& resampling) {
  std::vector<std::uint32_t> order;
  PLIMSOLL_TRY(Sheet sheet, prepared(forecast, outcome, weight, bins, order));
  if (resampling.replicates < 1) return Error(ErrorCode::bad_parameter, "a null law needs at least one draw", "Ask for 200");
  CalibrationGaps compared = observed.gaps;
  {
    std::vector<double> events(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) events[i] = outcome[order[i]] == 1 ? sheet.entries[i].weight : 0;
    CalibrationGaps seen{};
    measure_rows(sheet, events, seen, coarse);
    compared[static_cast<std::size_t>(CalibrationGap::smooth)] = at(seen, CalibrationGap::smooth);
  }
  if (weight.empty() && sheet.entries.size() > most_rows_drawn_singly) sheet = gathered(sheet, bins);
  std::vector<CalibrationGaps> draws(static_cast<std::size_t>(resampling.replicates));
  PLIMSOLL_CHECK(resampling.runtime.for_each(resampling.replicates, resampling.stop, [&](std::int64_t r) -> Result<void> {
    Stream rng = resampling.rng.child(static_cast<std::uint64_t>(r));
    std::vector<double> events(sheet.entries.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      const Entry& e = sheet.entries[i];
      events[i] = e.rows == 1 ? (rng.bernoulli(e.forecast) ? e.weight : 0) : static_cast<double>(rng.binomial(e.rows, e.forecast));
    }
    CalibrationGaps& gaps = draws[static_cast<std::size_t>(r)];
    measure_cells(sheet, events, gaps);
    measure_rows(sheet, events, gaps, coarse);
    return {};
  }));
  CalibrationNull null;
  std::vector<double> column(draws.size());
  for (std::size_t g = 0; g < calibration_gap_count; ++g) {
    ExactSum sum;
    for (std::size_t r = 0; r < draws.size(); ++r) sum.add(column[r] = draws[r][g]);
    std::sort(column.begin(), column.end());
    null.mean[g] = sum.value() / static_cast<double>(column.size());
    null.upper[g] = quantile_of_sorted(column, 0.95);
    null.p_value[g] = resampling_p_value(column, compared[g]);
  }
  return null;
}

}  // namespace plimsoll::stats
