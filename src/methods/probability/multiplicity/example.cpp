// SPDX-License-Identifier: Apache-2.0
// Rows drawn from a logistic model on a few whole numbers and a category, so that rows repeat and all patterns are few.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/artifact.h"
#include "learn/logistic.h"
#include "methods/probability/multiplicity/multiplicity.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr std::array<const char*, 3> places = {"east", "north", "west"};

Result<Table> example_rows(Stream stream, std::int64_t rows, bool labelled) {
  std::vector<std::int64_t> visits;
  std::vector<double> score;
  std::vector<std::string> place;
  std::vector<std::int64_t> happened;
  std::vector<std::string> id;
  for (std::int64_t i = 0; i < rows; ++i) {
    visits.push_back(static_cast<std::int64_t>(stream.below(4)));
    score.push_back(static_cast<double>(stream.below(3)) / 2);
    const auto where = static_cast<std::size_t>(stream.below(3));
    place.emplace_back(places[where]);
    const double risk = learn::sigmoid(-1.5 + 0.8 * static_cast<double>(visits.back()) - score.back() + 0.5 * static_cast<double>(where));
    happened.push_back(stream.bernoulli(risk) ? 1 : 0);
    id.push_back("r" + std::to_string(i));
  }
  TableBuilder builder;
  builder.text("id", std::move(id)).integer("visits", std::move(visits)).real("score", std::move(score)).text("place", std::move(place));
  if (labelled) builder.integer("happened", std::move(happened));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  if (!labelled) return table.with_roles({{"id", {"id"}}});
  return table.with_roles({{"target", {"happened"}}, {"id", {"id"}}});
}

}  // namespace

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const Stream stream = Stream(seed).child("probability.multiplicity");
  if (verb == Verb::apply) {
    PLIMSOLL_TRY(Table table, example_rows(stream.child("new"), rows, false));
    return Example::of(ApplyInputs{std::move(table)}, Options{});
  }
  PLIMSOLL_TRY(Table table, example_rows(stream.child("learning"), rows, true));
  if (verb == Verb::fit) return Example::of(Inputs{std::move(table)}, Params{});
  AssessParams params;
  params.delta = {0.15};
  params.max_rounds = 2;
  return Example::of(AssessInputs{std::move(table), std::nullopt}, std::move(params));
}

}  // namespace plimsoll::probability::multiplicity
