// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/diagnostics.h"

namespace plimsoll::risk::classifier {

void describe(Fields& f, Interval& interval) {
  f({"defined", "false: the rows do not determine it"}, interval.defined);
  f({"value", "estimate", any_real()}, interval.value);
  f({"low", "lower end of the 95 % interval", any_real()}, interval.low);
  f({"high", "upper end", any_real()}, interval.high);
}

void describe(Fields& f, Curve& curve) {
  f.tensor({"x", "abscissa"}, curve.x);
  f.tensor({"y", "ordinate"}, curve.y);
  f.tensor({"low", "lower edge of the band"}, curve.low);
  f.tensor({"high", "upper edge of the band"}, curve.high);
}

void describe(Fields& f, ClassRow& row) {
  f({"name", "class"}, row.name);
  f({"rows", "rows of it", at_least(0)}, row.rows);
  f({"mean_probability", "mean probability given to it", within(0, 1)}, row.mean_probability);
  f({"auroc", "against the rest"}, row.auroc);
  f({"act", "rows acted on", at_least(0)}, row.act);
  f({"pass", "rows passed", at_least(0)}, row.pass);
  f({"abstain", "rows left to a person", at_least(0)}, row.abstain);
}

void describe(Fields& f, GroupRow& row) {
  f({"column", "column"}, row.column);
  f({"name", "group"}, row.name);
  f({"rows", "rows of it", at_least(0)}, row.rows);
  f({"mean_probability", "mean probability of the event", within(0, 1)}, row.mean_probability);
  f({"event_rate", "share of events"}, row.event_rate);
  f({"auroc", "within the group"}, row.auroc);
  f({"brier", "Brier score", at_least(0)}, row.brier);
  f({"covered_share", "share of sets with the true class, -1 if untested", within(-1, 1)}, row.covered_share);
  f({"mean_size", "mean number of classes in a set", at_least(0)}, row.mean_size);
  f({"act_share", "share acted on", within(0, 1)}, row.act_share);
  f({"abstain_share", "share left to a person", within(0, 1)}, row.abstain_share);
}

void describe(Fields& f, Diagnostics& d) {
  f({"source", "which rows"}, d.source);
  f({"event", "what the probability speaks of"}, d.event);
  f({"rows", "rows", at_least(0)}, d.rows);
  f({"events", "rows where the event happened", at_least(0)}, d.events);
  f({"unseen_labels", "rows of a class the model does not know", at_least(0)}, d.unseen_labels);
  f({"alpha", "miscoverage promised", within(0, 1)}, d.alpha);
  f({"mean_probability", "mean probability of the event", within(0, 1)}, d.mean_probability);
  f({"auroc", "area under the ROC curve"}, d.auroc);
  f({"auprc", "average precision"}, d.auprc);
  f({"brier", "Brier score", at_least(0)}, d.brier);
  f({"miscalibration", "CORP part of the Brier score"}, d.miscalibration);
  f({"discrimination", "CORP part of the Brier score"}, d.discrimination);
  f({"uncertainty", "CORP part of the Brier score"}, d.uncertainty);
  f({"brier_all_classes", "Brier score summed over classes", at_least(0)}, d.brier_all_classes);
  f({"log_loss", "mean log loss", any_real()}, d.log_loss);
  f({"accuracy", "share of rows whose most probable class is right", within(0, 1)}, d.accuracy);
  f({"ece", "expected calibration error", at_least(0)}, d.ece);
  f({"ece_null", "its mean if the probabilities were exact", at_least(0)}, d.ece_null);
  f({"ece_p_value", "chance of one as large if they were", within(0, 1)}, d.ece_p_value);
  f({"pair_width", "mean width of the Venn-Abers pair", within(0, 1)}, d.pair_width);
  f({"mean_cost", "mean cost of decisions with a price", any_real()}, d.mean_cost);
  f({"priced", "decisions with a price", at_least(0)}, d.priced);
  f({"reliability", "reliability curve with consistency band"}, d.reliability);
  f({"roc", "ROC curve"}, d.roc);
  f({"benefit", "net benefit by threshold"}, d.benefit);
  f({"benefit_all", "net benefit of acting on all"}, d.benefit_all);
  f.tensor({"histogram_edges", "edges of probability bins"}, d.histogram_edges);
  f.tensor({"histogram_events", "events in each bin"}, d.histogram_events);
  f.tensor({"histogram_others", "others in each bin"}, d.histogram_others);
  f({"coverage", "coverage of the sets"}, d.coverage);
  f({"coverage_note", "how coverage was tested"}, d.coverage_note);
  f.tensor({"set_sizes", "rows by size of set"}, d.set_sizes);
  f({"classes", "by class"}, d.classes);
  f({"groups", "by group"}, d.groups);
  f({"remarks", "warnings in plain words"}, d.remarks);
}

}  // namespace plimsoll::risk::classifier
