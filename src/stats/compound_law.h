// SPDX-License-Identifier: Apache-2.0
#pragma once

// The law of a year's loss T = sum over risks of X_1 + ... + X_N, N events drawn anew and each with its own severity, by fast
// Fourier transform, between exact bounds.

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/frequency_law.h"
#include "stats/severity_law.h"

namespace plimsoll::stats {

// An event costs the sum over its parts (loss categories), each of which strikes with its own chance.
struct CompoundPart {
  double probability = 1;
  SeverityLaw severity;
};
struct CompoundRisk {
  FrequencyLaw frequency;
  std::vector<CompoundPart> parts;

  double mean() const;           // E N E X
  double variance() const;       // E N Var X + Var N (E X)^2; infinite where it does not exist
  double event_mean() const;
  double event_second_moment() const;
};
double mean_of(std::span<const CompoundRisk> risks);
double variance_of(std::span<const CompoundRisk> risks);

struct GridOptions {
  std::int64_t cells = 1 << 17;  // a power of 2
  double step = 0;               // 0: so wide that less than 1e-7 of the mass lies beyond
  bool shares = false;           // keep what each risk adds to each total
};

// Distribution functions on the grid 0, step, 2 step, ...: of a loss that is never more than the true one (least), of one that is
// never less (most), and of one between them whose events have the true mean (middle).
struct CompoundLaw {
  double step = 0;
  std::vector<double> least, middle, most;
  std::vector<std::vector<double>> share;  // of risk r and cell j: E[S_r; T = j step], middle
  double mean = 0, variance = 0;           // closed forms
  double clipped = 0;                      // negative mass that rounding left and that was set to 0
  double beyond = 0;                       // mass past the grid (middle)

  struct Bounded {
    double value = 0, low = 0, high = 0;   // the middle law's, and what the exact value lies between
  };
  double cdf(double x) const;              // middle
  Bounded quantile(double p) const;        // smallest x with P(T <= x) >= p; infinite beyond the grid
  Bounded tail_mean(double p) const;       // VaR + E (T - VaR)+ / (1 - p), with the closed form of the mean
  Bounded layer(double retention, double limit) const;  // E min((T - retention)+, limit)
  double share_beyond(std::size_t risk, double x) const;  // E[S_r | T >= x]
};

// `bad_parameter` for a grid that is no power of 2 from 64 to 2^24, `too_large` where even a wide step leaves too much beyond.
Result<CompoundLaw> compound_law(std::span<const CompoundRisk> risks, const GridOptions& options);

// The same total by Panjer's recursion, risk by risk, and plain convolution: a check for small grids (at most 4,096 cells). mass of
// the lower discretisation, cell by cell; empty where a frequency is not of Panjer's class or no event has chance e^-700.
std::vector<double> panjer_mass(std::span<const CompoundRisk> risks, double step, std::int64_t cells);

// P(largest single event of the year <= x): product of the generating functions at the event's law. Risks with one part.
double largest_event_cdf(std::span<const CompoundRisk> risks, double x);

}  // namespace plimsoll::stats
