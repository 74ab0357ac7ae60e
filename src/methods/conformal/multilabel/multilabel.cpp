// SPDX-License-Identifier: Apache-2.0
// Label-powerset inductive conformal prediction: A. Maltoudoglou, A. Paisios, L. Lenc, J. Martinek, P. Kral, H. Papadopoulos,
// "Well-calibrated confidence measures for multi-label text classification with a large number of labels", Pattern Recognition 122
// (2022), arXiv 2312.09304. Each label-set y is a class with score A(y; o) = |y - o| for the probabilities o of the labels;
//   p(y) = (#{i : a_i >= A(y)} + 1) / (q + 1),   G = {y : p(y) > alpha} = {y : A(y) <= a_(k)},  k = ceil((q + 1)(1 - alpha)).
// The paper bounds how many labels can differ from y0 = 1{o >= 1/2} and scores the label-sets that are left. Here the members of G are
// walked directly, since A is a least cost plus a cost of each label that differs (measure.cpp, stats/flip_sets.h): the same G, and
// nothing outside it is touched. Own: nll, counts of sets too many to list, families and rules; the Mahalanobis measure and the
// penalties are those of the later MuLaConf of two of the authors, whose penalties are added to the norm, here to its square.

#include "methods/conformal/multilabel/multilabel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace plimsoll::conformal::multilabel {
namespace {

constexpr std::array<std::string_view, 4> measure_names = {"euclidean", "power", "nll", "mahalanobis"};
constexpr std::array<std::string_view, 4> restrict_names = {"none", "seen_in_training", "cardinality", "rules"};
constexpr std::array<std::string_view, 3> overflow_names = {"summary", "count", "error"};
constexpr std::array<std::string_view, 3> keep_names = {"id", "all", "none"};

constexpr std::array<RoleInfo, 6> fit_roles = {{{"label", "1 where the row has the label, else 0: a column a label", true, true},
                                                {"probability", "probability of each label, from a model that has not learned from these rows", false, true},
                                                {"feature", "what to learn the labels from, if no probabilities are given", false, true},
                                                {"text", "texts to learn the labels from, by their words", false, true},
                                                {"group", "category of a row: each has a calibration of its own (Mondrian)", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 5> training_roles = {{{"label", "labels, matched by name", false, true}, {"probability", "probabilities, matched by name", false, true}, {"feature", "features, matched by name", false, true}, {"text", "texts, matched by name", false, true}, {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 2> apply_roles = {{{"probability", "probabilities, matched by name", false, true}, {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 4> assess_roles = {{{"label", "labels, matched by name", false, true}, {"probability", "probabilities, matched by name", false, true}, {"reference", "probabilities by a classifier of all rows, to compare with, in the order of the labels", false, true}, {"id", "identity of a row", false, false}}};

std::string word(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.12g", value);
  return text.data();
}
Error bad(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::bad_parameter, what, mend).in_parameter(parameter); }

}  // namespace

std::span<const std::string_view> choices_of(Measure) { return measure_names; }
std::span<const std::string_view> choices_of(Restrict) { return restrict_names; }
std::span<const std::string_view> choices_of(Overflow) { return overflow_names; }
std::span<const std::string_view> choices_of(Keep) { return keep_names; }

void describe(Fields& f, Params& p) {
  f({"alpha", "chance that the true label-set is left out; several give several sets", between(0, 1)}, p.alpha);
  f({"measure", "how far a label-set is from the probabilities"}, p.measure);
  f({"power", "exponent d of the measure power, sum |y - o|^d", above(0)}, p.power);
  f({"restrict", "which label-sets can be in an answer; the share of true ones outside is lost from the promise"}, p.restrict_to);
  f({"most_labels", "cardinality: labels of a set at most", at_least(0)}, p.most_labels);
  f({"exclusive", "rules: labels of which a set has one at most, as a,b,c"}, p.exclusive);
  f({"implies", "rules: a,b where no set has a without b"}, p.implies);
  f({"hamming_weight", "penalty on the share of labels apart from the nearest label-set of training", at_least(0)}, p.hamming_weight);
  f({"cardinality_weight", "penalty on numbers of labels that are rare in training", at_least(0)}, p.cardinality_weight);
  f({"force_non_empty", "answer the most conforming label-set where none conforms"}, p.force_non_empty);
  f({"smoothing", "break ties of p-values by one draw a row"}, p.smoothing);
  f({"l2", "penalty of the classifier learned inside", above(0)}, p.l2);
  f({"standardize", "scale numeric features before learning"}, p.standardize);
  f({"tfidf", "how the words of texts are weighed"}, p.tfidf);
  f({"calibration_share", "share of the rows kept from learning, where no training rows are given", between(0, 1)}, p.calibration_share);
  f({"accuracy_cost", "learn a second classifier from all rows, to say what holding some back costs"}, p.accuracy_cost);
  f({"prefix", "what columns of probabilities begin with before the label's name"}, p.prefix);
}

Result<void> check(const Params& p) {
  if (p.alpha.empty()) return bad("'alpha' is empty", "Give a level, such as 0.1.", "alpha");
  for (const double alpha : p.alpha)
    if (!(alpha > 0 && alpha < 1)) return bad("a level lies outside (0, 1)", "Give levels such as 0.1.", "alpha");
  if (p.restrict_to == Restrict::rules && p.exclusive.empty() && p.implies.empty()) return bad("there are no rules", "Give --exclusive or --implies.", "restrict");
  if (p.restrict_to != Restrict::rules && (!p.exclusive.empty() || !p.implies.empty())) return bad("rules are given, but the family is not theirs", "Add --restrict rules.", "restrict");
  if (p.restrict_to == Restrict::cardinality && p.most_labels == 0) return bad("no label-set but the empty one is left", "Give --most-labels.", "most_labels");
  if (p.hamming_weight > 1e6 || p.cardinality_weight > 1e6 || p.power > 1e3) return bad("a weight is too large to count with", "Give weights up to 1e6 and powers up to 1000.", "hamming_weight");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "labelled rows that certify; with features and no training rows, a part of them teaches", fit_roles}, in.data);
  f(PortInfo{"training", "rows that teach: the classifier, the family of label-sets seen, the errors of mahalanobis", training_roles}, in.training);
}
void describe(Fields& f, Columns& c) {
  f({"label", "labels"}, c.label);
  f({"probability", "probabilities in the order of the labels"}, c.probability);
  f({"feature", "features"}, c.feature);
  f({"text", "texts"}, c.text);
  f({"group", "group"}, c.group);
  f({"id", "identity"}, c.id);
}
void describe(Fields& f, Sample& s) {
  f({"group", "name of the group"}, s.group);
  f.tensor({"scores", "of the true label-sets, sorted, in units of 2^-36"}, s.scores);
}
void describe(Fields& f, Words& w) { f({"tfidf", "terms and their weights"}, w.tfidf); }
void describe(Fields& f, Classifier& c) {
  f({"encoder", "columns as numbers"}, c.encoder);
  f({"words", "words of texts"}, c.words);
  f({"model", "a logistic regression a label"}, c.model);
}
void describe(Fields& f, Shape& s) {
  f.tensor({"order", "labels as the factor takes them"}, s.shape.order);
  f.tensor({"factor", "of the covariance of errors"}, s.shape.factor);
  f({"largest", "no eigenvalue is above this"}, s.shape.largest);
}
void describe(Fields& f, Rule& r) {
  f({"implies", "the first label is not without the second"}, r.implies);
  f({"labels", "places of the labels"}, r.labels);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f({"samples", "calibration of each group"}, m.samples);
  f({"n", "calibration rows", at_least(0)}, m.n);
  f({"classifier", "learned from the training rows"}, m.classifier);
  f({"whole", "learned from all rows, for comparison"}, m.whole);
  f({"shape", "of the errors, for mahalanobis"}, m.shape);
  f({"rules", "rules as places of labels"}, m.rules);
  f.tensor({"seen", "distinct label-sets of training"}, m.seen);
  f.tensor({"sizes", "share of label-sets by number of labels"}, m.sizes);
  f.tensor({"bonferroni", "thresholds of the labels by themselves, alphas x labels"}, m.bonferroni);
  f({"training_rows", "rows that taught", at_least(0)}, m.training_rows);
  f({"clamped", "probabilities moved off 0 or 1", at_least(0)}, m.clamped);
  f({"overlap_remark", "what the fingerprints said"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the calibration rows"}, m.fingerprint);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "new rows", apply_roles}, in.data); }
void describe(Fields& f, Options& o) {
  f({"max_sets", "label-sets listed a row, the most conforming first; 0: none", within(0, 100'000'000)}, o.max_sets);
  f({"on_overflow", "what to say of sets too many to list: labels one by one, a certified count, or an error"}, o.on_overflow);
  f({"cells", "grid of a count: more cells, a closer bracket", within(1, 10'000'000)}, o.cells);
  f({"exact_labels", "up to so many undecided labels a count is exact; memory doubles with every second one", within(0, 50)}, o.exact_labels);
  f({"most_work", "label-sets looked at a row, where a family, a penalty or mahalanobis leaves some out", at_least(1)}, o.most_work);
  f({"keep", "columns to keep beside the answer"}, o.keep);
}
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"rows", "of each row the labels certainly in and out, the undecided ones, the most conforming label-set, how many conform"}, out.rows);
  f(PortInfo{"sets", "the label-sets of each row with their p-values, the most conforming first"}, out.sets);
}
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the model", {}, "conformal.multilabel"}, in.model);
  f(PortInfo{"data", "new rows with their labels", assess_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) {
  f({"confidence", "of the intervals", between(0, 1)}, p.confidence);
  f({"max_sets", "label-sets listed a row before they are counted", within(0, 1'000'000)}, p.max_sets);
  f({"cells", "grid of a count", within(1, 10'000'000)}, p.cells);
  f({"most_work", "label-sets looked at a row", at_least(1)}, p.most_work);
}

Result<void> sound(const Model& model) {
  const std::size_t labels = model.columns.label.size();
  const std::size_t words = stats::words_of(labels);
  const auto good = [](const Sample& s) { return !s.scores.empty() && std::is_sorted(s.scores.begin(), s.scores.end()) && s.scores.front() >= 0; };
  bool all = labels > 0 && !model.samples.empty() && std::all_of(model.samples.begin(), model.samples.end(), good) && model.bonferroni.size() == labels * model.params.alpha.size();
  all = all && model.seen.size() % words == 0 && (model.columns.probability.empty() ? model.classifier.has_value() : model.columns.probability.size() == labels);
  if (model.params.hamming_weight > 0 || model.params.restrict_to == Restrict::seen_in_training) all = all && !model.seen.empty();
  if (model.params.measure == Measure::mahalanobis) all = all && model.shape && model.shape->shape.width() == labels && stats::sound(model.shape->shape);
  if (model.classifier) all = all && model.classifier->model.intercepts.size() == labels && learn::check(model.classifier->model) && (!model.classifier->encoder || learn::check(*model.classifier->encoder)) && (!model.classifier->words || text::check(model.classifier->words->tfidf)) && model.classifier->model.width == model.classifier->width();
  if (model.whole) all = all && model.classifier && model.whole->intercepts.size() == labels && learn::check(*model.whole) && model.whole->width == model.classifier->model.width;
  for (const Rule& rule : model.rules) {
    all = all && rule.labels.size() >= 2;
    for (const std::int64_t label : rule.labels) all = all && label >= 0 && label < static_cast<std::int64_t>(labels);
  }
  for (const double share : model.sizes) all = all && share >= 0 && share <= 1;
  if (!all) return Error(ErrorCode::corrupt_file, "the parts of the model do not fit together", "Fit the model again.");
  return check(model.params);
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  const double alpha = *std::min_element(model.params.alpha.begin(), model.params.alpha.end());
  Certificate certificate;
  certificate.template_id = "label_sets.joint";
  std::string levels;
  for (const double level : model.params.alpha) levels += (levels.empty() ? "" : ", ") + word(1 - level);
  certificate.promise = "The whole label-set of a new row, all " + std::to_string(model.columns.label.size()) + " labels together, is among its label-sets with probability at least " + levels + (model.params.alpha.size() > 1 ? " (a set for each level)" : "") + ", over the drawing of the calibration rows and the new one together.";
  certificate.values = {{"alpha", alpha}, {"labels", static_cast<double>(model.columns.label.size())}, {"n", static_cast<double>(model.n)}};
  certificate.level = 1 - alpha;
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {"calibration rows and new ones are exchangeable" + std::string(model.columns.group.empty() ? "" : " within a group"), "the probabilities come from a model that has learned from none of them", "measure, family and level were fixed before looking at these rows"};
  if (model.params.restrict_to != Restrict::none) certificate.remarks.push_back("Only label-sets of the family '" + std::string(restrict_names[static_cast<std::size_t>(model.params.restrict_to)]) + "' are answered: the share of true label-sets outside it comes off the promise.");
  certificate.remarks.push_back("The promise is about the set itself. A list cut at max_sets holds its most conforming members, not all of them.");
  for (const Sample& sample : model.samples) {
    const Budget budget = budget_of(&sample, alpha, false, 0);
    if (!budget.all) continue;
    certificate.vacuous = true;
    certificate.remarks.push_back("With " + std::to_string(sample.scores.size()) + " calibration rows" + (sample.group.empty() ? std::string() : " in the group '" + sample.group + "'") + " the smallest alpha keeps every label-set.");
  }
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  certificate.falsified_by = "plimsoll prove conformal.multilabel";
  return certificate;
}

namespace {
bool draws(const Model& model, const Options&) { return model.params.smoothing; }
}  // namespace

extern constinit const Method entry = method("conformal.multilabel")
                                          .fit<&fit>(Law::B)
                                          .apply<&apply>(Rows::independent)
                                          .certify<&certify>()
                                          .assess<&assess>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>()
                                          .draws_in_apply<&draws>();

}  // namespace plimsoll::conformal::multilabel
