// SPDX-License-Identifier: Apache-2.0
// Brier 1950; logarithmic score (Good 1952); spherical score (Gneiting and Raftery, JASA 2007, section 4). Row terms are
// added by ExactSum, so each mean is a function of the multiset of rows.
#include "stats/scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "base/exact_sum.h"
#include "stats/column_log.h"
#include "stats/intervals.h"

namespace plimsoll::stats {
namespace {

constexpr double counted_gap = 1e-6;
constexpr double refused_gap = 1e-3;
constexpr std::size_t chunk = 4096;

// Mean of term(row) under the weights; chunks let ExactSum take spans.
template <class Term>
double weighted_mean(std::size_t rows, std::span<const double> weight, Term term) {
  std::array<double, chunk> terms;
  ExactSum sum, total;
  for (std::size_t begin = 0; begin < rows; begin += chunk) {
    const std::size_t end = std::min(rows, begin + chunk);
    for (std::size_t i = begin; i < end; ++i)
      terms[i - begin] = weight.empty() ? term(i) : weight[i] == 0 ? 0 : weight[i] * term(i);
    sum.add(std::span<const double>(terms.data(), end - begin));
    if (!weight.empty()) total.add(weight.subspan(begin, end - begin));
  }
  return sum.value() / (weight.empty() ? static_cast<double>(rows) : total.value());
}

Error bad_row(std::string what, std::size_t row) {
  return Error(ErrorCode::bad_value, std::move(what), "Drop or mend the row").at_row(static_cast<std::int64_t>(row));
}

// Means of -log of the probability given to what happened. Where nothing is clipped both are one.
template <class Given>
LogLoss log_loss_of(std::size_t rows, std::span<const double> weight, double eps, Given given) {
  LogLoss loss;
  std::array<double, chunk> p, terms;
  ExactSum sum, total;
  for (std::size_t begin = 0; begin < rows; begin += chunk) {
    const std::size_t count = std::min(rows - begin, chunk);
    for (std::size_t i = 0; i < count; ++i) {
      p[i] = given(begin + i);
      loss.clipped += static_cast<std::int64_t>(p[i] < eps) + static_cast<std::int64_t>(p[i] > 1 - eps);
    }
    column_logs({p.data(), count}, {terms.data(), count});
    for (std::size_t i = 0; i < count; ++i) terms[i] = 0.0 - terms[i];
    for (std::size_t i = 0; i < count && !weight.empty(); ++i) terms[i] = weight[begin + i] == 0 ? 0 : weight[begin + i] * terms[i];
    sum.add(std::span<const double>(terms.data(), count));
    if (!weight.empty()) total.add(weight.subspan(begin, count));
  }
  loss.value = loss.clipped_value = sum.value() / (weight.empty() ? static_cast<double>(rows) : total.value());
  if (loss.clipped > 0)
    loss.clipped_value = weighted_mean(rows, weight, [&](std::size_t i) { return 0.0 - column_log(std::clamp(given(i), eps, 1 - eps)); });
  return loss;
}

}  // namespace

Result<void> check_forecasts(std::span<const double> probability, std::span<const std::int32_t> outcome,
                             std::span<const double> weight) {
  if (probability.size() != outcome.size() || (!weight.empty() && weight.size() != outcome.size()))
    return Error(ErrorCode::bad_parameter, "forecasts, outcomes and weights differ in length");
  double total = weight.empty() ? 1 : 0;
  bool sound = weight.empty();
  for (std::size_t i = 0; i < outcome.size() && sound; i += chunk) {
    const std::size_t end = std::min(outcome.size(), i + chunk);
    std::uint32_t wrong = 0;
    for (std::size_t k = i; k < end; ++k) wrong |= static_cast<std::uint32_t>(!(probability[k] >= 0)) | static_cast<std::uint32_t>(!(probability[k] <= 1)) | (static_cast<std::uint32_t>(outcome[k]) & ~1u);
    sound = wrong == 0;
  }
  for (std::size_t i = 0; i < outcome.size() && !sound; ++i) {
    if (!(probability[i] >= 0 && probability[i] <= 1)) return bad_row("a forecast is not a probability between 0 and 1", i);
    if (outcome[i] != 0 && outcome[i] != 1) return bad_row("an outcome is neither 0 nor 1", i);
    if (weight.empty()) continue;
    if (!(weight[i] >= 0 && std::isfinite(weight[i]))) return bad_row("a weight is negative or not finite", i);
    total += weight[i];
  }
  if (outcome.empty() || !(total > 0))
    return Error(ErrorCode::too_few_rows, "no row with weight", "Give rows of positive weight");
  return {};
}

double brier_score(std::span<const double> probability, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  return weighted_mean(outcome.size(), weight, [&](std::size_t i) {
    const double gap = probability[i] - outcome[i];
    return gap * gap;
  });
}

LogLoss log_loss(std::span<const double> probability, std::span<const std::int32_t> outcome, std::span<const double> weight,
                 double eps) {
  return log_loss_of(outcome.size(), weight, eps,
                     [&](std::size_t i) { return outcome[i] == 1 ? probability[i] : 1 - probability[i]; });
}

double spherical_score(std::span<const double> probability, std::span<const std::int32_t> outcome,
                       std::span<const double> weight) {
  return 1 - weighted_mean(outcome.size(), weight, [&](std::size_t i) {
           const double p = probability[i], q = 1 - p;
           return (outcome[i] == 1 ? p : q) / std::sqrt(p * p + q * q);
         });
}

Estimate brier_estimate(std::span<const double> probability, std::span<const std::int32_t> outcome, double level) {
  std::vector<double> terms(outcome.size());
  for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = (probability[i] - outcome[i]) * (probability[i] - outcome[i]);
  return mean_estimate(terms, level);
}

double class_brier_score(std::span<const std::span<const double>> probability, std::span<const std::int32_t> label) {
  return weighted_mean(label.size(), {}, [&](std::size_t i) {
    double sum = 0;
    for (std::size_t c = 0; c < probability.size(); ++c) {
      const double gap = probability[c][i] - (static_cast<std::size_t>(label[i]) == c ? 1 : 0);
      sum += gap * gap;
    }
    return sum;
  });
}

LogLoss class_log_loss(std::span<const std::span<const double>> probability, std::span<const std::int32_t> label, double eps) {
  return log_loss_of(label.size(), {}, eps, [&](std::size_t i) { return probability[static_cast<std::size_t>(label[i])][i]; });
}

Result<SumFindings> check_class_sums(std::span<const std::span<const double>> probability) {
  SumFindings findings;
  const std::size_t rows = probability.empty() ? 0 : probability[0].size();
  for (std::size_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (const auto& column : probability) {
      if (!(column[i] >= 0)) return bad_row("a class probability is negative or not a number", i);
      sum += column[i];
    }
    const double gap = std::fabs(sum - 1);
    if (!(gap <= refused_gap)) return bad_row("the class probabilities sum to " + std::to_string(sum) + ", not to 1", i);
    if (gap > counted_gap) ++findings.off_rows;
    findings.worst = std::max(findings.worst, gap);
  }
  return findings;
}

}  // namespace plimsoll::stats
