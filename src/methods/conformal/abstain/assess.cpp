// SPDX-License-Identifier: Apache-2.0
// The policy beside plain sets (LAC, APS, RAPS), a bound on max p that abstains as often, and Chow's rule (C. K. Chow 1970: abstain
// where the expected error costs more than abstaining), counted honestly and by the conventions of the published comparison.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/artifact.h"
#include "learn/class_scores.h"
#include "methods/conformal/abstain/abstain.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::abstain {
namespace {

// Questions of groups that were learned, so that every rule has a threshold.
std::vector<Answer> plain_sets(const Model& model, const Questions& questions, learn::ClassScore score, double alpha, bool paper) {
  std::vector<std::vector<double>> columns(questions.options, std::vector<double>(questions.size()));
  std::vector<std::span<const double>> spans;
  for (std::size_t c = 0; c < questions.options; ++c) {
    for (std::size_t i = 0; i < questions.size(); ++i) columns[c][i] = questions.at(i)[c];
    spans.push_back(columns[c]);
  }
  std::vector<double> values;
  for (const Policy& policy : model.policies) {
    const Quantiles quantiles{score == learn::ClassScore::lac ? policy.lac : score == learn::ClassScore::aps ? policy.aps : policy.raps, paper};
    const bool infinite = !paper && std::ceil(static_cast<double>(quantiles.sorted.size() + 1) * (1 - alpha) * (1 - 4e-15)) > static_cast<double>(quantiles.sorted.size());
    values.push_back(infinite ? std::numeric_limits<double>::infinity() : quantiles.at(alpha));
  }
  std::vector<std::int32_t> groups;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Policy* policy = policy_of(model, questions.group.empty() ? std::string() : questions.group[i]);
    groups.push_back(policy ? static_cast<std::int32_t>(policy - model.policies.data()) : -1);
  }
  learn::ClassScoreOptions options;
  options.score = score;
  std::vector<std::uint64_t> masks(questions.size());
  learn::masks_at(options, spans, {values, false, groups}, {}, masks);
  learn::fill_empty(spans, masks);
  std::vector<Answer> answers;
  for (const std::uint64_t mask : masks) answers.push_back({Action::set, mask});
  return answers;
}

std::vector<Answer> singles_below(const Questions& questions, const std::vector<bool>& abstain) {
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < questions.size(); ++i)
    answers.push_back(abstain[i] ? Answer{} : Answer{Action::single, std::uint64_t{1} << first_largest(questions.at(i))});
  return answers;
}

// The least sure rows, as many as the policy abstained from; of equals the later.
std::vector<Answer> threshold_alike(const Questions& questions, std::size_t abstentions) {
  std::vector<std::size_t> order(questions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return largest(questions.at(a)) > largest(questions.at(b)); });
  std::vector<bool> abstain(questions.size(), false);
  for (std::size_t k = questions.size() - abstentions; k < questions.size(); ++k) abstain[order[k]] = true;
  return singles_below(questions, abstain);
}

std::vector<Answer> chow(const Questions& questions, const CostWeights& cost) {
  std::vector<bool> abstain;
  for (std::size_t i = 0; i < questions.size(); ++i) abstain.push_back(1 - largest(questions.at(i)) > cost.abstention + cost.answer);
  return singles_below(questions, abstain);
}

struct Rule {
  std::string name;
  std::vector<Answer> honest, paper;
  bool plain = true;
};

std::vector<Rule> rules_of(const Model& model, const Questions& questions, const Stream& stream, double alpha) {
  std::vector<Rule> rules;
  const std::vector<Answer> policy = decide(model, questions, stream);
  const auto silent = static_cast<std::size_t>(std::count_if(policy.begin(), policy.end(), [](const Answer& one) { return one.action == Action::abstain; }));
  rules.push_back({"policy", policy, policy, false});
  for (const auto& [name, score] : {std::pair{"LAC", learn::ClassScore::lac}, {"APS", learn::ClassScore::aps}, {"RAPS", learn::ClassScore::raps}})
    rules.push_back({name, plain_sets(model, questions, score, alpha, false), plain_sets(model, questions, score, alpha, true), true});
  const std::vector<Answer> bound = threshold_alike(questions, silent);
  rules.push_back({"max p, as many abstentions", bound, bound, false});
  const std::vector<Answer> classic = chow(questions, model.params.cost);
  rules.push_back({"Chow", classic, classic, false});
  return rules;
}

TableBlock table_of(const std::vector<Rule>& rules, const std::vector<std::vector<Metric>>& metrics, const std::string& title, const std::string& caption) {
  TableBlock table{title, caption, {"rule"}, {}};
  for (const Metric& metric : metrics.front()) table.columns.push_back(metric.name);
  for (std::size_t r = 0; r < rules.size(); ++r) {
    std::vector<Cell> row = {rules[r].name};
    for (const Metric& metric : metrics[r]) row.push_back(metric.value ? Cell(*metric.value) : Cell(std::string("undefined")));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Share of misses among the k surest of the answered rows, at up to 200 places.
FigureBlock risk_coverage(const Questions& questions, const std::vector<Rule>& rules) {
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Risk along coverage";
  figure.description = "The share of misses among the surest answers of each rule, by max p, as more are counted.";
  figure.x_title = "share of all questions answered";
  figure.y_title = "share of them missed";
  for (const Rule& rule : {rules[0], rules[1], rules[4]}) {
    std::vector<std::pair<double, double>> rows;
    for (std::size_t i = 0; i < questions.size(); ++i)
      if (rule.honest[i].action != Action::abstain) rows.emplace_back(-largest(questions.at(i)), (rule.honest[i].mask >> questions.answer[i] & 1) != 0 ? 0.0 : 1.0);
    std::sort(rows.begin(), rows.end());
    const std::size_t every = 1 + rows.size() / 200;
    double misses = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      misses += rows[k].second;
      if ((k + 1) % every != 0) continue;
      figure.x.push_back(static_cast<double>(k + 1) / static_cast<double>(questions.size()));
      figure.y.push_back(misses / static_cast<double>(k + 1));
      figure.series.push_back(rule.name);
    }
  }
  return figure;
}

// Exact bounds of the certified risk on these rows; says red where it surely lies above.
void judge(const Model& model, const Questions& questions, const std::vector<Answer>& answers, double confidence, Report& report) {
  std::int64_t answered = 0, misses = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].action == Action::abstain) continue;
    ++answered;
    misses += (answers[i].mask >> questions.answer[i] & 1) != 0 ? 0 : 1;
  }
  const auto n = model.params.risk == Risk::joint ? static_cast<std::int64_t>(answers.size()) : answered;
  report.figures.push_back({"answered", static_cast<double>(answered)});
  report.figures.push_back({"misses", static_cast<double>(misses)});
  if (model.params.mode == Mode::paper) {
    report.text("What was found", "The policy makes no promise. What the tables tell of it was measured on these rows alone.", ReportSeverity::warning);
    return;
  }
  const stats::Interval risk = stats::clopper_pearson(misses, n, confidence);
  report.verdict = risk.lo > model.params.rho ? "red" : "green";
  report.figures.push_back({"risk_low", risk.lo});
  report.figures.push_back({"risk_high", risk.hi});
  report.text("What was found", report.verdict == "red" ? "The certified risk is surely above its level on these rows: they are not drawn like the certifying ones." : "The certified risk is not surely above its level on these rows.", report.verdict == "red" ? ReportSeverity::alarm : ReportSeverity::note);
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const Read rows, read(context, inputs.data, Asking{model.params, model.options, inputs.endpoint, true}, model.columns));
  const Questions& questions = rows.questions;
  if (questions.size() == 0) return Error(ErrorCode::too_few_rows, "there are no questions", "Give questions with their answers.").in_parameter("data");
  const std::vector<Rule> rules = rules_of(model, questions, context.rng.child("conformal.abstain actions"), params.alpha);
  std::vector<std::vector<Metric>> honest, paper;
  for (const Rule& rule : rules) {
    honest.push_back(honest_metrics(questions, rule.honest));
    paper.push_back(paper_metrics(questions, rule.paper, rule.plain));
  }
  Report report;
  report.title = "Answers, sets and abstentions";
  report.facts = {{"method", "conformal.abstain"}, {"questions", std::to_string(questions.size())}};
  for (std::size_t r = 0; r < rules.size(); ++r) {
    for (const Metric& metric : honest[r])
      if (metric.value) report.figures.push_back({rules[r].name + ": " + metric.name, *metric.value});
    for (const Metric& metric : paper[r])
      if (metric.value) report.figures.push_back({rules[r].name + ", paper: " + metric.name, *metric.value});
  }
  judge(model, questions, rules.front().honest, params.confidence, report);
  report.table(table_of(rules, honest, "Honest counts", "An abstention is no answer: it is covered by no set and right by no measure. Confidence is max p for every rule."));
  report.table(table_of(rules, paper, "The published conventions", "For comparison only: an abstention counts as covered, as correct and as sure; a set's confidence looks at the truth; the word abstain counts as seven options; the plain sets are ranked otherwise than the policy."));
  report.figure(risk_coverage(questions, rules));
  return report;
}

}  // namespace plimsoll::conformal::abstain
