// SPDX-License-Identifier: Apache-2.0
// Two ways to count the same answers. Honest: who abstains has not answered; coverage is told among the answered and of all questions;
// ranking measures use max p for every rule. Paper: the conventions of the published comparison, kept to show what they do.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "methods/conformal/abstain/abstain.h"
#include "stats/roc.h"

namespace plimsoll::conformal::abstain {
namespace {

bool covers(const Answer& answer, std::int32_t truth) { return (answer.mask >> truth & 1) != 0; }
double size_of(const Answer& answer) { return static_cast<double>(__builtin_popcountll(answer.mask)); }

std::optional<double> ratio(double above, double below) {
  if (below > 0) return above / below;
  return std::nullopt;
}

std::optional<double> auroc_of(const std::vector<double>& confidence, const std::vector<std::int32_t>& correct) {
  auto found = stats::auroc(confidence, correct, 0.95);
  if (!found) return std::nullopt;  // one outcome only
  return found.value().estimate.value;
}

// Rows by falling confidence; equal ones in their order.
std::vector<std::size_t> by_confidence(const std::vector<double>& confidence) {
  std::vector<std::size_t> order(confidence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return confidence[a] > confidence[b]; });
  return order;
}

// Mean over k of the share of misses among the k surest; ties share their mean, so that row order does not count.
std::optional<double> aurc_of(const std::vector<double>& confidence, const std::vector<double>& miss) {
  if (miss.empty()) return std::nullopt;
  const std::vector<std::size_t> order = by_confidence(confidence);
  double before = 0, area = 0;
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    double group = 0;
    while (last < order.size() && confidence[order[last]] == confidence[order[first]]) group += miss[order[last++]];
    for (std::size_t k = first; k < last; ++k) area += (before + group * static_cast<double>(k + 1 - first) / static_cast<double>(last - first)) / static_cast<double>(k + 1);
    before += group;
    first = last;
  }
  return area / static_cast<double>(order.size());
}

// Fifteen equal cells (b/15, (b+1)/15].
std::optional<double> ece_of(const std::vector<double>& confidence, const std::vector<double>& correct) {
  constexpr std::size_t cells = 15;
  std::vector<double> count(cells, 0.0), sure(cells, 0.0), right(cells, 0.0);
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const double at = std::ceil(confidence[i] * static_cast<double>(cells)) - 1;
    const auto cell = static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(cells - 1)));
    count[cell] += 1;
    sure[cell] += confidence[i];
    right[cell] += correct[i];
  }
  if (confidence.empty()) return std::nullopt;
  double sum = 0;
  for (std::size_t c = 0; c < cells; ++c) sum += std::fabs(sure[c] - right[c]);
  return sum / static_cast<double>(confidence.size());
}

double mass_of(std::span<const double> p, std::uint64_t mask) {
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) sum += (mask >> c & 1) != 0 ? p[c] : 0;
  return std::min(1.0, sum);
}

// Sorted by confidence, running accuracy, trapezoids over equally spaced rates.
std::optional<double> auarc_of(const std::vector<double>& confidence, const std::vector<double>& correct) {
  const std::size_t n = confidence.size();
  if (n < 2) return std::nullopt;
  double sum = 0, area = 0, last = 0;
  const std::vector<std::size_t> order = by_confidence(confidence);
  for (std::size_t k = 0; k < n; ++k) {
    sum += correct[order[k]];
    const double running = sum / static_cast<double>(k + 1);
    if (k > 0) area += (running + last) / 2;
    last = running;
  }
  return area / static_cast<double>(n - 1);
}

}  // namespace

std::vector<Metric> honest_metrics(const Questions& questions, const std::vector<Answer>& answers) {
  double answered = 0, covered = 0, right = 0, size = 0;
  std::vector<double> sure, miss, mass, inside, all_sure, all_miss;
  std::vector<std::int32_t> hit;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto p = questions.at(i);
    const bool in = answers[i].action != Action::abstain && covers(answers[i], questions.answer[i]);
    all_sure.push_back(largest(p));
    all_miss.push_back(in ? 0 : 1);
    if (answers[i].action == Action::abstain) continue;
    answered += 1;
    covered += in ? 1 : 0;
    right += first_largest(p) == questions.answer[i] ? 1 : 0;
    size += size_of(answers[i]);
    sure.push_back(largest(p));
    miss.push_back(in ? 0 : 1);
    hit.push_back(in ? 1 : 0);
    mass.push_back(mass_of(p, answers[i].mask));
    inside.push_back(in ? 1 : 0);
  }
  const auto rows = static_cast<double>(answers.size());
  return {{"abstention rate", ratio(rows - answered, rows)},
          {"coverage among answered", ratio(covered, answered)},
          {"coverage of all questions", ratio(covered, rows)},
          {"joint risk", ratio(answered - covered, rows)},
          {"selective accuracy of the first option", ratio(right, answered)},
          {"size over answered", ratio(size, answered)},
          {"AUROC of max p", auroc_of(sure, hit)},
          {"AURC, answered", aurc_of(sure, miss)},
          {"AURC, abstention a miss", aurc_of(all_sure, all_miss)},
          {"calibration error", ece_of(mass, inside)}};
}

std::vector<Metric> paper_metrics(const Questions& questions, const std::vector<Answer>& answers, bool plain) {
  constexpr double letters_of_abstain = 7;  // len("abstain")
  double covered = 0, accuracy = 0, size = 0;
  std::vector<double> confidence, ranked, sure, correct;
  std::vector<std::int32_t> hit;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto p = questions.at(i);
    const std::int32_t truth = questions.answer[i];
    const bool silent = answers[i].action == Action::abstain;
    const bool in = silent || covers(answers[i], truth);
    const bool top = first_largest(p) == truth;
    const bool set = answers[i].action == Action::set;
    covered += in ? 1 : 0;
    accuracy += silent || top ? 1 : set && in ? 1 / size_of(answers[i]) : 0;
    size += silent ? letters_of_abstain : size_of(answers[i]);
    const double most = largest(p);
    // A set's confidence looks at the truth: 0.7 max p + 0.3 p[truth] if the truth is inside.
    const double blended = 0.7 * most + (in ? 0.3 * p[static_cast<std::size_t>(truth)] : 0);
    confidence.push_back(silent ? 1 : set && !plain ? blended : most);
    hit.push_back(in ? 1 : 0);
    ranked.push_back(plain ? (in ? most : 0) : in ? 1 : 0);  // correct * confidence for the baselines
    sure.push_back(silent ? 1 : set && !plain ? mass_of(p, answers[i].mask) : most);
    correct.push_back(in ? 1 : 0);
  }
  const auto rows = static_cast<double>(answers.size());
  const std::optional<double> mean_size = ratio(size, rows);
  const std::optional<double> mean_accuracy = ratio(accuracy, rows);
  std::vector<Metric> metrics = {{"coverage", ratio(covered, rows)}, {"accuracy", mean_accuracy}, {"size", mean_size}, {"AUROC", auroc_of(confidence, hit)}, {"AUARC", auarc_of(confidence, ranked)}, {"ECE", ece_of(sure, correct)}};
  metrics.push_back({"UAcc", mean_size && *mean_size > 0 ? std::optional<double>(*mean_accuracy * std::sqrt(static_cast<double>(questions.options)) / *mean_size) : std::nullopt});
  return metrics;
}

}  // namespace plimsoll::conformal::abstain
