// SPDX-License-Identifier: Apache-2.0
// Abstention policies for multiple-choice answers of a language model: "Learning conformal abstention policies for adaptive risk
// management in large language and vision-language models" (2025, arXiv 2502.06884). Two order statistics of 1 - p[answer] decide
// between one answer, a set and none; the paper moves their levels alpha and beta by a policy gradient on a cost.
// Departures: the cost's expectation has a closed form, so its optimum on the box of (alpha, beta) is a sweep (policy.cpp); the
// published learner stands beside it (reinforce.cpp). A certified mode freezes the learned policy and makes it as cautious as separate
// rows ask (fit.cpp). Answers are counted honestly, and by the paper's conventions for comparison (measures.cpp).

#include "methods/conformal/abstain/abstain.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace plimsoll::conformal::abstain {
namespace {

constexpr std::array<std::string_view, 2> mode_names = {"certified", "paper"};
constexpr std::array<std::string_view, 3> optimizer_names = {"grid", "exact", "reinforce"};
constexpr std::array<std::string_view, 2> reward_names = {"expected", "sampled"};
constexpr std::array<std::string_view, 3> rule_names = {"auto", "argmax", "sample"};
constexpr std::array<std::string_view, 2> risk_names = {"joint", "selective"};
constexpr std::array<std::string_view, 3> action_names = {"single", "set", "abstain"};

constexpr std::array<RoleInfo, 6> fit_roles = {{{"logit", "logit or log-probability of each option, a column an option", false, true},
                                                {"logprobs", "recorded log-probabilities by token, as JSON", false, false},
                                                {"text", "what an endpoint is asked", false, false},
                                                {"target", "the right option", true, false},
                                                {"group", "rows with a policy of their own, as a task", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 5> apply_roles = {{{"logit", "logits, if named otherwise than at fit", false, true},
                                                  {"logprobs", "recorded log-probabilities by token, as JSON", false, false},
                                                  {"text", "what an endpoint is asked", false, false},
                                                  {"group", "as at fit", false, false},
                                                  {"id", "identity of a row", false, false}}};

Error refuse(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::bad_parameter, what, mend).in_parameter(parameter); }

}  // namespace

std::span<const std::string_view> choices_of(Mode) { return mode_names; }
std::span<const std::string_view> choices_of(Optimizer) { return optimizer_names; }
std::span<const std::string_view> choices_of(Reward) { return reward_names; }
std::span<const std::string_view> choices_of(ActionRule) { return rule_names; }
std::span<const std::string_view> choices_of(Risk) { return risk_names; }
std::span<const std::string_view> choices_of(Action) { return action_names; }

void describe(Fields& f, CostWeights& w) {
  f({"size", "of the mean number of options of a set"}, w.size);
  f({"abstention", "of the share abstained from"}, w.abstention);
  f({"answer", "reward of the share answered"}, w.answer);
  f({"diversity", "reward of the entropy of the three shares"}, w.diversity);
  f({"single", "of single answers beyond a share of 0.8"}, w.single);
}
void describe(Fields& f, Params& p) {
  f({"mode", "certified: a promise by separate rows; paper: thresholds as published, no promise"}, p.mode);
  f({"risk", "certified: joint, answered and missed; selective, missed among answered"}, p.risk);
  f({"rho", "largest risk", between(0, 1)}, p.rho);
  f({"delta", "chance that the promise fails", between(0, 1)}, p.delta);
  f({"optimizer", "grid: 16 x 9 pairs of thresholds; exact: every pair; reinforce: the published policy gradient"}, p.optimizer);
  f({"reward", "of reinforce: the expected cost, or that of drawn actions as published"}, p.reward);
  f({"action_rule", "take the likeliest action or draw it; auto: the likeliest if certified, drawn in paper mode"}, p.action_rule);
  f({"alpha0", "where reinforce begins", between(0, 1)}, p.alpha0);
  f({"beta0", "where reinforce begins", between(0, 1)}, p.beta0);
  f({"alpha_low", "of the box of thresholds", between(0, 1)}, p.alpha_low);
  f({"alpha_high", "of the box of thresholds", between(0, 1)}, p.alpha_high);
  f({"beta_low", "of the box of thresholds", between(0, 1)}, p.beta_low);
  f({"beta_high", "of the box of thresholds", between(0, 1)}, p.beta_high);
  f({"learning_rate", "of reinforce", above(0)}, p.learning_rate);
  f({"epochs", "of reinforce", within(1, 1'000'000)}, p.epochs);
  f({"step", "how far an action moves alpha and beta", above(0)}, p.step);
  f({"slope", "of the three probabilities of actions", above(0)}, p.slope);
  f({"cost", "weights of the cost"}, p.cost);
  f({"cal_ratio", "share of learning rows that gives the order statistics", between(0, 1)}, p.cal_ratio);
  f({"certify_share", "share of rows kept to certify, unless a table of them is given", between(0, 1)}, p.certify_share);
  f({"carry_over", "reinforce: begin each group where the last one ended, as the published loop does"}, p.carry_over);
  f({"set_alpha", "step: share of sets that miss", between(0, 1)}, p.set_alpha);
  f({"set_gamma", "step: how far a miss moves the level", above(0)}, p.set_gamma);
  f({"probabilities", "the columns hold probabilities, not logits"}, p.probabilities);
  f({"prefix", "what the columns begin with before the option's name"}, p.prefix);
  f({"options", "names of the options in recorded lists and for an endpoint"}, p.options);
}

bool samples(const Params& p) { return p.action_rule == ActionRule::sample || (p.action_rule == ActionRule::automatic && p.mode == Mode::paper); }

Result<void> check(const Params& p) {
  for (const auto& [name, value] : {std::pair{"alpha0", p.alpha0}, {"beta0", p.beta0}, {"alpha_low", p.alpha_low}, {"alpha_high", p.alpha_high}, {"beta_low", p.beta_low}, {"beta_high", p.beta_high}})
    if (!(value > 0 && value < 1)) return refuse("'" + std::string(name) + "' lies outside (0, 1)", "Give a level between 0 and 1.", name);
  if (p.alpha_low > p.alpha_high) return refuse("the box of alpha is empty", "Give alpha_low up to alpha_high.", "alpha_low");
  if (p.beta_low > p.beta_high) return refuse("the box of beta is empty", "Give beta_low up to beta_high.", "beta_low");
  if (p.carry_over && p.optimizer != Optimizer::reinforce) return refuse("only reinforce carries thresholds over", "Use --optimizer reinforce.", "carry_over");
  std::vector<std::string> names = p.options;
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return refuse("an option is named twice", "Name each once.", "options");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "questions with logits and answers to learn by; and to certify, unless rows are given for that", fit_roles}, in.data);
  f(PortInfo{"certify", "questions that certify, unseen in learning", fit_roles}, in.certify);
  f(PortInfo{"reported", "paper mode: the questions that will be reported, to learn on them as the published code does", fit_roles}, in.reported);
  f(PortInfo{"endpoint", "a language model that answers each text by one token with log-probabilities"}, in.endpoint);
}
void describe(Fields& f, Columns& c) {
  f({"logit", "columns of logits"}, c.logit);
  f({"logprobs", "column of recorded lists"}, c.logprobs);
  f({"prompt", "column of texts"}, c.prompt);
  f({"target", "column of the answer"}, c.target);
  f({"group", "column of the group"}, c.group);
  f({"id", "column of the identity"}, c.id);
}
void describe(Fields& f, Policy& p) {
  f({"group", "rows it is for"}, p.group);
  f({"alpha", "level of single answers"}, p.alpha);
  f({"beta", "level of sets"}, p.beta);
  f({"single", "threshold of single answers"}, p.single);
  f({"set", "threshold of sets"}, p.set);
  f({"shift", "by how much abstention begins earlier"}, p.shift);
  f({"cost", "expected cost on the learning rows"}, p.cost);
  f({"step", "of caution", within(0, caution_steps)}, p.step);
  f({"certified", "whether a policy passed the test"}, p.certified);
  f({"p_value", "of the test"}, p.p_value);
  f({"calibration", "rows", at_least(0)}, p.calibration);
  f({"learning", "rows", at_least(0)}, p.learning);
  f({"certifying", "rows", at_least(0)}, p.certifying);
  f({"misses", "of the certifying rows", at_least(0)}, p.misses);
  f({"answered", "of the certifying rows", at_least(0)}, p.answered);
  f.tensor({"trace", "cost by epoch"}, p.trace);
  f.tensor({"lac", "sorted calibration scores"}, p.lac);
  f.tensor({"aps", "sorted calibration scores"}, p.aps);
  f.tensor({"raps", "sorted calibration scores"}, p.raps);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f({"options", "options in the order of the columns"}, m.options);
  f({"policies", "one, or one a group by name"}, m.policies);
  f({"leaked", "whether it was learned on the rows to be reported"}, m.leaked);
  f({"n", "rows that certify", at_least(0)}, m.n);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}

Result<void> sound(const Model& model) {
  const auto corrupt = [](const std::string& what) { return Error(ErrorCode::corrupt_file, what, "Fit the model again."); };
  if (model.options.size() < 2 || model.options.size() > 64) return corrupt("the model has no options, or too many");
  for (std::size_t g = 0; g < model.policies.size(); ++g) {
    const Policy& policy = model.policies[g];
    if (g > 0 && !(model.policies[g - 1].group < policy.group)) return corrupt("the model's groups are not in order");
    if (!std::isfinite(policy.single) || !std::isfinite(policy.set) || !std::isfinite(policy.shift)) return corrupt("a threshold of the model is no number");
    for (const std::vector<double>* scores : {&policy.lac, &policy.aps, &policy.raps})
      if (scores->empty() || !std::is_sorted(scores->begin(), scores->end()) || !std::isfinite(scores->front()) || !std::isfinite(scores->back())) return corrupt("calibration scores of the model are missing or out of order");
  }
  if (model.policies.empty()) return corrupt("the model has no policy");
  return check(model.params);
}

void describe(Fields& f, ApplyInputs& in) {
  f(PortInfo{"data", "questions", apply_roles}, in.data);
  f(PortInfo{"endpoint", "the language model, if the fit asked one"}, in.endpoint);
}
void describe(Fields& f, Options& o) { f({"keep", "columns to keep beside the answer"}, o.keep); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "action, answer and probabilities of the three actions"}, out.rows); }
void describe(Fields& f, Event& e) {
  f({"logits", "of the options, in the order of the fit"}, e.logits);
  f({"group", "as at fit"}, e.group);
  f({"answer", "the right option, once known; empty: only decide"}, e.answer);
}
void describe(Fields& f, Row& r) {
  f({"action", "single, set or abstain"}, r.action);
  f({"answer", "what is answered"}, r.answer);
  f({"set", "the set that follows its misses"}, r.set);
  f({"level", "of the set, as it was used", any_real()}, r.level);
  f({"covered", "whether the set held the answer"}, r.covered);
}
void describe(Fields& f, GroupState& s) {
  f({"group", "as at fit"}, s.group);
  f({"level", "of the next set", any_real()}, s.level);
  f({"steps", "events with the answer", at_least(0)}, s.steps);
  f({"misses", "of them missed by the set", at_least(0)}, s.misses);
}
void describe(Fields& f, State& s) { f({"groups", "levels by group"}, s.groups); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the model", {}, "conformal.abstain"}, in.model);
  f(PortInfo{"data", "new questions with their answers", fit_roles}, in.data);
  f(PortInfo{"endpoint", "the language model, if the fit asked one"}, in.endpoint);
}
void describe(Fields& f, AssessParams& p) {
  f({"confidence", "of the interval around the certified risk", between(0, 1)}, p.confidence);
  f({"alpha", "miscoverage of the plain sets beside the policy", between(0, 1)}, p.alpha);
}

namespace {
bool draws(const Model& model, const Options&) { return samples(model.params); }
}  // namespace

extern constinit const Method entry = method("conformal.abstain")
                                          .fit<&fit>(Law::B)
                                          .apply<&apply>(Rows::independent)
                                          .step<&step>()
                                          .assess<&assess>()
                                          .certify<&certify>()
                                          .draws_in_apply<&draws>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::abstain
