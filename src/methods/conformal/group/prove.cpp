// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, and rows whose truth is known. Given how many rows fall into each category, coverage within a
// category of continuous scores is BetaBinomial(N; k, n + 1 - k) with the category's own n (Marques 2023). Two designs in turn:
//   groups:  a quiet group of 59 rows and a noisy one (four times the noise) of 140, 40 new rows of each;
//   classes: three classes of 39, 59 and 99 rows whose probabilities are drawn given the label, 30 new rows of each.
// The counts of the categories are independent; each category's sum must lie in its own exact band. One quantile for all rows, the
// spoiled form, covers the quiet group nearly always and the noisy one far too seldom.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/group/group.h"
#include "stats/count_law.h"

namespace plimsoll::conformal::group {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::array<const char*, 2> group_names = {"noisy", "quiet"};
constexpr std::array<std::int64_t, 2> group_sizes = {140, 59};
constexpr std::array<std::int64_t, 3> class_sizes = {39, 59, 99};

// Rows in blocks of their group or class.
Result<Table> number_rows(Stream& stream, std::array<std::int64_t, 2> sizes) {
  std::vector<double> y, prediction;
  std::vector<std::string> group;
  for (std::size_t g = 0; g < 2; ++g)
    for (std::int64_t i = 0; i < sizes[g]; ++i) {
      const double x = stream.normal();
      const double noise = stream.normal() * (g == 0 ? 4.0 : 1.0);
      prediction.push_back(x);
      y.push_back(x + noise);
      group.emplace_back(group_names[g]);
    }
  TableBuilder builder;
  builder.real("y", std::move(y)).real("prediction", std::move(prediction)).text("group", std::move(group));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}, {"group", {"group"}}});
}

Result<Table> class_rows(Stream& stream, std::array<std::int64_t, 3> sizes) {
  std::array<std::vector<double>, 3> p;
  std::vector<std::int64_t> y;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::int64_t i = 0; i < sizes[c]; ++i) {
      std::array<double, 3> mass{};
      double sum = 0;
      for (std::size_t j = 0; j < 3; ++j) {
        mass[j] = std::exp(stream.normal() + (j == c ? 0.5 + static_cast<double>(c) : 0.0));
        sum += mass[j];
      }
      for (std::size_t j = 0; j < 3; ++j) p[j].push_back(mass[j] / sum);
      y.push_back(static_cast<std::int64_t>(c));
    }
  TableBuilder builder;
  builder.integer("y", std::move(y));
  for (std::size_t j = 0; j < 3; ++j) builder.real("p_" + std::to_string(j), std::move(p[j]));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"probability", {"p_0", "p_1", "p_2"}}});
}

struct Category {
  std::string name;
  std::int64_t n = 0;
  std::int64_t rows = 0;      // new rows a redraw
  std::int64_t covered = 0;
  stats::CountInterval band{};
  bool passed() const { return band.contains(covered); }
};

Result<Category> category(std::string name, std::int64_t n, std::int64_t rows, std::int64_t redraws) {
  Category one{std::move(name), n, rows, 0, {}};
  PLIMSOLL_TRY(const stats::CountLaw law, stats::CountLaw::covered(n, learn::conformal_rank_of(n, 0.1), rows));
  one.band = law.times(redraws).band(false_alarm / 5 / 2);
  return one;
}

// One calibration of each design; adds the covered rows of each category.
Result<void> redraw(Context& context, const Subject& subject, std::span<Category> groups, std::span<Category> classes) {
  Stream rows = context.rng.child("rows");
  Params params;
  params.allow_empty = true;
  const auto count = [&](const Table& calibration, const Table& fresh, std::span<Category> categories) -> Result<void> {
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{calibration, std::nullopt}, params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{fresh}, Options{})));
    PLIMSOLL_TRY(const std::vector<char> holds, learn::holds_truth(fresh, outputs.rows));
    std::size_t at = 0;
    for (Category& one : categories)
      for (std::int64_t i = 0; i < one.rows; ++i) one.covered += holds[at++];
    return {};
  };
  PLIMSOLL_TRY(const Table calibration, number_rows(rows, group_sizes));
  PLIMSOLL_TRY(const Table fresh, number_rows(rows, {40, 40}));
  PLIMSOLL_CHECK(count(calibration, fresh, groups));
  params.by = By::label;
  PLIMSOLL_TRY(const Table labelled, class_rows(rows, class_sizes));
  PLIMSOLL_TRY(const Table unseen, class_rows(rows, {30, 30, 30}));
  return count(labelled, unseen, classes);
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 1000 : options.size == ProveSize::normal ? 6000 : 40000;
  std::vector<Category> all;
  for (std::size_t g = 0; g < 2; ++g) {
    PLIMSOLL_TRY(all.emplace_back(), category(group_names[g], group_sizes[g], 40, redraws));
  }
  for (std::size_t c = 0; c < 3; ++c) {
    PLIMSOLL_TRY(all.emplace_back(), category("class_" + std::to_string(c), class_sizes[c], 30, redraws));
  }
  for (std::int64_t i = 0; i < redraws; ++i) {
    PLIMSOLL_CHECK(context.stop.check());
    Context one = learn::redraw_context(context, context.rng.child(static_cast<std::uint64_t>(i)));
    PLIMSOLL_CHECK(redraw(one, subject, std::span<Category>(all).first(2), std::span<Category>(all).subspan(2)));
  }
  Evidence evidence;
  evidence.passed = true;
  const Category* shown = &all.front();
  for (const Category& one : all) {
    if (evidence.passed && !one.passed()) shown = &one;
    evidence.passed = evidence.passed && one.passed();
    const auto rows = static_cast<double>(one.rows * redraws);
    evidence.figures["coverage_" + one.name] = static_cast<double>(one.covered) / rows;
    evidence.figures["band_low_" + one.name] = static_cast<double>(one.band.lo) / rows;
    evidence.figures["band_high_" + one.name] = static_cast<double>(one.band.hi) / rows;
  }
  const auto rows = static_cast<double>(shown->rows * redraws);
  evidence.claim = "Each category covers k/(n+1) of its new rows, with its own n";
  evidence.level = static_cast<double>(learn::conformal_rank_of(shown->n, 0.1)) / static_cast<double>(shown->n + 1);
  evidence.observed = static_cast<double>(shown->covered) / rows;
  evidence.low = static_cast<double>(shown->band.lo) / rows;
  evidence.high = static_cast<double>(shown->band.hi) / rows;
  evidence.trials = redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "one threshold for all categories";
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const auto table = [&](std::uint64_t part) -> Result<Table> {
    Stream stream = Stream(seed).child("conformal.group example").child(part);
    PLIMSOLL_TRY(const Table plain, learn::dirichlet_rows(stream, rows, part == 0 ? "c" : "n"));
    std::vector<std::string> groups;
    for (std::int64_t i = 0; i < rows; ++i) groups.emplace_back(group_names[stream.below(2)]);
    PLIMSOLL_TRY(const Table beside, std::move(TableBuilder().text("group", std::move(groups))).build());
    PLIMSOLL_TRY(const Table both, plain.with_roles({}).beside(beside));
    Roles roles = plain.roles();
    roles["group"] = {"group"};
    return both.with_roles(std::move(roles));
  };
  PLIMSOLL_TRY(const Table data, table(verb == Verb::fit ? 0 : 1));
  if (verb == Verb::fit) return Example::of(Inputs{data, std::nullopt}, Params{});
  if (verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.group has no example for this verb", "Ask for fit or apply.").in_parameter("verb");
  Roles roles = data.roles();
  roles.erase("target");
  return Example::of(ApplyInputs{data.with_roles(std::move(roles))}, Options{});
}

}  // namespace plimsoll::conformal::group
