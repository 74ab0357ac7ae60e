// SPDX-License-Identifier: Apache-2.0
// What a board reads first: how much a bad year costs, how sure that is, which risks make it, what controls save.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {
namespace {

std::string money(double x, const std::string& currency) {
  if (std::isnan(x)) return "not computed";
  if (std::isinf(x)) return "infinite";
  char text[64];
  const double size = std::fabs(x);
  if (size >= 1e9) std::snprintf(text, sizeof text, "%.2f billion", x / 1e9);
  else if (size >= 1e6) std::snprintf(text, sizeof text, "%.2f million", x / 1e6);
  else std::snprintf(text, sizeof text, "%.0f", x);
  return currency.empty() ? std::string(text) : currency + " " + text;
}

std::string percent(double share) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g %%", 100 * share);
  return text;
}

double value_of(const Level& level) { return std::isnan(level.exact.value) ? level.simulated : level.exact.value; }
double tail_of(const Level& level) { return std::isnan(level.tail_mean.value) ? level.simulated_tail : level.tail_mean.value; }
std::string once_in(double p) {
  char text[64];
  std::snprintf(text, sizeof text, "one year in %.4g", 1 / (1 - p));
  return text;
}

void headline(const Register& book, const Params& params, const Quantified& found, Report& report) {
  const Level& bad = found.tail[found.tail.size() > 1 ? found.tail.size() - 2 : 0];
  const std::size_t worst = static_cast<std::size_t>(std::max_element(found.share.begin(), found.share.end()) - found.share.begin());
  std::string words = "These " + std::to_string(book.risks.size()) + " risks cost " + money(found.mean, book.currency) + " in an average year. In " + once_in(bad.p) + " they cost " + money(value_of(bad), book.currency) +
                      " or more, and " + money(tail_of(bad), book.currency) + " on average of such years.";
  double total = 0;
  for (const double s : found.share) total += s;
  if (total > 0) words += " The largest part of such a year, " + percent(found.share[worst] / total) + ", comes from " + book.risks[worst].id + (book.risks[worst].description.empty() ? "" : " (" + book.risks[worst].description + ")") + ".";
  words += params.net ? " Controls in place are counted." : " This is before the controls in place.";
  if (params.appetite > 0) {
    words += " The appetite is " + money(params.appetite, book.currency) + " in " + once_in(params.appetite_level) + ": it is " + (report.verdict == "red" ? "exceeded." : report.verdict == "yellow" ? "touched within the accuracy of this computation." : "kept.");
  }
  report.text("In one paragraph", words);
  std::string how = found.exact ? "The year's loss was computed exactly by transform on a grid of steps of " + money(found.step, book.currency) + ", between two discretisations that bound it." : "";
  if (found.simulated) how += std::string(how.empty() ? "" : " ") + std::to_string(params.years) + " years were simulated, each event with its own severity; the bands hold the true percentile with at least 95 % confidence.";
  report.text("How sure this is", how + " Both speak of the laws in the register: what they leave out, and who estimated them, no computation can see.");
}

void findings(const Register& book, Report& report) {
  FindingsBlock block;
  block.title = "What to look at";
  for (const learn::Remark& remark : book.remarks) block.findings.push_back({static_cast<ReportSeverity>(remark.severity), remark.subject, remark.text, remark.mend});
  if (!block.findings.empty()) report.findings(std::move(block));
}

void curve(const Register& book, const Params& params, const Quantified& found, Report& report) {
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Loss exceedance";
  figure.description = "Chance that a year costs more than the amount: all events together (year) with the band of the computation, and its largest single event.";
  figure.x_title = book.currency.empty() ? "loss" : "loss, " + book.currency;
  figure.y_title = "chance of more in a year";
  bool events = true;
  for (const Point& point : found.curve) {
    figure.x.push_back(point.loss);
    figure.y.push_back(point.aep);
    figure.lo.push_back(point.aep_low);
    figure.hi.push_back(point.aep_high);
    figure.series.push_back("year");
    events = events && !std::isnan(point.oep);
  }
  for (const Point& point : found.curve) {
    if (!events) break;
    figure.x.push_back(point.loss);
    figure.y.push_back(point.oep);
    figure.lo.push_back(point.oep);
    figure.hi.push_back(point.oep);
    figure.series.push_back("largest event");
  }
  if (params.appetite > 0) {
    figure.reference = 1 - params.appetite_level;
    figure.has_reference = true;
  }
  report.figure(std::move(figure));
}

void level_table(const Register& book, const Quantified& found, Report& report) {
  TableBlock table;
  table.title = "Bad years";
  table.caption = "VaR is the loss that is exceeded in that share of years, TVaR the mean of such years. Exact values stand between their discretisation bounds; simulated ones in their 95 % rank band.";
  table.columns = {"level", "once in years", "VaR", "exact from", "exact to", "TVaR", "simulated VaR", "band from", "band to"};
  for (const Level& level : found.tail)
    table.rows.push_back({percent(level.p), 1 / (1 - level.p), money(value_of(level), book.currency), money(level.exact.low, book.currency), money(level.exact.high, book.currency), money(tail_of(level), book.currency),
                          money(level.simulated, book.currency), money(level.low, book.currency), money(level.high, book.currency)});
  report.table(std::move(table));
  TableBlock reserve;
  reserve.title = "Reserves";
  reserve.caption = "What must be set aside so that a year is covered with that chance, and what it holds above the average year.";
  reserve.columns = {"chance of being enough", "reserve", "above the average year"};
  for (const Level& level : found.reserve) reserve.rows.push_back({percent(level.p), money(value_of(level), book.currency), money(value_of(level) - found.mean, book.currency)});
  report.table(std::move(reserve));
}

void risks(const Register& book, const Quantified& found, Report& report) {
  std::vector<std::size_t> order(book.risks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return found.share[a] > found.share[b]; });
  double total = 0;
  for (const double s : found.share) total += s;
  FigureBlock figure;
  figure.kind = FigureKind::bars;
  figure.title = "What makes a bad year";
  figure.description = "Mean loss of each risk over the years beyond the level " + percent(found.share_level) + "; together they are the mean of those years (Euler).";
  figure.x_title = "risk";
  figure.y_title = "part of the loss of such years";
  TableBlock table;
  table.title = "The risks";
  table.caption = "Ordered by their part of years beyond the level " + percent(found.share_level) + ". VaR alone is the risk's own 95 % level.";
  table.columns = {"risk", "description", "domain", "threat", "events a year", "mean event", "mean year", "VaR 95 % alone", "part of a bad year", "share"};
  for (const std::size_t r : order) {
    const Risk& risk = book.risks[r];
    if (table.rows.size() < 200)
      table.rows.push_back({risk.id, risk.description, risk.domain, risk.threat, risk.law.frequency.mean(), money(risk.law.event_mean(), book.currency), money(risk.law.mean(), book.currency), money(found.alone[r], book.currency),
                            money(found.share[r], book.currency), total > 0 ? percent(found.share[r] / total) : std::string("none")});
    if (figure.label.size() >= 30) continue;
    figure.label.push_back(risk.id + (risk.description.empty() ? "" : ": " + risk.description));
    figure.y.push_back(found.share[r]);
  }
  report.figure(std::move(figure));
  report.table(std::move(table));
}

void controls(const Register& book, const Quantified& found, Report& report) {
  if (found.controls.empty()) return;
  TableBlock table;
  table.title = "What controls are worth";
  table.caption = "Each control alone, on the same laws. Return is (less expected loss - cost) / cost. ";
  if (found.bundle.empty()) {
    table.caption += "No bundle of them pays for itself.";
  } else {
    table.caption += "The best bundle within the budget costs " + money(found.bundle_cost, book.currency) + " and takes " + money(found.bundle_less, book.currency) + " off the average year:";
    for (const std::string& id : found.bundle) table.caption += " " + id;
    table.caption += ".";
  }
  table.columns = {"control", "cost a year", "less expected loss", "less VaR 95 %", "less TVaR 95 %", "return", "chance that it pays"};
  FigureBlock figure;
  figure.kind = FigureKind::bars;
  figure.title = "Cost and effect of controls";
  figure.description = "Yearly cost of each control beside the expected loss that it takes away.";
  figure.x_title = "control";
  figure.y_title = "a year";
  for (const ControlValue& one : found.controls) {
    table.rows.push_back({one.id, money(one.cost, book.currency), money(one.less_loss, book.currency), money(one.less_var, book.currency), money(one.less_tvar, book.currency), std::isfinite(one.value) ? percent(one.value) : std::string("free"), percent(one.chance)});
    if (figure.label.size() >= 40) continue;
    for (const bool cost : {true, false}) {
      figure.label.push_back(one.id);
      figure.y.push_back(cost ? one.cost : one.less_loss);
      figure.series.push_back(cost ? "cost" : "less expected loss");
    }
  }
  report.figure(std::move(figure));
  report.table(std::move(table));
}

void domains(const Register& book, const Taxonomy& taxonomy, Report& report) {
  FigureBlock figure;
  figure.kind = FigureKind::heatmap;
  figure.title = "Mean yearly loss by domain and what it strikes";
  figure.description = "Mean yearly loss of the risks of each domain, counted in every loss category that they touch.";
  figure.x_title = "loss category";
  figure.y_title = "domain";
  std::vector<std::string> names;
  for (const Domain& domain : taxonomy.domains) names.push_back(domain.id);
  names.emplace_back("other");
  for (const std::string& name : names) {
    std::map<std::string, double> sums;
    for (const Risk& risk : book.risks) {
      if (risk.domain != name || !std::isfinite(risk.law.mean())) continue;
      if (risk.losses.empty()) sums["not stated"] += risk.law.mean();
      for (const std::string& loss : risk.losses) sums[loss] += risk.law.mean();
    }
    for (const auto& [loss, sum] : sums) {
      figure.label.push_back(name);
      figure.series.push_back(loss);
      figure.y.push_back(sum);
    }
  }
  if (!figure.label.empty()) report.figure(std::move(figure));
}

void machine_figures(const Params& params, const Quantified& found, Report& report) {
  report.figures = {{"mean", found.mean}, {"sd", found.sd}, {"no_loss", found.no_loss}};
  const auto name = [](double p) {
    std::string text = std::to_string(p);
    while (text.ends_with('0')) text.pop_back();
    return text;
  };
  for (const Level& level : found.tail) {
    const std::string at = name(level.p);
    if (found.exact) {
      report.figures.emplace_back("var_" + at, level.exact.value);
      report.figures.emplace_back("var_low_" + at, level.exact.low);
      report.figures.emplace_back("var_high_" + at, level.exact.high);
      report.figures.emplace_back("tvar_" + at, level.tail_mean.value);
    }
    if (found.simulated) {
      report.figures.emplace_back("mc_var_" + at, level.simulated);
      report.figures.emplace_back("mc_low_" + at, level.low);
      report.figures.emplace_back("mc_high_" + at, level.high);
      report.figures.emplace_back("mc_tvar_" + at, level.simulated_tail);
    }
  }
  std::erase_if(report.figures, [](const auto& figure) { return std::isnan(figure.second); });
  if (params.limit > 0) report.figures.emplace_back("layer", found.layer.value);
  if (found.exact) report.figures.insert(report.figures.end(), {{"grid_step", found.step}, {"clipped", found.clipped}, {"beyond_grid", found.beyond}});
}

std::string verdict_of(const Params& params, const Quantified& found) {
  if (!(params.appetite > 0)) return "";
  for (const Level& level : found.tail) {
    if (level.p != params.appetite_level) continue;
    const double low = std::isnan(level.exact.low) ? level.low : level.exact.low;
    const double high = std::isnan(level.exact.high) ? level.high : level.exact.high;
    return high <= params.appetite ? "green" : low > params.appetite ? "red" : "yellow";
  }
  return "";
}

}  // namespace

void write_report(const Register& book, const Taxonomy& taxonomy, const Params& params, const Quantified& found, Report& report) {
  report.title = "What AI threats may cost";
  report.subtitle = "a register of " + std::to_string(book.risks.size()) + " risks, one year";
  report.verdict = verdict_of(params, found);
  report.facts = {{"method", "govern.threats"}, {"taxonomy", taxonomy.version}, {"risks", std::to_string(book.risks.size())}, {"engine", found.exact && found.simulated ? "exact and simulation" : found.exact ? "exact" : "simulation"},
                  {"dependence", std::string(stats::choices_of(params.dependence)[static_cast<std::size_t>(params.dependence)])}, {"controls in place", params.net ? "counted" : "not counted"}};
  machine_figures(params, found, report);
  headline(book, params, found, report);
  findings(book, report);
  curve(book, params, found, report);
  level_table(book, found, report);
  if (params.limit > 0)
    report.text("An insurance layer", "A layer of " + money(params.limit, book.currency) + " above " + money(params.retention, book.currency) + " pays " + money(found.layer.value, book.currency) + " in an average year" +
                                          (std::isnan(found.layer.low) ? "." : " (between " + money(found.layer.low, book.currency) + " and " + money(found.layer.high, book.currency) + ")."));
  risks(book, found, report);
  controls(book, found, report);
  domains(book, taxonomy, report);
  write_crosswalk(book, taxonomy, report);
}

}  // namespace plimsoll::govern::threats
