// SPDX-License-Identifier: Apache-2.0
// Calibration of class probabilities. Maps of all classes together stand in learn/softmax_map.h (temperature, bias-corrected temperature,
// vector, Dirichlet with off-diagonal and intercept regularisation); maps of one class against the rest in learn/calibrator.h, followed
// by normalising, which breaks the class-wise calibration of the single maps and is said so (Zadrozny and Elkan 2002; Kull et al. 2019).
// top_label calibrates the confidence of the predicted class alone (Gupta and Ramdas 2022).
// Here: what the method is; rows.cpp reads, fit.cpp learns and applies, assess.cpp measures.
#include "methods/calibrate/multiclass/multiclass.h"

#include <array>

namespace plimsoll::calibrate::multiclass {
namespace {

constexpr std::array<std::string_view, 12> map_names = {"auto", "identity", "temperature", "bias_temperature", "vector", "dirichlet", "platt", "beta", "isotonic", "histogram", "bbq", "venn_abers"};
constexpr std::array<std::string_view, 2> target_names = {"classwise", "top_label"};
constexpr std::array<RoleInfo, 4> fit_roles = {{{"probability", "class probabilities (per cents, logits), one column a class", true, true},
                                                {"target", "the true class", true, false},
                                                {"weight", "weight of a row", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 2> apply_roles = {{{"probability", "class probabilities, one column a class", false, true}, {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 4> assess_roles = {{{"probability", "class probabilities, one column a class", false, true},
                                                   {"target", "the true class", false, false},
                                                   {"weight", "weight of a row", false, false},
                                                   {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {{{"id", "identity of a row", false, false}}};

}  // namespace

std::span<const std::string_view> choices_of(Map) { return map_names; }
std::span<const std::string_view> choices_of(Target) { return target_names; }
bool of_softmax(Map map) { return map >= Map::temperature && map <= Map::dirichlet; }

void describe(Fields& f, Params& p) {
  f({"method", "map of the class probabilities; auto: the simplest of identity, temperature, bias_temperature, vector and dirichlet within one standard error of the best cross-validated log loss"}, p.method);
  f({"target", "calibrate every class, or the confidence of the predicted one (maps of one class only)"}, p.target);
  f({"logits", "the scores are logits"}, p.logits);
  f({"percent", "the scores are per cents"}, p.percent);
  f({"classes", "the classes of the probability columns, in their order; empty: from the column names"}, p.classes);
  f({"prefix", "stripped from the names of the probability columns, if all have it, to get the classes"}, p.prefix);
  f({"missing", "rows with a missing score, label or weight: refuse them, or drop and count them"}, p.missing);
  f({"interp", "isotonic: lines between block centres, between block edges, or steps"}, p.map.interpolation);
  f({"smooth_ends", "isotonic: half an outcome of each kind more in the end blocks"}, p.map.smooth_ends);
  f({"bins", "histogram: cells of equal mass", within(1, 10000)}, p.map.bins);
  f({"merge", "venn_abers: minimax for log loss or for the Brier score"}, p.map.merge);
  f({"off_diagonal", "dirichlet: penalty on the mean square of off-diagonal factors", at_least(0)}, p.off_diagonal);
  f({"offset", "dirichlet: penalty on the mean square of offsets", at_least(0)}, p.offset);
  f({"eps", "probabilities below this are taken as this before logarithms", between(0, 0.01)}, p.eps);
  f({"fingerprint", "sketch the rows, so that later double use is seen"}, p.fingerprint);
}

Result<void> check(const Params& p) {
  if (p.logits && p.percent) return Error(ErrorCode::bad_parameter, "scores are either logits or per cents", "Leave out --logits or --percent.").in_parameter("percent");
  if (p.target == Target::top_label && (of_softmax(p.method) || p.method == Map::identity))
    return Error(ErrorCode::bad_parameter, "a map of all classes together has no top label of its own", "Take platt, beta, isotonic, histogram, bbq, venn_abers or auto with --target top_label.").in_parameter("target");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with class probabilities and labels, which the model has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows that model has learned from: their double use is refused", learned_roles}, in.learned);
}
void describe(Fields& f, Columns& c) {
  f({"probability", "class probabilities"}, c.probability);
  f({"target", "label"}, c.target);
  f({"weight", "weight"}, c.weight);
  f({"id", "identity"}, c.id);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns by role"}, m.columns);
  f({"classes", "classes in the order of the columns"}, m.classes);
  f({"chosen", "kind of map"}, m.chosen);
  f({"softmax", "map of all classes together"}, m.softmax);
  f({"one_vs_rest", "maps of single classes"}, m.one_vs_rest);
  f({"tried", "maps compared by cross-validation"}, m.tried);
  f({"tried_loss", "mean log loss of each"}, m.tried_loss);
  f({"tried_error", "standard error of its distance to the best"}, m.tried_error);
  f({"n", "rows", at_least(0)}, m.n);
  f({"dropped", "rows left out", at_least(0)}, m.dropped);
  f({"clipped", "probabilities clipped to [0, 1]", at_least(0)}, m.clipped);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}

Result<void> sound(const Model& m) {
  const Error bad(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  if (m.classes.size() < 2 || m.columns.probability.size() != m.classes.size() || m.chosen == Map::automatic) return bad;
  if (of_softmax(m.chosen) != m.softmax.has_value()) return bad;
  if (m.softmax) {
    PLIMSOLL_CHECK(learn::check(*m.softmax));
    if (m.softmax->classes != static_cast<std::int64_t>(m.classes.size())) return bad;
  }
  const bool single = m.softmax.has_value() || m.chosen == Map::identity;
  const std::size_t maps = single ? 0 : m.params.target == Target::top_label ? 1 : m.classes.size();
  if (m.one_vs_rest.size() != maps) return bad;
  for (const learn::Calibrator& map : m.one_vs_rest) PLIMSOLL_CHECK(learn::check(map));
  return {};
}

void describe(Fields& f, Options& o) { f({"keep", "columns of the input to keep beside the answer"}, o.keep); }
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with class probabilities", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "calibrated.CLASS, one column a class; for top_label: label and confidence"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the calibrated model", {}, "calibrate.multiclass"}, in.model);
  f(PortInfo{"data", "new rows with class probabilities and labels", assess_roles}, in.data);
}

extern constinit const Method entry;
constinit const Method entry = method("calibrate.multiclass")
                                   .fit<&fit>(Law::B)
                                   .apply<&apply>(Rows::independent)
                                   .certify<&certify>()
                                   .assess<&assess>()
                                   .prove<&prove>()
                                   .example<&example>()
                                   .check<&check>();

}  // namespace plimsoll::calibrate::multiclass
