// SPDX-License-Identifier: Apache-2.0
// Rows are parted: some give the order statistics, some the cost that the policy is learned by, some certify. Each row goes where
// a draw keyed by its id (or its number) sends it. The certificate: policies ordered from always abstaining to the learned one are
// tested in turn by the exact binomial tail at (rho, delta / groups) and the last that passes is taken (fixed-sequence Learn-then-Test,
// A. Angelopoulos, S. Bates, E. Candes, M. Jordan, L. Lei 2021). For the selective risk the sequence begins where the learning rows say
// that twice the least number of answers will be there: what those rows say is fixed before the certifying ones are seen.

#include <algorithm>
#include <cmath>
#include <map>

#include "base/number_text.h"
#include "engine/door.h"
#include "learn/class_scores.h"
#include "methods/conformal/abstain/abstain.h"
#include "stats/risk_bounds.h"
#include "table/fingerprint.h"

namespace plimsoll::conformal::abstain {
namespace {

enum class Part : std::uint8_t { calibration, learning, certifying };

// Rows of one group.
struct Parts {
  Learning calibration, learning, certifying;
  std::vector<std::uint64_t> keys;  // of the certifying rows
};

void put(Learning& into, const Questions& questions, std::size_t i) {
  into.options = questions.options;
  const auto p = questions.at(i);
  into.p.insert(into.p.end(), p.begin(), p.end());
  into.answer.push_back(questions.answer[i]);
}

std::string group_at(const Questions& questions, std::size_t i) { return questions.group.empty() ? std::string() : questions.group[i]; }

struct Sources {
  Read data;
  std::optional<Read> certify, reported;
};

std::map<std::string, Parts> part_rows(const Sources& sources, const Params& params, const Stream& root) {
  std::map<std::string, Parts> parts;
  const Questions& data = sources.data.questions;
  const bool cut = params.mode == Mode::certified && !sources.certify;
  for (std::size_t i = 0; i < data.size(); ++i) {
    Stream stream = root.child(data.keys[i]);
    const bool certifying = stream.uniform() < params.certify_share && cut;
    const bool calibration = stream.uniform() < params.cal_ratio;
    Parts& group = parts[group_at(data, i)];
    if (certifying) group.keys.push_back(data.keys[i]);
    // Where the rows to be reported are given, they alone are learned by.
    if (!certifying && !calibration && sources.reported) continue;
    put(certifying ? group.certifying : calibration ? group.calibration : group.learning, data, i);
  }
  if (sources.certify)
    for (std::size_t i = 0; i < sources.certify->questions.size(); ++i) {
      Parts& group = parts[group_at(sources.certify->questions, i)];
      put(group.certifying, sources.certify->questions, i);
      group.keys.push_back(sources.certify->questions.keys[i]);
    }
  if (sources.reported)
    for (std::size_t i = 0; i < sources.reported->questions.size(); ++i) put(parts[group_at(sources.reported->questions, i)].learning, sources.reported->questions, i);
  return parts;
}

std::vector<double> class_scores(const Learning& rows, learn::ClassScore score) {
  std::vector<std::vector<double>> columns(rows.options, std::vector<double>(rows.size()));
  std::vector<std::span<const double>> spans;
  for (std::size_t c = 0; c < rows.options; ++c) {
    for (std::size_t i = 0; i < rows.size(); ++i) columns[c][i] = rows.p[i * rows.options + c];
    spans.push_back(columns[c]);
  }
  learn::ClassScoreOptions options;
  options.score = score;
  std::vector<double> scores(rows.size());
  learn::score_labels(options, spans, rows.answer, {}, scores);
  std::sort(scores.begin(), scores.end());
  return scores;
}

Action act(const Params& params, const Thresholds& thresholds, std::span<const double> p, std::uint64_t key, const Stream& draws) {
  const Shares shares = shares_of(thresholds, params.slope, 1 - largest(p));
  if (!samples(params)) return likeliest(shares);
  Stream stream = draws.child(key);
  return drawn(shares, stream.uniform());
}

struct Tally {
  std::int64_t answered = 0, misses = 0;
};

Tally tally(const Params& params, const Learning& rows, const std::vector<std::uint64_t>& keys, const Thresholds& thresholds, const Stream& draws) {
  Tally seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto p = rows.at(i);
    const Action action = act(params, thresholds, p, keys.empty() ? i : keys[i], draws);
    if (action == Action::abstain) continue;
    ++seen.answered;
    const std::uint64_t mask = action == Action::single ? std::uint64_t{1} << first_largest(p) : set_at(p, thresholds.set);
    seen.misses += (mask >> rows.answer[i] & 1) != 0 ? 0 : 1;
  }
  return seen;
}

// The first step at which the learning rows promise enough answers to certify a selective risk.
std::int64_t first_step(const Params& params, const Parts& parts, const Policy& policy, double delta, const Stream& draws) {
  if (params.risk == Risk::joint) return caution_steps;
  const double needed = 2 * std::ceil(std::log(delta) / std::log1p(-params.rho));
  for (std::int64_t step = caution_steps; step > 0; --step) {
    const Tally seen = tally(params, parts.learning, {}, at_caution(policy, step), draws);
    const double share = parts.learning.size() == 0 ? 0 : static_cast<double>(seen.answered) / static_cast<double>(parts.learning.size());
    if (share * static_cast<double>(parts.certifying.size()) >= needed) return step;
  }
  return 0;
}

void certify_policy(const Params& params, const Parts& parts, Policy& policy, double delta, const Stream& draws) {
  policy.certifying = static_cast<std::int64_t>(parts.certifying.size());
  policy.step = caution_steps;
  for (std::int64_t step = first_step(params, parts, policy, delta, draws); step >= 0; --step) {
    const Tally seen = tally(params, parts.certifying, parts.keys, at_caution(policy, step), draws);
    const double p = stats::binomial_p(seen.misses, params.risk == Risk::joint ? policy.certifying : seen.answered, params.rho);
    if (!(p <= delta)) break;
    policy.certified = true;
    policy.step = step;
    policy.p_value = p;
    policy.misses = seen.misses;
    policy.answered = seen.answered;
  }
  policy.shift = at_caution(policy, policy.step).shift;
}

Result<Policy> learn_policy(Context& context, const Params& params, const std::string& name, const Parts& parts, double alpha, double beta) {
  Policy policy;
  policy.group = name;
  policy.calibration = static_cast<std::int64_t>(parts.calibration.size());
  policy.learning = static_cast<std::int64_t>(parts.learning.size());
  const std::string where = name.empty() ? "" : " of the group '" + name + "'";
  if (policy.calibration == 0 || policy.learning == 0) return Error(ErrorCode::too_few_rows, std::string("no rows are left to ") + (policy.calibration == 0 ? "calibrate" : "learn by") + where, "Give more rows.").in_parameter("data");
  policy.lac = class_scores(parts.calibration, learn::ClassScore::lac);
  policy.aps = class_scores(parts.calibration, learn::ClassScore::aps);
  policy.raps = class_scores(parts.calibration, learn::ClassScore::raps);
  const Quantiles quantiles{policy.lac, params.mode == Mode::paper};
  if (static_cast<double>(policy.calibration + 1) * params.beta_low < 1)
    context.warn("With " + std::to_string(policy.calibration) + " calibration rows" + where + " the threshold of sets is their largest score for beta near " + number_text(params.beta_low) + "; " + std::to_string(static_cast<std::int64_t>(std::ceil(1 / params.beta_low)) - 1) + " rows are needed.");
  Learned learned;
  if (params.optimizer == Optimizer::reinforce) {
    PLIMSOLL_TRY(learned, reinforce(context, params, quantiles, parts.learning, alpha, beta, context.rng.child("conformal.abstain reinforce").child(name)));
  } else {
    PLIMSOLL_TRY(learned, sweep(context, params, quantiles, parts.learning));
  }
  policy.alpha = learned.alpha;
  policy.beta = learned.beta;
  policy.cost = learned.cost;
  policy.trace = std::move(learned.trace);
  policy.single = quantiles.at(policy.alpha);
  policy.set = quantiles.at(policy.beta);
  if (policy.single >= policy.set) context.warn("The threshold of single answers" + where + " is not below that of sets: hardly a set will be given. Give beta well below alpha.");
  return policy;
}

// Every table's rows against every other's.
Result<void> refuse_overlap(Context& context, const Inputs& inputs, Model& model) {
  RowFingerprint data;
  PLIMSOLL_CHECK(data.add(inputs.data));
  RowFingerprint all = data;
  if (inputs.certify) {
    RowFingerprint certify;
    PLIMSOLL_CHECK(certify.add(*inputs.certify));
    std::string remark;
    PLIMSOLL_CHECK(check_overlap(context, data, "learning", certify, "certification", &remark));
    all.merge(certify);
  }
  model.fingerprint = all.to_bytes();
  return {};
}

}  // namespace

Thresholds at_caution(const Policy& policy, std::int64_t step) {
  Thresholds thresholds = policy.thresholds();
  thresholds.shift = (policy.single + policy.set) * static_cast<double>(step) / static_cast<double>(caution_steps);
  return thresholds;
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  if (inputs.reported && params.mode == Mode::certified)
    return Error(ErrorCode::bad_parameter, "learning on the rows that will be reported is the published code's leak and allows no certificate", "Use --mode paper, or leave out --reported.").in_parameter("reported");
  Model model;
  model.params = params;
  model.leaked = inputs.reported.has_value();
  Sources sources;
  PLIMSOLL_TRY(sources.data, read(context, inputs.data, Asking{params, {}, inputs.endpoint, true}, {}));
  model.columns = sources.data.columns;
  model.options = sources.data.options;
  const Asking again{params, model.options, inputs.endpoint, true};
  if (inputs.certify) {
    PLIMSOLL_TRY(sources.certify, read(context, *inputs.certify, again, model.columns));
  }
  if (inputs.reported) {
    PLIMSOLL_TRY(sources.reported, read(context, *inputs.reported, again, model.columns));
  }
  PLIMSOLL_CHECK(refuse_overlap(context, inputs, model));
  const std::map<std::string, Parts> parts = part_rows(sources, params, context.rng.child("conformal.abstain rows"));
  const Stream draws = context.rng.child("conformal.abstain actions");
  const double delta = params.delta / static_cast<double>(std::max<std::size_t>(1, parts.size()));
  double alpha = params.alpha0;
  double beta = params.beta0;
  for (const auto& [name, rows] : parts) {
    PLIMSOLL_TRY(Policy policy, learn_policy(context, params, name, rows, alpha, beta));
    if (params.carry_over) {
      alpha = policy.alpha;
      beta = policy.beta;
    }
    if (params.mode == Mode::certified) certify_policy(params, rows, policy, delta, draws);
    model.n += params.mode == Mode::certified ? policy.certifying : policy.calibration;
    model.policies.push_back(std::move(policy));
  }
  if (model.policies.empty()) return Error(ErrorCode::too_few_rows, "there are no rows", "Give questions with their answers.").in_parameter("data");
  return model;
}

Result<Certificate> certify(const Model& model) {
  const Params& params = model.params;
  Certificate certificate;
  certificate.n = model.n;
  certificate.values = {{"rho", params.rho}, {"delta", params.delta}, {"groups", static_cast<double>(model.policies.size())}};
  certificate.falsified_by = "plimsoll prove conformal.abstain";
  if (params.mode == Mode::paper) {
    certificate.template_id = "abstention.uncertified";
    certificate.promise = "Nothing is promised in finite samples: thresholds were learned by a cost, and no rows certify them.";
    certificate.exactness = Exactness::heuristic;
    certificate.vacuous = true;
    if (model.leaked) certificate.remarks.push_back("The policy was learned on the rows that it is to be reported on.");
    return certificate;
  }
  const bool joint = params.risk == Risk::joint;
  certificate.template_id = joint ? "risk.abstention" : "risk.selective";
  certificate.level = 1 - params.rho;
  certificate.delta = params.delta;
  certificate.promise = std::string(joint ? "The chance that a new question is answered and the answer or set misses the truth" : "Of answered questions, the share whose answer or set misses the truth") + " is at most " + number_text(params.rho) + (model.policies.size() > 1 ? ", in every group at once," : "") + " with confidence " + number_text(1 - params.delta) + " over the certifying rows.";
  certificate.assumptions = {"certifying and new questions are drawn alike and independently", "the thresholds were learned before the certifying rows were seen"};
  if (samples(params)) certificate.assumptions.push_back("actions are drawn anew for each question");
  for (const Policy& policy : model.policies) {
    if (policy.certified) continue;
    certificate.remarks.push_back((policy.group.empty() ? std::string("No policy") : "In the group '" + policy.group + "' no policy") + " could be certified: every question is abstained from.");
    certificate.vacuous = certificate.vacuous || model.policies.size() == 1;
  }
  return certificate;
}

}  // namespace plimsoll::conformal::abstain
