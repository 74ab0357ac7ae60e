// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise. With continuous scores, the number of covered rows among N after calibrating on n is exactly
// BetaBinomial(N; k, n + 1 - k), whatever the law of the data (Marques 2023). Calibrations are redrawn; the sum of the counts has
// the convolution of that law, computed here to the last digits, so both the false alarm and the power are exact:
//   numbers: n = 200, N = 100, residuals N(0, 1), score absolute; a violation of two points is the stated one;
//   classes: n = 19, N = 50, scores lac and randomised aps in turn; one rank too low is five points;
//   spread:  the counts of the first experiment that fall outside their law's middle are binomial, which tells a coverage that is
//            right on average but not of the law's spread.

#include <algorithm>
#include <cmath>

#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/split/split.h"
#include "stats/count_law.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::split {
namespace {

constexpr double false_alarm = 1e-6;
constexpr int experiments = 3;

using stats::CountLaw;

struct Design {
  std::int64_t n = 0;
  std::int64_t rows = 0;
  std::int64_t redraws = 0;
  std::int64_t violated_rank = 0;  // the stated violation
};

struct Seen {
  Design design;
  CountLaw one;
  std::int64_t rank = 0;
  std::int64_t total = 0;
  stats::CountInterval band;
  double power = 0;
  std::vector<std::int64_t> counts;
  bool passed() const { return band.contains(total); }
  double share(std::int64_t count) const { return static_cast<double>(count) / static_cast<double>(design.rows * design.redraws); }
};

Result<Table> number_rows(Stream& stream, std::int64_t rows) {
  std::vector<double> y;
  std::vector<double> prediction;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double x = stream.normal();
    const double noise = stream.normal();
    prediction.push_back(x);
    y.push_back(x + noise);
  }
  TableBuilder builder;
  builder.real("y", std::move(y)).real("prediction", std::move(prediction));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}});
}

Result<Table> class_rows(Stream& stream, std::int64_t rows) {
  std::vector<std::vector<double>> p(3);
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < rows; ++i) {
    double mass[3];
    for (double& m : mass) m = stream.exponential();
    const double sum = mass[0] + mass[1] + mass[2];
    const double u = stream.uniform() * sum;
    y.push_back(u < mass[0] ? 0 : u < mass[0] + mass[1] ? 1 : 2);
    for (std::size_t c = 0; c < 3; ++c) p[c].push_back(mass[c] / sum);
  }
  TableBuilder builder;
  builder.integer("y", std::move(y));
  for (std::size_t c = 0; c < 3; ++c) builder.real("p_" + std::to_string(c), std::move(p[c]));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"probability", {"p_0", "p_1", "p_2"}}});
}

Params redraw_params(bool classes, std::int64_t redraw) {
  Params params;
  params.score = !classes ? Score::absolute : redraw % 2 == 0 ? Score::lac : Score::aps;
  params.randomized = params.score == Score::aps;
  params.allow_empty = true;
  params.keep_scores = true;
  params.fingerprint = false;
  return params;
}

Result<Seen> redraw_all(Context& outer, const Subject& subject, const Design& design, bool classes) {
  Seen seen;
  seen.design = design;
  seen.rank = learn::conformal_rank_of(design.n, 0.1);
  PLIMSOLL_TRY(seen.one, CountLaw::covered(design.n, seen.rank, design.rows));
  seen.band = seen.one.times(design.redraws).band(false_alarm / experiments / 2);
  PLIMSOLL_TRY(const CountLaw violated, CountLaw::covered(design.n, design.violated_rank, design.rows));
  seen.power = 1 - violated.times(design.redraws).within(seen.band.lo, seen.band.hi);
  const Stream root = outer.rng.child(classes ? "classes" : "numbers");
  for (std::int64_t redraw = 0; redraw < design.redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    // A redraw has a stream of its own: rows and the draws of randomised scores are new each time.
    Context context = learn::redraw_context(outer, root.child(static_cast<std::uint64_t>(redraw)));
    Stream rows = context.rng.child("rows");
    const auto draw = classes ? &class_rows : &number_rows;
    Inputs calibration;
    PLIMSOLL_TRY(calibration.data, draw(rows, design.n));
    ApplyInputs fresh;
    PLIMSOLL_TRY(fresh.data, draw(rows, design.rows));
    const Params params = redraw_params(classes, redraw);
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, calibration, params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, fresh, Options{})));
    PLIMSOLL_TRY(const std::vector<char> holds, learn::holds_truth(fresh.data, outputs.rows));
    const std::int64_t covered = std::count(holds.begin(), holds.end(), char{1});
    seen.total += covered;
    seen.counts.push_back(covered);
  }
  return seen;
}

// Counts outside the middle of their law are Binomial(redraws, chance).
struct Spread {
  std::int64_t outside = 0;
  double chance = 0;
  double variance = 0;
  bool passed = false;
};
Spread spread_of(const Seen& seen) {
  const stats::CountInterval middle = seen.one.band(0.2);
  Spread spread;
  spread.chance = 1 - seen.one.within(middle.lo, middle.hi);
  const double mean = static_cast<double>(seen.total) / static_cast<double>(seen.design.redraws);
  for (const std::int64_t count : seen.counts) {
    spread.outside += middle.contains(count) ? 0 : 1;
    const double apart = static_cast<double>(count) - mean;
    spread.variance += apart * apart;
  }
  const auto rows = static_cast<double>(seen.design.rows);
  spread.variance /= rows * rows * static_cast<double>(seen.design.redraws - 1);
  const double half = false_alarm / experiments / 2;
  spread.passed = stats::binomial_cdf(spread.outside, seen.design.redraws, spread.chance) > half && stats::binomial_sf(spread.outside - 1, seen.design.redraws, spread.chance) > half;
  return spread;
}

double law_variance(const Seen& seen) {
  const auto n = static_cast<double>(seen.design.n);
  const auto k = static_cast<double>(seen.rank);
  const double mean = k / (n + 1);
  const double beta = k * (n + 1 - k) / ((n + 1) * (n + 1) * (n + 2));
  return beta + (mean * (1 - mean) - beta) / static_cast<double>(seen.design.rows);
}

void add_figures(const std::string& name, const Seen& seen, Evidence& evidence) {
  evidence.figures["coverage_" + name] = seen.share(seen.total);
  evidence.figures["band_low_" + name] = seen.share(seen.band.lo);
  evidence.figures["band_high_" + name] = seen.share(seen.band.hi);
  evidence.figures["power_" + name] = seen.power;
  evidence.figures["redraws_" + name] = static_cast<double>(seen.design.redraws);
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t factor = options.size == ProveSize::quick ? 1 : options.size == ProveSize::normal ? 10 : 40;
  PLIMSOLL_TRY(const Seen numbers, redraw_all(context, subject, {200, 100, 240 * factor, 177}, false));
  PLIMSOLL_TRY(const Seen classes, redraw_all(context, subject, {19, 50, 300 * factor, 17}, true));
  const Spread spread = spread_of(numbers);
  // The experiment that failed is shown first; else the one on numbers.
  const Seen& shown = numbers.passed() && !classes.passed() ? classes : numbers;
  Evidence evidence;
  evidence.claim = "Answers of level 0.9 cover k/(n+1) of exchangeable rows, with the spread of the Beta law";
  evidence.level = static_cast<double>(shown.rank) / static_cast<double>(shown.design.n + 1);
  evidence.observed = shown.share(shown.total);
  evidence.low = shown.share(shown.band.lo);
  evidence.high = shown.share(shown.band.hi);
  evidence.trials = numbers.design.redraws + classes.design.redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "rank one too low";
  evidence.passed = numbers.passed() && classes.passed() && spread.passed;
  add_figures("numbers", numbers, evidence);
  add_figures("classes", classes, evidence);
  evidence.figures["variance_numbers"] = spread.variance;
  evidence.figures["variance_expected"] = law_variance(numbers);
  evidence.figures["outside_middle"] = static_cast<double>(spread.outside) / static_cast<double>(numbers.design.redraws);
  evidence.figures["outside_expected"] = spread.chance;
  return evidence;
}

}  // namespace plimsoll::conformal::split
