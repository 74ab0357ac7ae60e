// SPDX-License-Identifier: Apache-2.0
// Two tables of answers: a row each, and the label-sets of all rows one below the other.

#include <algorithm>
#include <array>
#include <cstdio>

#include "methods/conformal/multilabel/multilabel.h"

namespace plimsoll::conformal::multilabel {
namespace {

using ListColumn = std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>;  // offsets, codes

std::string stem(const Params& params, std::string_view name, std::size_t which) {
  if (params.alpha.size() == 1) return std::string(name);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ".%.12g", 1 - params.alpha[which]);
  return std::string(name) + text.data();
}

// Hexadecimal, the first label in the lowest bit.
std::string bits_of(std::span<const std::uint64_t> mask, std::size_t labels) {
  std::string text;
  for (std::size_t nibble = (labels + 3) / 4; nibble-- > 0;) text += "0123456789abcdef"[mask[nibble / 16] >> (4 * (nibble % 16)) & 15];
  return text;
}

void append(ListColumn& list, std::span<const std::uint64_t> mask, std::size_t labels) {
  for (std::size_t j = 0; j < labels; ++j)
    if (has(mask, j)) list.second.push_back(static_cast<std::int32_t>(j));
  list.first.push_back(static_cast<std::int32_t>(list.second.size()));
}

struct LevelLists {
  ListColumn in{{0}, {}}, out{{0}, {}}, undecided{{0}, {}};
  std::vector<double> low, high;
  std::vector<std::int64_t> fewest, most;
  std::vector<bool> exact, empty;
};

// Gathers the answers of rows in their order.
class Tables {
 public:
  explicit Tables(const Model& model) : model_(model), labels_(model.columns.label.size()), levels_(model.params.alpha.size()) {}

  void add(const Answer& answer, const Sample* sample, double u, const std::string& key) {
    append(prediction_, answer.best, labels_);
    credibility_.push_back(answer.credibility);
    confidence_.push_back(answer.confidence);
    complete_.push_back(answer.sets.complete);
    for (std::size_t a = 0; a < levels_.size(); ++a) {
      LevelLists& level = levels_[a];
      level.fewest.push_back(answer.fewest[a]);
      level.most.push_back(answer.most[a]);
      level.low.push_back(answer.low[a]);
      level.high.push_back(answer.high[a]);
      level.exact.push_back(answer.exact[a]);
      level.empty.push_back(answer.high[a] == 0);
      for (std::size_t j = 0; j < answer.state[a].size(); ++j) {
        ListColumn& list = answer.state[a][j] > 0 ? level.in : answer.state[a][j] < 0 ? level.out : level.undecided;
        list.second.push_back(static_cast<std::int32_t>(j));
      }
      for (ListColumn* list : {&level.in, &level.out, &level.undecided}) list->first.push_back(static_cast<std::int32_t>(list->second.size()));
    }
    for (std::size_t i = 0; i < answer.sets.size(); ++i) {
      key_.push_back(key);
      rank_.push_back(static_cast<std::int64_t>(i) + 1);
      append(labels_of_, answer.sets.at(i), labels_);
      bits_.push_back(bits_of(answer.sets.at(i), labels_));
      p_.push_back(p_value(sample, answer.sets.costs[i], model_.params.smoothing, u));
    }
  }

  Result<Table> rows() {
    const auto& names = model_.columns.label;
    TableBuilder builder;
    builder.list_of_text("prediction", std::move(prediction_.first), std::move(prediction_.second), names).real("credibility", std::move(credibility_)).real("confidence", std::move(confidence_));
    for (std::size_t a = 0; a < levels_.size(); ++a) {
      LevelLists& level = levels_[a];
      const auto name = [&](std::string_view text) { return stem(model_.params, text, a); };
      builder.list_of_text(name("certain_in"), std::move(level.in.first), std::move(level.in.second), names)
          .list_of_text(name("undecided"), std::move(level.undecided.first), std::move(level.undecided.second), names)
          .list_of_text(name("certain_out"), std::move(level.out.first), std::move(level.out.second), names)
          .integer(name("fewest_labels"), std::move(level.fewest))
          .integer(name("most_labels"), std::move(level.most))
          .real(name("size_low"), std::move(level.low))
          .real(name("size_high"), std::move(level.high))
          .boolean(name("size_exact"), std::move(level.exact))
          .boolean(name("empty"), std::move(level.empty));
    }
    builder.boolean("complete", std::move(complete_));
    return builder.build();
  }
  Result<Table> sets(const std::string& key) {
    TableBuilder builder;
    builder.text(key, std::move(key_)).integer("place", std::move(rank_)).list_of_text("labels", std::move(labels_of_.first), std::move(labels_of_.second), model_.columns.label).text("bits", std::move(bits_)).real("p_value", std::move(p_));
    return builder.build();
  }

 private:
  const Model& model_;
  std::size_t labels_;
  std::vector<LevelLists> levels_;
  ListColumn prediction_{{0}, {}}, labels_of_{{0}, {}};
  std::vector<double> credibility_, confidence_, p_;
  std::vector<bool> complete_;
  std::vector<std::string> key_, bits_;
  std::vector<std::int64_t> rank_;
};

Result<Table> beside_kept(const Table& data, const std::string& id, Keep keep, Table answer) {
  if (keep == Keep::none || (keep == Keep::id && id.empty())) return answer;
  Table kept = data;
  if (keep == Keep::id) {
    PLIMSOLL_TRY(kept, data.select({id}));
  }
  return kept.with_roles({}).beside(answer);
}

Error too_many(const Options& options, std::int64_t row) {
  return Error(ErrorCode::too_large, "more than " + std::to_string(options.max_sets) + " label-sets conform", "Raise --max-sets, or let --on-overflow count or sum them up.").in_parameter("max_sets").at_row(row);
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(context.stop.check());
  const Table& data = inputs.data;
  PLIMSOLL_TRY(const std::vector<std::string> bound, data.role_columns("id"));
  const std::string id = !bound.empty() ? bound.front() : data.has(model.columns.id) ? model.columns.id : std::string();
  PLIMSOLL_TRY(const std::vector<double> o, probabilities_of(context, model, data));
  PLIMSOLL_TRY(const std::vector<std::string> groups, groups_of(data, model.columns));
  std::vector<std::string> ids;
  if (!id.empty()) {
    PLIMSOLL_TRY(ids, data.texts(id));
  }
  const std::size_t labels = model.columns.label.size();
  Tables tables(model);
  std::int64_t cut = 0, strange = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(data.rows()); ++i) {
    if (i % 64 == 0) PLIMSOLL_CHECK(context.stop.check());
    const Sample* sample = sample_of(model, groups.empty() ? std::string() : groups[i]);
    const double u = model.params.smoothing ? draw_of(context, data, ids, i) : 1;
    PLIMSOLL_TRY(const Answer answer, answer_of(context, model, std::span(o).subspan(i * labels, labels), sample, u, options));
    if (!answer.sets.complete && options.on_overflow == Overflow::error) return too_many(options, data.first_row() + static_cast<std::int64_t>(i));
    cut += answer.sets.complete ? 0 : 1;
    strange += sample ? 0 : 1;
    tables.add(answer, sample, u, ids.empty() ? std::to_string(data.first_row() + static_cast<std::int64_t>(i)) : ids[i]);
  }
  if (cut > 0 && options.max_sets > 0) context.tally("{} rows have more label-sets than max_sets: the most conforming are listed, the promise is about all.", cut);
  if (strange > 0) context.tally("{} rows are of a group that calibration had not: every label-set is in their answer.", strange);
  Outputs outputs;
  PLIMSOLL_TRY(Table rows, tables.rows());
  PLIMSOLL_TRY(outputs.rows, beside_kept(data, id, options.keep, std::move(rows)));
  PLIMSOLL_TRY(outputs.sets, tables.sets(id.empty() ? "row" : id));
  return outputs;
}

}  // namespace plimsoll::conformal::multilabel
