// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/held_out.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "learn/row_uses.h"
#include "methods/risk/classifier/labels.h"
#include "table/split.h"

namespace plimsoll::risk::classifier {
namespace {

std::int64_t rank_total(const Model& model) {
  std::int64_t n = 0;
  for (const Rank& rank : model.ranks) n += rank.n;
  return n;
}

Result<Setting> setting_of(const Model& model, const Table& table, std::string source) {
  Setting setting;
  setting.source = std::move(source);
  setting.target = model.target;
  setting.classes = model.classes;
  setting.positive = model.positive;
  setting.alpha = model.alpha;
  setting.cost = model.rule.cost;
  PLIMSOLL_TRY(std::vector<std::string> names, table.role_columns("group"));
  if (names.empty())
    for (const std::string& name : model.groups)
      if (table.has(name)) names.push_back(name);
  for (const std::string& name : names) {
    PLIMSOLL_TRY(Categories groups, table.categories(name));
    setting.groups.push_back({name, std::move(groups.codes), std::move(groups.names)});
  }
  return setting;
}

struct SetFacts {
  std::vector<std::int32_t> size;
  std::vector<std::uint8_t> covered;
};

SetFacts facts_of(const Sets& sets, std::span<const std::int32_t> labels) {
  SetFacts facts;
  facts.size.resize(labels.size());
  facts.covered.resize(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    facts.size[i] = sets.size(i);
    facts.covered[i] = labels[i] >= 0 && sets.holds(i, labels[i]) ? 1 : 0;
  }
  return facts;
}

struct Count {
  std::int64_t tested = 0;
  std::int64_t covered = 0;
  double sizes = 0;
  void add(const SetFacts& facts, std::size_t i) {
    ++tested;
    covered += facts.covered[i];
    sizes += facts.size[i];
  }
  double mean_size() const { return tested > 0 ? sizes / static_cast<double>(tested) : 0; }
};

// The rank that speaks for the rows of a count, or none (n = 0): a marginal promise is silent about single classes.
Rank speaking_rank(const std::vector<Rank>& ranks, bool by_class, std::int64_t class_index) {
  if (by_class) return class_index >= 0 ? ranks[static_cast<std::size_t>(class_index)] : Rank{};
  return class_index < 0 ? ranks[0] : Rank{};
}

// All rows first, then each class.
Result<std::vector<Coverage>> coverages(const Model& model, const std::vector<Rank>& ranks, const SetFacts& facts, std::span<const std::int32_t> labels) {
  const std::size_t classes = model.classes.size();
  std::vector<Count> counts(classes + 1);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    counts[0].add(facts, i);
    if (labels[i] >= 0) counts[static_cast<std::size_t>(labels[i]) + 1].add(facts, i);
  }
  std::vector<Coverage> out;
  for (std::size_t c = 0; c <= classes; ++c) {
    if (c > 0 && classes > 50) break;
    const Rank rank = speaking_rank(ranks, model.label_conditional, static_cast<std::int64_t>(c) - 1);
    const std::string name = c == 0 ? "all rows" : model.target + " = " + model.classes[c - 1];
    PLIMSOLL_TRY(Coverage row, learn::coverage_of(name, counts[c].covered, counts[c].tested, rank.k, rank.n));
    row.mean_size = counts[c].mean_size();
    out.push_back(std::move(row));
  }
  return out;
}

void warn_of_coverage(const Model& model, Diagnostics& d) {
  for (const Coverage& c : d.coverage) {
    if (c.tested == 0) continue;
    const double share = static_cast<double>(c.covered) / static_cast<double>(c.tested);
    if (share < c.band_low)
      d.remarks.push_back({2, "coverage of " + c.name, "the sets hold the true class more rarely than the promise allows",
                           "these rows are not like the conformal rows: look for a change of population, time or definition, and fit again"});
    else if (share > c.band_high)
      d.remarks.push_back({1, "coverage of " + c.name, "the sets hold the true class more often than expected: they may be larger than need be", "many equal scores or filled empty sets do this; a change of population does too"});
  }
  if (!model.label_conditional && d.coverage.size() > 1)
    for (std::size_t c = 1; c < d.coverage.size(); ++c) {
      const Coverage& row = d.coverage[c];
      if (row.tested >= 30 && static_cast<double>(row.covered) < (1.0 - 2.0 * d.alpha) * static_cast<double>(row.tested))
        d.remarks.push_back({1, "coverage of " + row.name, "only " + std::to_string(100 * row.covered / row.tested) + " % of these rows have their class in the set: the promise is an average over all rows", "set label_conditional to hold it within each class"});
    }
}

Predicted view_of(const Probabilities& p, const SetFacts& facts, std::span<const std::uint8_t> decisions, std::span<const std::int32_t> labels) {
  Predicted predicted;
  predicted.probability = p.probability;
  predicted.lower = p.lower;
  predicted.upper = p.upper;
  predicted.set_size = facts.size;
  predicted.covered = facts.covered;
  predicted.decision = decisions;
  predicted.labels = labels;
  return predicted;
}

// Each random half of the conformal rows ranks the sets that the other half tests.
Result<SetFacts> cross_tested(const Model& model, const Probabilities& held, std::span<const std::int32_t> labels, const std::vector<std::vector<std::int64_t>>& halves,
                              std::vector<Rank>& smallest) {
  SetFacts facts;
  facts.size.resize(labels.size());
  facts.covered.resize(labels.size());
  const std::vector<double> scores = label_scores(model.score, held.probability, labels);
  for (int side = 0; side < 2; ++side) {
    const auto& ranking = halves[static_cast<std::size_t>(side)];
    const auto& tested = halves[static_cast<std::size_t>(1 - side)];
    std::vector<double> thresholds;
    for (std::size_t r = 0; r < model.ranks.size(); ++r) {
      std::vector<double> own;
      for (const std::int64_t i : ranking)
        if (!model.label_conditional || labels[static_cast<std::size_t>(i)] == static_cast<std::int32_t>(r)) own.push_back(scores[static_cast<std::size_t>(i)]);
      PLIMSOLL_TRY(const Rank rank, learn::rank_of(std::move(own), model.alpha));
      thresholds.push_back(rank.threshold);
      if (side == 0) smallest.push_back(rank);
    }
    Columns part(held.probability.size());
    std::vector<std::int32_t> part_labels;
    for (const std::int64_t i : tested) {
      for (std::size_t k = 0; k < part.size(); ++k) part[k].push_back(held.probability[k][static_cast<std::size_t>(i)]);
      part_labels.push_back(labels[static_cast<std::size_t>(i)]);
    }
    PLIMSOLL_TRY(const Sets sets, sets_at(model, part, thresholds));
    const SetFacts now = facts_of(sets, part_labels);
    for (std::size_t i = 0; i < tested.size(); ++i) {
      facts.size[static_cast<std::size_t>(tested[i])] = now.size[i];
      facts.covered[static_cast<std::size_t>(tested[i])] = now.covered[i];
    }
  }
  return facts;
}

Error no_rows() { return Error(ErrorCode::too_few_rows, "the table has no rows to report on", "Give at least one labelled row"); }

struct Labelled {
  const Probabilities& p;
  SetFacts facts;
  std::span<const std::uint8_t> decisions;
  std::span<const std::int32_t> labels;
};

Result<Diagnostics> diagnose_labelled(Context& context, const Model& model, const Table& table, const Labelled& rows, const std::vector<Remark>& remarks) {
  PLIMSOLL_TRY(const Setting setting, setting_of(model, table, remarks.empty() ? "labelled rows that the model did not learn from" : "labelled rows, some of which fit had used"));
  PLIMSOLL_TRY(Diagnostics d, diagnose(context, setting, view_of(rows.p, rows.facts, rows.decisions, rows.labels)));
  d.remarks.insert(d.remarks.begin(), remarks.begin(), remarks.end());
  PLIMSOLL_TRY(d.coverage, coverages(model, model.ranks, rows.facts, rows.labels));
  d.coverage_note = "The band holds the share of 999 in 1,000 fits: BetaBinomial, from " + std::to_string(rank_total(model)) + " conformal rows.";
  warn_of_coverage(model, d);
  return d;
}

}  // namespace

Result<Diagnostics> diagnose_test(Context& context, const Model& model, const Table& labelled) {
  std::int64_t unseen = 0;
  PLIMSOLL_TRY(const Labels labels, read_labels(labelled, model.classes, unseen));
  if (labelled.rows() == 0) return no_rows();
  PLIMSOLL_TRY(const std::vector<Remark> remarks, learn::seen_before(context, model.learning_fingerprint, model.calibration_fingerprint, labelled));
  PLIMSOLL_TRY(const Columns scores, learner_scores(context, model, labelled, std::nullopt));
  const Probabilities p = calibrated(model, scores);
  const std::vector<double> thresholds = thresholds_of(model);
  PLIMSOLL_TRY(const Sets sets, sets_at(model, p.probability, thresholds));
  const std::vector<std::uint8_t> decisions = decisions_of(model, p, sets);
  return diagnose_labelled(context, model, labelled, {p, facts_of(sets, labels.codes), decisions, labels.codes}, remarks);
}

Result<Diagnostics> diagnose_scored(Context& context, const Model& model, const Table& scored) {
  std::int64_t unseen = 0;
  PLIMSOLL_TRY(const Labels labels, read_labels(scored, model.classes, unseen));
  if (scored.rows() == 0) return no_rows();
  std::vector<Remark> remarks;
  PLIMSOLL_TRY(const std::vector<std::string> ids, scored.role_columns("id"));
  if (!ids.empty()) {
    PLIMSOLL_TRY(remarks, learn::seen_before(context, model.learning_fingerprint, model.calibration_fingerprint, scored));
  }
  PLIMSOLL_TRY(Scored read, read_scored(model, scored, labels.codes));
  return diagnose_labelled(context, model, scored, {read.p, {std::move(read.size), std::move(read.covered)}, read.decisions, labels.codes}, remarks);
}

Result<Diagnostics> diagnose_conformal(Context& context, const Model& model, const Table& table, std::span<const std::int64_t> rows, const Probabilities& held, std::span<const std::int32_t> labels) {
  if (rows.empty()) return Diagnostics{};
  const std::array<double, 2> shares{0.5, 0.5};
  PLIMSOLL_TRY(const auto halves, split_rows(std::ssize(labels), shares, context.rng.child("risk.classifier").child("coverage check")));
  std::vector<Rank> ranks;
  PLIMSOLL_TRY(const SetFacts facts, cross_tested(model, held, labels, halves, ranks));
  const std::vector<double> thresholds = thresholds_of(model);
  PLIMSOLL_TRY(const Sets sets, sets_at(model, held.probability, thresholds));
  const std::vector<std::uint8_t> decisions = decisions_of(model, held, sets);
  PLIMSOLL_TRY(std::vector<std::string> group_columns, table.role_columns("group"));
  PLIMSOLL_TRY(Table groups, table.select(group_columns));
  if (!group_columns.empty()) groups = groups.take(rows);
  PLIMSOLL_TRY(const Setting setting, setting_of(model, groups, "the rows kept from learning and from probability calibration"));
  PLIMSOLL_TRY(Diagnostics d, diagnose(context, setting, view_of(held, facts, decisions, labels)));
  PLIMSOLL_TRY(d.coverage, coverages(model, ranks, facts, labels));
  // Two halves test each other: their counts are not independent, so no exact band holds for the sum.
  for (Coverage& c : d.coverage) {
    c.band_low = 0;
    c.band_high = 1;
  }
  std::vector<std::int32_t> first_labels;
  SetFacts first;
  for (const std::int64_t i : halves[1]) {
    first_labels.push_back(labels[static_cast<std::size_t>(i)]);
    first.size.push_back(facts.size[static_cast<std::size_t>(i)]);
    first.covered.push_back(facts.covered[static_cast<std::size_t>(i)]);
  }
  PLIMSOLL_TRY(const std::vector<Coverage> banded, coverages(model, ranks, first, first_labels));
  for (const Coverage& c : banded)
    if (c.band_low > 0 || c.band_high < 1) {
      d.coverage.push_back(c);
      d.coverage.back().name += ", one half";
    }
  d.coverage_note = "On its own conformal rows a set covers as many as its rank says, which shows nothing. So each random half of them gives the rank that the other half tests; "
                    "the band (BetaBinomial, 999 in 1,000) is exact for one half. Sizes are those of the halves' sets. A test table shows the model's own sets.";
  warn_of_coverage(model, d);
  return d;
}

bool is_scored(const Model& model, const Table& table) {
  if (!table.has("lower") || !table.has("upper") || !table.has("set") || !table.has("decision")) return false;
  if (model.binary()) return table.has("probability");
  return std::all_of(model.classes.begin(), model.classes.end(), [&](const std::string& name) { return table.has("probability." + name); });
}

}  // namespace plimsoll::risk::classifier
