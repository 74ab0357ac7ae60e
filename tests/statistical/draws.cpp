// SPDX-License-Identifier: Apache-2.0
#include "tests/statistical/draws.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace plimsoll::promises {
namespace {

// A table column by column, rows drawn one by one.
class Columns {
 public:
  std::vector<double>& operator[](const std::string& name) {
    if (!places_.contains(name)) {
      places_[name] = numbers_.size();
      numbers_.push_back({name, {}});
    }
    return numbers_[places_[name]].second;
  }
  void text(const std::string& name, std::vector<std::string> values) { texts_.push_back({name, std::move(values)}); }
  Result<Table> build() {
    TableBuilder builder;
    for (auto& [name, values] : numbers_) builder.real(name, std::move(values));
    for (auto& [name, values] : texts_) builder.text(name, std::move(values));
    return builder.build();
  }

 private:
  std::map<std::string, std::size_t> places_;
  std::vector<std::pair<std::string, std::vector<double>>> numbers_;
  std::vector<std::pair<std::string, std::vector<std::string>>> texts_;
};

// A number with its prediction, spread and quantiles; the noise grows with x. `shifted` rows have larger x, by a known tilt.
Columns numbers(Stream stream, std::int64_t rows, bool shifted) {
  Columns columns;
  std::vector<std::string> group;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double u = stream.uniform();
    // Density proportional to exp(2 x) on [0, 1] where shifted; uniform elsewhere.
    const double x = shifted ? std::log1p(u * std::expm1(2.0)) / 2 : u;
    const double noise = stream.normal();
    const double sigma = 0.5 + x;
    const double prediction = 3 + 4 * x;
    columns["feature.x"].push_back(x);
    columns["prediction"].push_back(prediction);
    columns["sigma"].push_back(0.8 * sigma);
    columns["lower"].push_back(prediction - sigma);
    columns["upper"].push_back(prediction + 1.2 * sigma);
    columns["median"].push_back(prediction + 0.1 * sigma);
    columns["target"].push_back(prediction + sigma * noise);
    columns["weight"].push_back(std::exp(2 * x));
    columns["score"].push_back(std::fabs(noise));
    group.push_back(x < 0.5 ? "low" : "high");
  }
  columns.text("group", std::move(group));
  return columns;
}

// Five classes with true probabilities softmax(z), forecast too surely.
Columns classes(Stream stream, std::int64_t rows) {
  Columns columns;
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  std::vector<std::string> target, group;
  for (std::int64_t i = 0; i < rows; ++i) {
    double z[5], truth[5], said[5], sum = 0, total = 0;
    for (int k = 0; k < 5; ++k) {
      z[k] = 1.5 * stream.normal();
      truth[k] = std::exp(z[k]);
      said[k] = std::exp(1.5 * z[k]);
      sum += truth[k];
      total += said[k];
    }
    double u = stream.uniform() * sum;
    std::size_t y = 0;
    while (y < 4 && u >= truth[y]) u -= truth[y++];
    for (std::size_t k = 0; k < 5; ++k) columns["probability." + names[k]].push_back(said[k] / total);
    target.push_back(names[y]);
    group.push_back(stream.bernoulli(0.5) ? "left" : "right");
  }
  columns.text("target", std::move(target));
  columns.text("group", std::move(group));
  return columns;
}

// Labels that hang together in a group of `pixels` rows (the pixels of a picture); 0: in each row by itself, and two groups by how many.
Columns tags(Stream stream, std::int64_t rows, std::size_t labels, std::int64_t pixels) {
  Columns columns;
  std::vector<std::string> group, id;
  double shared = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    if (pixels == 0 || i % pixels == 0) shared = stream.uniform();
    for (std::size_t j = 0; j < labels; ++j) {
      const double own = stream.uniform();
      const double p = 0.5 * shared * shared + 0.5 * own;
      const double seen = stream.uniform();
      columns["probability." + std::to_string(j)].push_back(0.8 * p + 0.2 * seen);
      columns["label." + std::to_string(j)].push_back(stream.bernoulli(p) ? 1 : 0);
    }
    group.push_back(pixels == 0 ? (shared < 0.5 ? "left" : "right") : "g" + std::to_string(i / pixels));
    id.push_back("r" + std::to_string(i));
  }
  columns.text("group", std::move(group));
  columns.text("id", std::move(id));
  return columns;
}

// Losses that fall along lambda, between 0 and 1.
Columns losses(Stream stream, std::int64_t rows) {
  Columns columns;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double need = stream.uniform();
    for (int j = 0; j <= 20; ++j) {
      const double lambda = j / 20.0;
      columns["loss.miss@" + std::to_string(lambda)].push_back(lambda >= need ? 0 : std::min(1.0, 2 * (need - lambda)));
    }
  }
  return columns;
}

// Candidates: a prediction of an outcome of which half are duds (at most 0).
Columns candidates(Stream stream, std::int64_t rows, bool noise) {
  Columns columns;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double y = stream.normal();
    const double other = stream.normal();
    columns["target"].push_back(y);
    columns["prediction"].push_back(noise ? other : y + 0.5 * other);
  }
  return columns;
}

// Strange rows have large outcomes; a usual row, labelled and new, is a dud by definition (at most 1e9), so its p-value is uniform.
Columns usual(Stream stream, std::int64_t rows) {
  Columns columns;
  for (std::int64_t i = 0; i < rows; ++i) {
    columns["prediction"].push_back(stream.normal());
    columns["target"].push_back(0);
    columns["score"].push_back(stream.normal());
  }
  return columns;
}

// A stream whose spread jumps in the middle.
Columns stream_rows(Stream stream, std::int64_t rows) {
  Columns columns;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double noise = stream.normal();
    columns["prediction"].push_back(0);
    columns["target"].push_back(noise * (2 * i >= rows ? 2 : 1));
    columns["order"].push_back(static_cast<double>(i));
  }
  return columns;
}

Result<double> missed_intervals(const Table& fresh, const Table& answer) {
  PLIMSOLL_TRY(const Reals y, fresh.reals("target"));
  PLIMSOLL_TRY(const Reals lower, answer.reals("lower", Missing::as_nan));
  PLIMSOLL_TRY(const Reals upper, answer.reals("upper", Missing::as_nan));
  double missed = 0;
  for (std::size_t i = 0; i < y.size(); ++i) missed += lower[i] <= y[i] && y[i] <= upper[i] ? 0 : 1;
  return missed / static_cast<double>(y.size());
}

Result<double> missed_classes(const Table& fresh, const Table& answer) {
  PLIMSOLL_TRY(const std::vector<std::string> y, fresh.texts("target"));
  PLIMSOLL_TRY(const auto sets, answer.text_lists("set"));
  double missed = 0;
  for (std::size_t i = 0; i < y.size(); ++i) missed += std::find_if(sets[i].begin(), sets[i].end(), [&](const std::string& name) { return name == y[i] || name.ends_with("." + y[i]); }) == sets[i].end() ? 1 : 0;
  return missed / static_cast<double>(y.size());
}

// Rows x labels, names of the labels that are true.
Result<std::vector<std::set<std::string>>> true_labels(const Table& fresh) {
  std::vector<std::set<std::string>> truth(static_cast<std::size_t>(fresh.rows()));
  for (const ColumnInfo& column : fresh.columns()) {
    if (!column.name.starts_with("label.")) continue;
    PLIMSOLL_TRY(const Reals y, fresh.reals(column.name));
    for (std::size_t i = 0; i < y.size(); ++i)
      if (y[i] == 1) truth[i].insert(column.name.substr(6));
  }
  return truth;
}
std::set<std::string> bare(const std::vector<std::string>& names) {
  std::set<std::string> all;
  for (const std::string& name : names) all.insert(name.substr(name.rfind('.') + 1));
  return all;
}

Result<double> missed_label_sets(const Table& fresh, const Table& sets) {
  PLIMSOLL_TRY(const std::vector<std::string> keys, sets.texts(sets.has("id") ? "id" : "row"));
  PLIMSOLL_TRY(const auto listed, sets.text_lists("labels"));
  PLIMSOLL_TRY(std::vector<std::string> ids, fresh.texts("id"));
  for (std::size_t i = 0; i < ids.size() && !sets.has("id"); ++i) ids[i] = std::to_string(i);
  PLIMSOLL_TRY(const auto truth, true_labels(fresh));
  double missed = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    bool found = false;
    for (; at < keys.size() && keys[at] == ids[i]; ++at) found = found || bare(listed[at]) == truth[i];
    missed += found ? 0 : 1;
  }
  return missed / static_cast<double>(ids.size());
}

// The mean over groups (or rows) of the share of true labels that are missed.
Result<double> missed_labels(const Table& fresh, const Table& answer, bool grouped) {
  PLIMSOLL_TRY(const auto sets, answer.text_lists("set"));
  PLIMSOLL_TRY(const auto truth, true_labels(fresh));
  PLIMSOLL_TRY(const std::vector<std::string> groups, fresh.texts(grouped ? "group" : "id"));
  std::map<std::string, std::pair<double, double>> units;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::set<std::string> held = bare(sets[i]);
    auto& [missed, all] = units[groups[i]];
    for (const std::string& label : truth[i]) {
      all += 1;
      missed += held.contains(label) ? 0 : 1;
    }
  }
  double sum = 0;
  for (const auto& [name, unit] : units) sum += unit.second > 0 ? unit.first / unit.second : 0;
  return sum / static_cast<double>(units.size());
}

Result<double> false_picks(const Table& fresh, const Table& answer, double bar) {
  PLIMSOLL_TRY(const Reals y, fresh.reals("target"));
  PLIMSOLL_TRY(const Reals selected, answer.reals("selected"));
  double wrong = 0, picked = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    picked += selected[i];
    wrong += selected[i] != 0 && y[i] <= bar ? 1 : 0;
  }
  return wrong / std::max(1.0, picked);
}

Result<double> mean_of(const Table& answer, const std::string& column) {
  PLIMSOLL_TRY(const Reals values, answer.reals(column));
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// A bound on the batch's outcomes: their median, mean or how many of their intervals hold.
Result<double> broken_batch(const Json& cell, const Table& fresh, const Reply& reply) {
  const Table& batches = std::get<Table>(reply.outputs.at("batches"));
  PLIMSOLL_TRY(const Reals y, fresh.reals("target"));
  PLIMSOLL_TRY(const Reals prediction, fresh.reals("prediction"));
  PLIMSOLL_TRY(const Reals lower, batches.reals("lower", Missing::as_nan));
  PLIMSOLL_TRY(const Reals upper, batches.reals("upper", Missing::as_nan));
  std::vector<double> score;
  const std::string of = cell.at("counts").get<std::string>();
  double sum = 0, wide = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    score.push_back(y[i]);
    sum += y[i];
    wide += std::fabs(y[i] - prediction[i]) > upper[0] ? 1 : 0;
  }
  const auto n = static_cast<double>(y.size());
  if (of == "batch_mean") return lower[0] <= sum / n && sum / n <= upper[0] ? 0 : 1;
  if (of == "batch_coverage") return wide <= cell.at("delta").get<double>() * n + 1e-9 ? 0 : 1;
  std::sort(score.begin(), score.end());
  const std::size_t middle = score.size() / 2;
  return lower[0] <= score[middle - 1] && score[middle] <= upper[0] ? 0 : 1;
}

// Beyond the promised share by more than the new rows can explain: chance below exp(-2 n slack^2) if the promise is kept.
double over(const Json& cell, double share) {
  if (!cell.contains("risk")) return share;
  return share > cell.at("risk").get<double>() + cell.at("slack").get<double>() ? 1 : 0;
}

}  // namespace

Result<Drawn> draw(const std::string& generator, const Stream& stream, std::int64_t rows) {
  Columns columns;
  if (generator == "numbers" || generator == "shifted") columns = numbers(stream, rows, generator == "shifted");
  else if (generator == "classes") columns = classes(stream, rows);
  else if (generator == "tags") columns = tags(stream, rows, 5, 1);
  else if (generator == "tags_by_half") columns = tags(stream, rows, 5, 0);
  else if (generator == "pictures") columns = tags(stream, rows, 1, 16);
  else if (generator == "losses") columns = losses(stream, rows);
  else if (generator == "candidates") columns = candidates(stream, rows, false);
  else if (generator == "noise") columns = candidates(stream, rows, true);
  else if (generator == "usual") columns = usual(stream, rows);
  else if (generator == "stream") columns = stream_rows(stream, rows);
  else return Error(ErrorCode::unknown_name, "no generator is called '" + generator + "'", "See tests/statistical/draws.cpp.");
  PLIMSOLL_TRY(Table table, columns.build());
  return Drawn{std::move(table)};
}

Result<double> judge(const Json& cell, const Drawn& fresh, const Reply& reply) {
  const std::string counts = cell.at("counts").get<std::string>();
  if (counts.starts_with("batch_")) return broken_batch(cell, fresh.table, reply);
  const Table& answer = std::get<Table>(reply.outputs.at(counts == "label_sets" ? "sets" : "rows"));
  Result<double> share = 0.0;
  if (counts == "intervals") share = missed_intervals(fresh.table, answer);
  else if (counts == "classes") share = missed_classes(fresh.table, answer);
  else if (counts == "label_sets") share = missed_label_sets(fresh.table, answer);
  else if (counts == "labels" || counts == "pictures") share = missed_labels(fresh.table, answer, counts == "pictures");
  else if (counts == "false_picks") share = false_picks(fresh.table, answer, cell.value("bar", 0.0));
  else if (counts == "losses") share = mean_of(answer, "loss");
  else if (counts == "covered") {
    PLIMSOLL_TRY(const double held, mean_of(answer, "covered"));
    return std::fabs(1 - held - cell.at("long_run").get<double>()) > cell.at("within").get<double>() ? 1 : 0;
  } else if (counts == "alarm") {
    PLIMSOLL_TRY(const double alarms, mean_of(answer, "alarm"));
    return alarms > 0 ? 1 : 0;
  } else if (counts == "p_values") {
    PLIMSOLL_TRY(const Reals p, answer.reals("p_value"));
    double small = 0;
    for (const double one : p) small += one <= cell.at("promise").get<double>() ? 1 : 0;
    share = small / static_cast<double>(p.size());
  } else {
    return Error(ErrorCode::unknown_name, "nothing is counted as '" + counts + "'", "See tests/statistical/draws.cpp.");
  }
  if (!share) return share;
  return over(cell, share.value());
}

}  // namespace plimsoll::promises
