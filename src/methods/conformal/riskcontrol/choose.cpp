// SPDX-License-Identifier: Apache-2.0
// From sums of losses to the lambda whose risk is promised, and the sentence of the promise.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/number_text.h"
#include "learn/calibration_rows.h"
#include "methods/conformal/riskcontrol/riskcontrol.h"
#include "stats/multiple_testing.h"
#include "stats/risk_bounds.h"

namespace plimsoll::conformal::riskcontrol {
namespace {

Result<Test> test_of(const Risks& risks, const Params& params) {
  const bool binary = std::all_of(risks.sums.begin(), risks.sums.end(), [](const RiskSum& one) { return one.binary; });
  if (params.test == Test::automatic) return binary ? Test::binomial : Test::hoeffding_bentkus;
  if (params.test == Test::binomial && !binary)
    return Error(ErrorCode::bad_parameter, "the binomial test is for losses that are 0 or the bound", "Use --test hoeffding_bentkus.").in_parameter("test");
  return params.test;
}

double p_value(const Risks& risks, std::size_t cell, Test test, double level, double delta) {
  const RiskSum& one = risks.sums[cell];
  const double sum = one.sum.value();
  const std::int64_t n = risks.units;
  switch (test) {
    case Test::hoeffding: return stats::hoeffding_p(sum, n, level);
    case Test::bernstein: {
      const auto count = static_cast<double>(n);
      const double variance = n > 1 ? std::max(0.0, (one.squares.value() - sum * (sum / count)) / (count - 1)) : 0;
      return stats::empirical_bernstein_p(sum / count, variance, n, level);
    }
    case Test::binomial: return stats::binomial_p(one.ones, n, level);
    case Test::betting: return stats::betting_p(risks.columns[cell], level, delta);
    default: return stats::hoeffding_bentkus_p(sum, n, level);
  }
}

// The largest over the risks: small only if every risk is surely under its level.
std::vector<double> p_values(const Risks& risks, const Plan& plan, const Params& params, Test test) {
  const std::size_t width = plan.lambdas.size();
  std::vector<double> p(width, 0.0);
  for (std::size_t r = 0; r < plan.losses.size(); ++r)
    for (std::size_t j = 0; j < width; ++j) p[j] = std::max(p[j], p_value(risks, r * width + j, test, params.alpha[r] / params.bound, params.delta));
  return p;
}

// Rejections along an order, up to the first that fails.
std::vector<std::size_t> in_sequence(const std::vector<double>& p, const std::vector<std::size_t>& order, double delta) {
  std::vector<std::size_t> rejected;
  for (const std::size_t j : order) {
    if (!(p[j] <= delta)) break;
    rejected.push_back(j);
  }
  return rejected;
}

std::vector<std::size_t> falling_order(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::reverse(order.begin(), order.end());
  return order;
}

bool splits(const Params& params) { return params.procedure == Procedure::ltt && params.family == Family::split_fixed_sequence; }

struct Certified {
  std::vector<std::size_t> lambdas;
  std::vector<double> p;
};

std::vector<std::size_t> certified_by_crc(const Risks& risks, const Plan& plan, const Params& params) {
  const std::size_t width = plan.lambdas.size();
  const auto n = static_cast<double>(risks.units);
  std::vector<std::size_t> good;
  for (std::size_t j = width; j-- > 0;) {
    for (std::size_t r = 0; r < plan.losses.size(); ++r) {
      // The slack is relative and only for the rounding of alpha.
      const double level = params.alpha[r] / params.bound;
      if (risks.sums[r * width + j].sum.value() + 1 > level * (n + 1) * (1 + 4e-15)) return good;
    }
    good.push_back(j);
  }
  return good;
}

Result<Certified> certified_by_tests(Context& context, const Table& data, const Risks& risks, const Plan& plan, const Params& params, Test test) {
  Certified found;
  found.p = p_values(risks, plan, params, test);
  std::vector<std::size_t> order = falling_order(plan.lambdas.size());
  if (splits(params)) {
    PLIMSOLL_TRY(const Risks first, read_risks(context, data, plan, params, Reading{test == Test::betting, false, 0}));
    const std::vector<double> guess = first.units > 0 ? p_values(first, plan, params, test) : std::vector<double>(plan.lambdas.size(), 1.0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return guess[a] < guess[b]; });
  }
  if (params.procedure == Procedure::ltt && params.family == Family::bonferroni) {
    for (std::size_t j = 0; j < found.p.size(); ++j)
      if (found.p[j] * static_cast<double>(found.p.size()) <= params.delta) found.lambdas.push_back(j);
  } else if (params.procedure == Procedure::ltt && params.family == Family::holm) {
    found.lambdas = stats::holm(found.p, params.delta);
  } else {
    found.lambdas = in_sequence(found.p, order, params.delta);
  }
  return found;
}

}  // namespace

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const Plan plan, plan_of(inputs.data, params));
  Model model;
  PLIMSOLL_TRY(learn::CalibrationRows noted, learn::note_calibration(context, inputs.data, inputs.learned));
  model.fingerprint = std::move(noted.fingerprint);
  model.overlap_remark = std::move(noted.overlap_remark);
  const Reading reading{params.test == Test::betting, params.procedure != Procedure::ltt, splits(params) ? 1 : 2};
  PLIMSOLL_TRY(const Risks risks, read_risks(context, inputs.data, plan, params, reading));
  if (risks.units == 0) return Error(ErrorCode::too_few_rows, "no row is left to certify", "Give more rows with their losses.").in_parameter("data");
  std::vector<std::size_t> good;
  if (params.procedure == Procedure::crc) {
    good = certified_by_crc(risks, plan, params);
    model.test = "crc";
  } else {
    PLIMSOLL_TRY(const Test test, test_of(risks, params));
    PLIMSOLL_TRY(Certified found, certified_by_tests(context, inputs.data, risks, plan, params, test));
    good = std::move(found.lambdas);
    model.p_values = std::move(found.p);
    model.test = choices_of(test)[static_cast<std::size_t>(test)];
  }
  model.params = params;
  model.names = plan.names;
  for (const Loss loss : plan.losses) model.kinds.emplace_back(choices_of(loss)[static_cast<std::size_t>(loss)]);
  model.classes = plan.classes;
  model.columns = plan.columns;
  model.lambdas = plan.lambdas;
  model.n = risks.units;
  for (const RiskSum& one : risks.sums) model.risks.push_back(params.bound * (one.sum.value() / static_cast<double>(risks.units)));
  model.certified = !good.empty();
  const bool largest = params.procedure == Procedure::ltt && params.choose == Choose::largest;
  model.index = static_cast<std::int64_t>(good.empty() ? plan.lambdas.size() - 1 : largest ? *std::max_element(good.begin(), good.end()) : *std::min_element(good.begin(), good.end()));
  model.lambda = model.lambdas[static_cast<std::size_t>(model.index)];
  if (!model.certified) context.warn("No lambda of the grid keeps the promise with " + std::to_string(model.n) + " rows: the largest one, " + number_text(model.lambda) + ", is taken and nothing is promised. More rows or a higher alpha help.");
  return model;
}

Result<void> sound(const Model& model) {
  const std::size_t width = model.lambdas.size();
  const bool sizes = width > 0 && !model.names.empty() && model.kinds.size() == model.names.size() && model.params.alpha.size() == model.names.size() &&
                     model.risks.size() == width * model.names.size() && static_cast<std::size_t>(model.index) < width && std::is_sorted(model.lambdas.begin(), model.lambdas.end());
  const bool given = !model.columns.loss.empty();
  const bool columns = given ? model.columns.loss.size() == width * model.names.size() : model.columns.probability.size() == model.classes.size() && !model.classes.empty();
  const auto known = choices_of(Loss{});
  const bool kinds = std::all_of(model.kinds.begin(), model.kinds.end(), [&](const std::string& kind) { return std::find(known.begin() + 1, known.end(), kind) != known.end() && (kind == "given") == given; });
  if (sizes && columns && kinds && std::isfinite(model.lambda)) return {};
  return Error(ErrorCode::corrupt_file, "the parts of the model do not fit together", "Fit the model again.");
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  Certificate certificate;
  const bool crc = model.params.procedure == Procedure::crc;
  certificate.template_id = crc ? "risk.expected" : "risk.confident";
  std::string risks;
  for (std::size_t r = 0; r < model.names.size(); ++r) {
    risks += (r == 0 ? "" : r + 1 == model.names.size() ? " and " : ", ") + ("the expected loss '" + model.names[r] + "' is at most " + number_text(model.params.alpha[r]));
    certificate.values["alpha." + model.names[r]] = model.params.alpha[r];
    certificate.values["risk." + model.names[r]] = model.risks[r * model.lambdas.size() + static_cast<std::size_t>(model.index)];
  }
  const std::string unit = model.columns.group.empty() ? "row" : "group";
  certificate.promise = crc ? "At lambda " + number_text(model.lambda) + " " + risks + " for a new " + unit + " exchangeable with the " + std::to_string(model.n) + " of the calibration; the expectation is over their drawing and the new one's together."
                            : "With probability at least " + number_text(1 - model.params.delta) + " over the drawing of the " + std::to_string(model.n) + " calibration " + unit + "s, at lambda " + number_text(model.lambda) + " " + risks + ".";
  certificate.values["lambda"] = model.lambda;
  certificate.values["delta"] = crc ? 0 : model.params.delta;
  certificate.level = crc ? 1 - model.params.alpha.front() / model.params.bound : 1 - model.params.delta;
  certificate.delta = crc ? 0 : model.params.delta;
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {crc ? "calibration rows and new ones are exchangeable" : "calibration rows are independent and drawn as new ones are", "the predictor has not learned from the calibration rows", "losses lie between 0 and " + number_text(model.params.bound), "the grid of lambdas was fixed before looking at the losses"};
  certificate.vacuous = !model.certified;
  if (!model.certified) certificate.remarks.push_back("No lambda could be certified; the most cautious one stands here and nothing is promised of it.");
  if (!crc) certificate.remarks.push_back("Test: " + model.test + "; p-value " + number_text(model.p_values.empty() ? 1 : model.p_values[static_cast<std::size_t>(model.index)]) + ".");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  certificate.falsified_by = "plimsoll prove conformal.riskcontrol";
  return certificate;
}

}  // namespace plimsoll::conformal::riskcontrol
