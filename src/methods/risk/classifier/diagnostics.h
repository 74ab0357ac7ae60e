// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a report shows of a labelled set of rows, aggregated: its size does not grow with rows, so a model carries the
// diagnostics of its held-out rows and `plimsoll report model.plim` draws without data.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "engine/fields.h"
#include "engine/report.h"
#include "learn/promise.h"

namespace plimsoll::risk::classifier {

using learn::Coverage;
using learn::Importance;
using learn::Remark;

struct Interval {
  bool defined = false;
  double value = 0;
  double low = 0;
  double high = 0;
};
void describe(Fields& f, Interval& interval);

struct Curve {
  std::vector<double> x, y, low, high;  // low and high may be empty
};
void describe(Fields& f, Curve& curve);

struct ClassRow {
  std::string name;
  std::int64_t rows = 0;
  double mean_probability = 0;
  Interval auroc;             // one against the rest
  std::int64_t act = 0;
  std::int64_t pass = 0;
  std::int64_t abstain = 0;
};
void describe(Fields& f, ClassRow& row);

struct GroupRow {
  std::string column;
  std::string name;
  std::int64_t rows = 0;
  double mean_probability = 0;
  Interval event_rate;        // Wilson's interval
  Interval auroc;
  double brier = 0;
  double covered_share = -1;  // -1: sets were not tested
  double mean_size = 0;
  double act_share = 0;
  double abstain_share = 0;
};
void describe(Fields& f, GroupRow& row);

struct Diagnostics {
  std::string source;         // which rows, in plain words; empty: none were diagnosed
  std::string event;          // what the probability speaks of: "default = yes", or "the most probable class is right"
  std::int64_t rows = 0;
  std::int64_t events = 0;
  std::int64_t unseen_labels = 0;
  double alpha = 0;           // what the sets promise is 1 - alpha
  double mean_probability = 0;
  Interval auroc, auprc;
  double brier = 0, miscalibration = 0, discrimination = 0, uncertainty = 0;
  double brier_all_classes = 0;  // sum over classes
  double log_loss = 0;
  double accuracy = 0;
  double ece = 0, ece_null = 0, ece_p_value = 1;
  double pair_width = 0;      // mean width of the Venn-Abers pair
  double mean_cost = 0;       // of the decisions that have a price
  std::int64_t priced = 0;    // how many have one
  Curve reliability, roc, benefit, benefit_all;
  std::vector<double> histogram_edges, histogram_events, histogram_others;
  std::vector<Coverage> coverage;
  std::string coverage_note;
  std::vector<double> set_sizes;  // rows with a set of 0, 1, 2, ... classes
  std::vector<ClassRow> classes;
  std::vector<GroupRow> groups;
  std::vector<Remark> remarks;
};
void describe(Fields& f, Diagnostics& d);

// One row's view of what was predicted, by columns; spans of one length.
struct Predicted {
  std::span<const std::vector<double>> probability;  // one column a class
  std::span<const double> lower, upper;              // may be empty
  std::span<const std::int32_t> set_size;            // may be empty: no sets known
  std::span<const std::uint8_t> covered;             // whether the set held the true class; with set_size
  std::span<const std::uint8_t> decision;            // may be empty
  std::span<const std::int32_t> labels;              // -1: a class that the model does not know
};
struct GroupColumn {
  std::string name;
  std::vector<std::int32_t> codes;
  std::vector<std::string> names;
};
struct Setting {
  std::string source;
  std::string target;
  std::vector<std::string> classes;
  std::int64_t positive = -1;
  double alpha = 0.1;
  std::vector<double> cost;  // 3 x classes
  std::vector<GroupColumn> groups;
};
// Everything but coverage, which depends on how the sets were made.
Result<Diagnostics> diagnose(Context& context, const Setting& setting, const Predicted& predicted);

}  // namespace plimsoll::risk::classifier
