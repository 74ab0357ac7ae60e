// SPDX-License-Identifier: Apache-2.0
// The experiment behind the certificate, with arithmetic of its own: nothing here calls the level set.
//   plane   models of one column and an intercept: S is a convex region of the plane whose boundary is walked by angle, so the
//           ends of every range follow from a search over one number; apply must give them to 1e-6.
//   inside  models of four columns: random models of S, drawn by direction and bisection; none may leave any range by 1e-6.
//   counts  discrepancy in the plane: the most rows one model can move is attained where two of the lines "this row moves by
//           delta" cross, or where one crosses the boundary of S; all such points are tried, and assess must bracket the count.
// All three are exact statements: there is no chance of a false alarm.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "engine/subject.h"
#include "learn/logistic.h"
#include "methods/probability/multiplicity/multiplicity.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr double tolerance = 1e-6;
constexpr double delta = 0.1;

// A logistic problem in plain arrays; w's last entry is the intercept.
struct Problem {
  std::size_t width = 1;
  std::vector<std::vector<double>> x;  // distinct rows
  std::vector<double> weight, positive;
  double l2 = 0;
  std::vector<double> best;
  double target = 0;

  double logit(const std::vector<double>& w, std::size_t i) const {
    double z = w[width];
    for (std::size_t j = 0; j < width; ++j) z += w[j] * x[i][j];
    return z;
  }
  double loss(const std::vector<double>& w) const {
    double sum = 0;
    double mass = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += weight[i] * learn::log1p_exp(logit(w, i)) - positive[i] * logit(w, i);
      mass += weight[i];
    }
    double square = 0;
    for (std::size_t j = 0; j < width; ++j) square += w[j] * w[j];
    return sum / mass + l2 / 2 * square;
  }
};

// Gauss elimination with pivots; the systems are small and regular.
std::vector<double> solved(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) pivot = std::fabs(a[i][k]) > std::fabs(a[pivot][k]) ? i : pivot;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

void find_best(Problem& p) {
  p.best.assign(p.width + 1, 0.0);
  for (int step = 0; step < 60; ++step) {
    std::vector<double> gradient(p.width + 1, 0.0);
    std::vector<std::vector<double>> hessian(p.width + 1, gradient);
    double mass = 0;
    for (const double c : p.weight) mass += c;
    for (std::size_t i = 0; i < p.x.size(); ++i) {
      const double q = learn::sigmoid(p.logit(p.best, i));
      std::vector<double> row = p.x[i];
      row.push_back(1);
      for (std::size_t a = 0; a < row.size(); ++a) {
        gradient[a] += (p.weight[i] * q - p.positive[i]) / mass * row[a];
        for (std::size_t b = 0; b < row.size(); ++b) hessian[a][b] += p.weight[i] * q * (1 - q) / mass * row[a] * row[b];
      }
    }
    for (std::size_t j = 0; j < p.width; ++j) {
      gradient[j] += p.l2 * p.best[j];
      hessian[j][j] += p.l2;
    }
    const std::vector<double> move = solved(std::move(hessian), std::move(gradient));
    for (std::size_t j = 0; j < move.size(); ++j) p.best[j] -= move[j];
  }
}

struct Data {
  Table table;  // distinct rows, several times each, with the target's role
  Problem problem;
};

Result<Data> draw_data(Stream stream, std::size_t width, std::size_t patterns, const Spec& spec) {
  Data data;
  Problem& p = data.problem;
  p.width = width;
  p.l2 = spec.l2;
  std::vector<std::vector<double>> columns(width);
  std::vector<std::int64_t> happened;
  for (std::size_t i = 0; i < patterns; ++i) {
    std::vector<double> x;
    for (std::size_t j = 0; j < width; ++j) x.push_back(stream.normal());
    const auto rows = static_cast<std::int64_t>(4 + stream.below(12));
    const double noise = stream.normal();
    const double risk = learn::sigmoid(x[0] - 0.3 + 0.5 * noise);
    double positive = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const bool one = stream.bernoulli(risk);
      positive += one ? 1 : 0;
      happened.push_back(one ? 1 : 0);
      for (std::size_t j = 0; j < width; ++j) columns[j].push_back(x[j]);
    }
    p.x.push_back(std::move(x));
    p.weight.push_back(static_cast<double>(rows));
    p.positive.push_back(positive);
  }
  TableBuilder builder;
  for (std::size_t j = 0; j < width; ++j) builder.real("x" + std::to_string(j), std::move(columns[j]));
  builder.integer("y", std::move(happened));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  data.table = table.with_roles({{"target", {"y"}}});
  find_best(p);
  p.target = p.loss(p.best) * (1 + spec.eps);
  return data;
}

std::vector<double> along(const std::vector<double>& from, const std::vector<double>& way, double t) {
  std::vector<double> to = from;
  for (std::size_t j = 0; j < to.size(); ++j) to[j] += t * way[j];
  return to;
}

// The last point of S from a point of S on.
std::vector<double> last_inside(const Problem& p, const std::vector<double>& from, const std::vector<double>& way) {
  double in = 0;
  double out = 1e-3;
  while (p.loss(along(from, way, out)) <= p.target && out < 1e9) out *= 2;
  for (int step = 0; step < 70; ++step) {
    const double middle = (in + out) / 2;
    (p.loss(along(from, way, middle)) <= p.target ? in : out) = middle;
  }
  return along(from, way, in);
}

// A unimodal function's largest value on [low, high].
double golden(const std::function<double(double)>& f, double low, double high) {
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double a = high - ratio * (high - low);
  double b = low + ratio * (high - low);
  double fa = f(a);
  double fb = f(b);
  for (int step = 0; step < 60; ++step) {
    if (fa < fb) {
      low = a;
      a = b;
      fa = fb;
      b = low + ratio * (high - low);
      fb = f(b);
    } else {
      high = b;
      b = a;
      fb = fa;
      a = high - ratio * (high - low);
      fa = f(a);
    }
  }
  return std::max(fa, fb);
}

// In the plane: the largest sign * logit of row i over the boundary. The region is convex, so around the best of enough
// angles the function rises to one peak.
double plane_end(const Problem& p, std::size_t i, int sign, const std::vector<double>& scale) {
  constexpr int angles = 48;
  constexpr double turn = 6.283185307179586;
  const auto value = [&](double angle) {
    const std::vector<double> w = last_inside(p, p.best, {scale[0] * std::cos(angle), scale[1] * std::sin(angle)});
    return sign * p.logit(w, i);
  };
  int best = 0;
  double most = value(0);
  for (int k = 1; k < angles; ++k) {
    const double here = value(turn * k / angles);
    if (here > most) {
      most = here;
      best = k;
    }
  }
  return sign * golden(value, turn * (best - 1) / angles, turn * (best + 1) / angles);
}

// How far S reaches along each axis, about: circles become ellipses that fit it.
std::vector<double> axis_scale(const Problem& p) {
  std::vector<double> scale;
  for (std::size_t j = 0; j <= p.width; ++j) {
    std::vector<double> way(p.width + 1, 0.0);
    way[j] = 1;
    scale.push_back(last_inside(p, p.best, way)[j] - p.best[j]);
  }
  return scale;
}

struct Bounds {
  Reals low, high;
  std::vector<std::size_t> pattern_of_row;
};

Result<Bounds> ranges_of(Context& context, const Subject& subject, const Data& data, const Params& params) {
  PLIMSOLL_TRY(const Model model, subject.fit<Model>(context, Inputs{data.table}, params));
  PLIMSOLL_TRY(const Outputs outputs, subject.apply<Outputs>(context, model, ApplyInputs{data.table}, Options{}));
  Bounds bounds;
  PLIMSOLL_TRY(bounds.low, outputs.rows.reals("low"));
  PLIMSOLL_TRY(bounds.high, outputs.rows.reals("high"));
  for (std::size_t i = 0; i < data.problem.weight.size(); ++i) bounds.pattern_of_row.resize(bounds.pattern_of_row.size() + static_cast<std::size_t>(data.problem.weight[i]), i);
  return bounds;
}

struct Seen {
  double worst = 0;          // deviation of an end, or how far a model of S left a range
  std::int64_t ends = 0, models = 0, counts = 0, wrong_counts = 0;
  std::int64_t moving = 0;  // problems in which some model moves a row: a bound of 0 cannot be too low
};

Result<void> plane_trial(Context& context, const Subject& subject, const Stream& stream, Seen& seen) {
  const Params params;
  PLIMSOLL_TRY(const Data data, draw_data(stream, 1, 6, params));
  PLIMSOLL_TRY(const Bounds bounds, ranges_of(context, subject, data, params));
  const std::vector<double> scale = axis_scale(data.problem);
  for (std::size_t row = 0; row < bounds.pattern_of_row.size(); ++row) {
    const std::size_t i = bounds.pattern_of_row[row];
    if (row > 0 && bounds.pattern_of_row[row - 1] == i) continue;
    PLIMSOLL_CHECK(context.stop.check());
    seen.worst = std::max(seen.worst, std::fabs(bounds.low[row] - learn::sigmoid(plane_end(data.problem, i, -1, scale))));
    seen.worst = std::max(seen.worst, std::fabs(bounds.high[row] - learn::sigmoid(plane_end(data.problem, i, 1, scale))));
    seen.ends += 2;
  }
  return {};
}

Result<void> inside_trial(Context& context, const Subject& subject, Stream stream, std::int64_t models, Seen& seen) {
  const Params params;
  PLIMSOLL_TRY(const Data data, draw_data(stream.child("data"), 4, 20, params));
  PLIMSOLL_TRY(const Bounds bounds, ranges_of(context, subject, data, params));
  const Problem& p = data.problem;
  const std::vector<double> scale = axis_scale(p);
  for (std::int64_t m = 0; m < models; ++m) {
    if (m % 64 == 0) PLIMSOLL_CHECK(context.stop.check());
    std::vector<double> way;
    for (const double s : scale) way.push_back(s * stream.normal());
    const std::vector<double> edge = last_inside(p, p.best, way);
    for (std::size_t row = 0; row < bounds.pattern_of_row.size(); ++row) {
      const std::size_t i = bounds.pattern_of_row[row];
      if (row > 0 && bounds.pattern_of_row[row - 1] == i) continue;
      const double q = learn::sigmoid(p.logit(edge, i));
      seen.worst = std::max({seen.worst, bounds.low[row] - q, q - bounds.high[row]});
    }
    ++seen.models;
  }
  return {};
}

double logit_of_probability(double p) { return std::log(p / (1 - p)); }

// A line a * w0 + b * w1 = c of the plane of models: where one row has just moved by delta.
struct Line {
  double a = 0, c = 0;  // b is 1
};

std::vector<Line> moving_lines(const Problem& p) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < p.x.size(); ++i) {
    const double q = learn::sigmoid(p.logit(p.best, i));
    if (q + delta < 1) lines.push_back({p.x[i][0], logit_of_probability(q + delta)});
    if (q - delta > 0) lines.push_back({p.x[i][0], logit_of_probability(q - delta)});
  }
  return lines;
}

// Weight that a model of S moves; `slack` > 0 counts what nearly moves, < 0 only what clearly does.
double moved(const Problem& p, const std::vector<double>& w, double slack) {
  if (p.loss(w) > p.target * (1 + slack)) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < p.x.size(); ++i) {
    if (std::fabs(learn::sigmoid(p.logit(w, i)) - learn::sigmoid(p.logit(p.best, i))) >= delta - slack) sum += p.weight[i];
  }
  return sum;
}

// All points where the most may be moved.
std::vector<std::vector<double>> corners(const Problem& p) {
  std::vector<std::vector<double>> points = {p.best};
  const std::vector<Line> lines = moving_lines(p);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t j = i + 1; j < lines.size(); ++j) {
      if (lines[i].a == lines[j].a) continue;
      const double slope = (lines[i].c - lines[j].c) / (lines[i].a - lines[j].a);
      points.push_back({slope, lines[i].c - lines[i].a * slope});
    }
    const std::vector<double> way = {1, -lines[i].a};
    const auto on_line = [&](double t) { return std::vector<double>{p.best[0] + t, lines[i].c - lines[i].a * (p.best[0] + t)}; };
    double low = -50;
    double high = 50;
    for (int step = 0; step < 200; ++step) {  // the least loss on the line, by thirds
      const double a = low + (high - low) / 3;
      const double b = high - (high - low) / 3;
      (p.loss(on_line(a)) < p.loss(on_line(b)) ? high : low) = p.loss(on_line(a)) < p.loss(on_line(b)) ? b : a;
    }
    const std::vector<double> middle = on_line((low + high) / 2);
    if (p.loss(middle) > p.target) continue;
    points.push_back(last_inside(p, middle, way));
    points.push_back(last_inside(p, middle, {-way[0], -way[1]}));
  }
  return points;
}

Result<void> count_trial(Context& context, const Subject& subject, const Stream& stream, Seen& seen) {
  AssessParams params;
  params.delta = {delta};
  params.max_time = 600;
  params.max_rounds = 200;
  PLIMSOLL_TRY(const Data data, draw_data(stream, 1, 8, params));
  PLIMSOLL_TRY(const Report report, subject.assess(context, AssessInputs{data.table, std::nullopt}, params));
  double lower = 0;
  double upper = 0;
  for (const auto& [name, value] : report.figures) {
    if (name == "discrepancy_lower_0.1") lower = value;
    if (name == "discrepancy_upper_0.1") upper = value;
  }
  double clearly = 0;
  double nearly = 0;
  for (const std::vector<double>& point : corners(data.problem)) {
    nearly = std::max(nearly, moved(data.problem, point, tolerance));
    clearly = std::max(clearly, moved(data.problem, point, -tolerance));
  }
  double total = 0;
  for (const double c : data.problem.weight) total += c;
  ++seen.counts;
  // A corner has just moved its rows, so `nearly` is the count; `clearly` is only a floor for the upper bound's sake.
  const bool right = lower <= nearly / total + 1e-9 && upper >= clearly / total - 1e-9 && upper >= lower && lower >= nearly / total - 1e-9;
  if (!right) ++seen.wrong_counts;
  if (nearly > 0) ++seen.moving;
  return {};
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const bool quick = options.size == ProveSize::quick;
  const std::int64_t planes = quick ? 2 : 40;
  const std::int64_t clouds = quick ? 2 : 10;
  const std::int64_t models = quick ? 400 : options.size == ProveSize::full ? 100'000 : 5'000;
  const std::int64_t counted = quick ? 6 : 100;
  const Stream root = Stream(options.seed).child("probability.multiplicity.prove");
  Seen seen;
  for (std::int64_t k = 0; k < planes; ++k) PLIMSOLL_CHECK(plane_trial(context, subject, root.child("plane").child(static_cast<std::uint64_t>(k)), seen));
  for (std::int64_t k = 0; k < clouds; ++k) PLIMSOLL_CHECK(inside_trial(context, subject, root.child("inside").child(static_cast<std::uint64_t>(k)), models, seen));
  for (std::int64_t k = 0; k < counted || (seen.moving < 3 && k < 20 * counted); ++k) PLIMSOLL_CHECK(count_trial(context, subject, root.child("counts").child(static_cast<std::uint64_t>(k)), seen));
  Evidence evidence;
  evidence.method = "probability.multiplicity";
  evidence.claim = "low and high are the ends of what models of the set say, and discrepancy lies between its bounds";
  evidence.level = tolerance;
  evidence.observed = seen.worst;
  evidence.low = 0;
  evidence.high = seen.worst;
  evidence.trials = seen.ends + seen.models + seen.counts;
  evidence.seed = options.seed;
  evidence.false_alarm = 0;
  evidence.passed = seen.worst <= tolerance && seen.wrong_counts == 0;
  evidence.detects = "the ranges of the approximating ellipsoid";
  evidence.figures = {{"ends", static_cast<double>(seen.ends)}, {"models", static_cast<double>(seen.models)},
                      {"counts", static_cast<double>(seen.counts)}, {"wrong_counts", static_cast<double>(seen.wrong_counts)}, {"moving", static_cast<double>(seen.moving)}};
  return evidence;
}

}  // namespace plimsoll::probability::multiplicity
