// SPDX-License-Identifier: Apache-2.0
// Control of a bounded risk R(lambda) = E L(lambda), L in [0, B], by rows that the predictor has not learned from.
//   crc   A. Angelopoulos, S. Bates, A. Fisch, L. Lei, T. Schuster, "Conformal risk control" (2022), theorem 1: L does not rise with
//         lambda and lambda_hat = inf{lambda : (n Rbar(lambda) + B) / (n + 1) <= alpha}; then E L_{n+1}(lambda_hat) <= alpha.
//   rcps  S. Bates, A. Angelopoulos, L. Lei, J. Malik, M. Jordan, "Distribution-free, risk-controlling prediction sets" (2021):
//         the smallest lambda such that an upper bound at confidence 1 - delta lies below alpha there and at every larger lambda.
//   ltt   A. Angelopoulos, S. Bates, E. Candes, M. Jordan, L. Lei, "Learn then test" (2021): lambdas whose p-value of
//         R(lambda) > alpha is rejected by a procedure of family-wise error delta; several risks by the largest p-value.
// An upper bound at confidence 1 - delta lies below alpha exactly where the test's p-value is at most delta, so rcps is the fixed
// sequence of ltt from the most cautious end, and one code serves both. Where lambdas come from a grid, so does the answer: it is
// never less cautious than the published infimum. Tests and their sources: stats/risk_bounds.h.

#include "methods/conformal/riskcontrol/riskcontrol.h"

#include <array>

namespace plimsoll::conformal::riskcontrol {
namespace {

constexpr std::array<std::string_view, 5> loss_names = {"auto", "given", "miscoverage", "false_negative", "false_discovery"};
constexpr std::array<std::string_view, 3> procedure_names = {"crc", "rcps", "ltt"};
constexpr std::array<std::string_view, 6> test_names = {"auto", "hoeffding", "hoeffding_bentkus", "bernstein", "binomial", "betting"};
constexpr std::array<std::string_view, 4> family_names = {"fixed_sequence", "split_fixed_sequence", "bonferroni", "holm"};
constexpr std::array<std::string_view, 2> choose_names = {"smallest", "largest"};

constexpr std::array<RoleInfo, 6> fit_roles = {{{"loss", "loss of a row at each lambda: columns named NAME@LAMBDA", false, true},
                                                {"probability", "probability of each class", false, true},
                                                {"target", "the true class", false, false},
                                                {"label", "1 where a class is among the true ones, a column a class in the order of the probabilities", false, true},
                                                {"group", "rows that are one case together, as the pixels of a picture", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 3> apply_roles = {{{"probability", "probability of each class, if named otherwise than at fit", false, true},
                                                  {"loss", "losses as at fit, if they were given", false, true},
                                                  {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {{{"id", "identity of a row", false, false}}};

Error refuse(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::bad_parameter, what, mend).in_parameter(parameter); }

}  // namespace

std::span<const std::string_view> choices_of(Loss) { return loss_names; }
std::span<const std::string_view> choices_of(Procedure) { return procedure_names; }
std::span<const std::string_view> choices_of(Test) { return test_names; }
std::span<const std::string_view> choices_of(Family) { return family_names; }
std::span<const std::string_view> choices_of(Choose) { return choose_names; }

void describe(Fields& f, Params& p) {
  f({"alpha", "the level of each risk, in the losses' own unit", above(0)}, p.alpha);
  f({"bound", "no loss is above this", above(0)}, p.bound);
  f({"delta", "chance that the promise of rcps or ltt fails", between(0, 1)}, p.delta);
  f({"procedure", "crc: the expected loss is at most alpha; rcps, ltt: the risk is at most alpha with confidence 1 - delta"}, p.procedure);
  f({"test", "p-value of a risk above alpha; auto: binomial where every loss is 0 or the bound, else hoeffding_bentkus"}, p.test);
  f({"family", "how ltt tests many lambdas at once; sequences run from the largest lambda, or in the order of one half of the rows"}, p.family);
  f({"choose", "which of the lambdas that ltt certifies to take"}, p.choose);
  f({"losses", "computed risks of the sets {k : p_k >= 1 - lambda}: miscoverage, false_negative, false_discovery; empty: what the roles allow"}, p.losses);
  f({"grid", "number of lambdas between 0 and 1 for computed losses", within(2, 100001)}, p.grid);
  f({"monotonise", "replace each row's loss by its largest value at this lambda or beyond"}, p.monotonise);
  f({"prefix", "what the columns of probabilities begin with before the class name"}, p.prefix);
}

Result<void> check(const Params& p) {
  if (p.alpha.empty()) return refuse("'alpha' is empty", "Give a level a risk, such as 0.1.", "alpha");
  for (const double alpha : p.alpha)
    if (!(alpha > 0) || !(alpha < p.bound)) return refuse("a level lies outside (0, bound)", "Give levels between 0 and the largest loss.", "alpha");
  for (const std::string& name : p.losses)
    if (name != "miscoverage" && name != "false_negative" && name != "false_discovery")
      return refuse("'" + name + "' is no loss that can be computed", "Give miscoverage, false_negative or false_discovery, or bind the role loss.", "losses");
  if (!p.losses.empty() && p.bound != 1) return refuse("computed losses are at most 1", "Leave out the bound.", "bound");
  for (const std::string& name : p.losses)
    if (name == "false_discovery" && p.procedure != Procedure::ltt)
      return refuse("the share of false discoveries may rise with lambda, which " + std::string(procedure_names[static_cast<std::size_t>(p.procedure)]) + " does not allow", "Use --procedure ltt.", "procedure");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with losses, or with class probabilities and the truth, that the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from, to refuse their use here", learned_roles}, in.learned);
}
void describe(Fields& f, Columns& c) {
  f({"probability", "columns of class probabilities"}, c.probability);
  f({"label", "columns of true labels"}, c.label);
  f({"loss", "columns of losses"}, c.loss);
  f({"target", "column of the true class"}, c.target);
  f({"group", "column of the group"}, c.group);
  f({"id", "column of the identity"}, c.id);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"names", "names of the risks"}, m.names);
  f({"kinds", "how each loss is made"}, m.kinds);
  f({"classes", "class names"}, m.classes);
  f({"columns", "columns read"}, m.columns);
  f.tensor({"lambdas", "the grid, rising"}, m.lambdas);
  f.tensor({"risks", "mean losses, risks x lambdas"}, m.risks);
  f.tensor({"p_values", "largest p-value over the risks, one a lambda"}, m.p_values);
  f({"index", "place of lambda in the grid", at_least(0)}, m.index);
  f({"lambda", "the lambda whose risk is promised"}, m.lambda);
  f({"certified", "whether a lambda could be certified"}, m.certified);
  f({"test", "the test in use"}, m.test);
  f({"n", "rows or groups that certify", at_least(0)}, m.n);
  f({"overlap_remark", "what the fingerprints said"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "new rows", apply_roles}, in.data); }
void describe(Fields& f, Options& o) { f({"keep", "columns to keep beside the answer"}, o.keep); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "the set of each row; or its losses at the chosen lambda"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the model", {}, "conformal.riskcontrol"}, in.model);
  f(PortInfo{"data", "new rows with the truth", fit_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) { f({"confidence", "of the intervals around the risks", between(0, 1)}, p.confidence); }

extern constinit const Method entry = method("conformal.riskcontrol")
                                          .fit<&fit>(Law::B)
                                          .apply<&apply>(Rows::independent)
                                          .certify<&certify>()
                                          .assess<&assess>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::riskcontrol
