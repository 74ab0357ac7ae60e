// SPDX-License-Identifier: Apache-2.0
// The frozen policy at work: on rows, and event by event with sets that follow their misses (I. Gibbs, E. Candes, "Adaptive
// conformal inference under distribution shift", 2021): alpha_{t+1} = alpha_t + gamma (alpha - miss_t), the set at the calibration
// scores' quantile of level 1 - alpha_t; alpha_t <= 0 holds every option. The decision to abstain stays the policy's.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/conformal/abstain/abstain.h"

namespace plimsoll::conformal::abstain {
namespace {

Result<Table> answer_of(const Model& model, const Questions& questions, const std::vector<Answer>& answers) {
  std::vector<std::int32_t> actions;
  std::vector<std::int32_t> offsets = {0};
  std::vector<std::int32_t> codes;
  std::vector<double> single, set, abstain;
  std::vector<std::int64_t> imputed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Policy* policy = policy_of(model, questions.group.empty() ? std::string() : questions.group[i]);
    const Shares shares = policy ? shares_of(policy->thresholds(), model.params.slope, 1 - largest(questions.at(i))) : Shares{0, 0, 1};
    single.push_back(shares.single);
    set.push_back(shares.set);
    abstain.push_back(shares.abstain);
    imputed.push_back(questions.imputed[i]);
    actions.push_back(static_cast<std::int32_t>(answers[i].action));
    for (std::size_t c = 0; c < model.options.size(); ++c)
      if ((answers[i].mask >> c & 1) != 0) codes.push_back(static_cast<std::int32_t>(c));
    offsets.push_back(static_cast<std::int32_t>(codes.size()));
  }
  std::vector<std::string> names;
  for (const std::string_view name : choices_of(Action::single)) names.emplace_back(name);
  TableBuilder builder;
  builder.category("action", std::move(actions), std::move(names)).list_of_text("answer", std::move(offsets), std::move(codes), model.options);
  builder.real("p_single", std::move(single)).real("p_set", std::move(set)).real("p_abstain", std::move(abstain));
  if (!model.columns.logprobs.empty() || !model.columns.prompt.empty()) builder.integer("imputed", std::move(imputed));
  return std::move(builder).build();
}

std::vector<std::string> names_of(const Model& model, std::uint64_t mask) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < model.options.size(); ++c)
    if ((mask >> c & 1) != 0) names.push_back(model.options[c]);
  return names;
}

// The threshold of sets at a level that moves: the exact rank, and its ends.
double moving_threshold(const std::vector<double>& sorted, double level) {
  if (level <= 0) return std::numeric_limits<double>::infinity();
  if (level >= 1) return -std::numeric_limits<double>::infinity();
  const auto rank = static_cast<std::int64_t>(std::ceil(static_cast<double>(sorted.size() + 1) * (1 - level) * (1 - 4e-15)));
  if (rank > static_cast<std::int64_t>(sorted.size())) return std::numeric_limits<double>::infinity();
  return sorted[static_cast<std::size_t>(std::max<std::int64_t>(rank, 1) - 1)];
}

}  // namespace

const Policy* policy_of(const Model& model, const std::string& group) {
  const auto found = std::lower_bound(model.policies.begin(), model.policies.end(), group, [](const Policy& policy, const std::string& name) { return policy.group < name; });
  return found != model.policies.end() && found->group == group ? &*found : nullptr;
}

std::vector<Answer> decide(const Model& model, const Questions& questions, const Stream& stream) {
  std::vector<Answer> answers;
  answers.reserve(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Policy* policy = policy_of(model, questions.group.empty() ? std::string() : questions.group[i]);
    Answer answer;
    if (policy && (policy->certified || model.params.mode == Mode::paper)) {
      const auto p = questions.at(i);
      const Shares shares = shares_of(policy->thresholds(), model.params.slope, 1 - largest(p));
      Stream draw = stream.child(questions.keys[i]);
      answer.action = samples(model.params) ? drawn(shares, draw.uniform()) : likeliest(shares);
      if (answer.action == Action::single) answer.mask = std::uint64_t{1} << first_largest(p);
      if (answer.action == Action::set) answer.mask = set_at(p, policy->set);
    }
    answers.push_back(answer);
  }
  return answers;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const Read rows, read(context, inputs.data, Asking{model.params, model.options, inputs.endpoint, false}, model.columns));
  const std::vector<Answer> answers = decide(model, rows.questions, context.rng.child("conformal.abstain actions"));
  std::int64_t strangers = 0;
  for (const std::string& group : rows.questions.group) strangers += policy_of(model, group) ? 0 : 1;
  if (strangers > 0) context.tally("{} rows are of groups that the policy has not seen: it abstains.", strangers);
  PLIMSOLL_TRY(Table answer, answer_of(model, rows.questions, answers));
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, rows.questions.ids.empty() ? std::string() : rows.columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Row> step(Context& context, const Model& model, State& state, const Event& event) {
  PLIMSOLL_CHECK(context.stop.check());
  if (event.logits.size() != model.options.size())
    return Error(ErrorCode::bad_value, std::to_string(event.logits.size()) + " logits stand against " + std::to_string(model.options.size()) + " options", "Give one an option, in the order of the fit.").in_parameter("logits");
  std::vector<double> p = event.logits;
  if (!to_probabilities(p, model.params.probabilities)) return Error(ErrorCode::bad_value, "a logit is no number, or probabilities do not sum to one", "Give finite values.").in_parameter("logits");
  const Policy* policy = policy_of(model, event.group);
  if (!policy) return Error(ErrorCode::unknown_name, "the group '" + event.group + "' was not learned", "Name one of the fit's groups.").in_parameter("group");
  auto found = std::find_if(state.groups.begin(), state.groups.end(), [&](const GroupState& one) { return one.group == event.group; });
  if (found == state.groups.end()) found = state.groups.insert(found, GroupState{event.group, model.params.set_alpha, 0, 0});
  Row row;
  row.level = found->level;
  const double threshold = moving_threshold(policy->lac, found->level);
  const std::uint64_t set = set_at(p, threshold);
  const bool silent = model.params.mode == Mode::certified && !policy->certified;
  const Shares shares = shares_of(policy->thresholds(), model.params.slope, 1 - largest(p));
  Stream draw = context.rng.child("conformal.abstain actions").child(static_cast<std::uint64_t>(found->steps));
  const Action action = silent ? Action::abstain : samples(model.params) ? drawn(shares, draw.uniform()) : likeliest(shares);
  row.action = std::string(choices_of(action)[static_cast<std::size_t>(action)]);
  row.set = names_of(model, set);
  if (action != Action::abstain) row.answer = names_of(model, action == Action::single ? std::uint64_t{1} << first_largest(p) : set);
  if (event.answer.empty()) return row;
  const auto truth = std::find(model.options.begin(), model.options.end(), event.answer);
  if (truth == model.options.end()) return Error(ErrorCode::bad_value, "the answer '" + event.answer + "' is none of the options", "Give one of the options' names.").in_parameter("answer");
  row.covered = (set >> (truth - model.options.begin()) & 1) != 0;
  found->level += model.params.set_gamma * (model.params.set_alpha - (row.covered ? 0 : 1));
  ++found->steps;
  found->misses += row.covered ? 0 : 1;
  return row;
}

}  // namespace plimsoll::conformal::abstain
