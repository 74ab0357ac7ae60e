// SPDX-License-Identifier: Apache-2.0
// Applications with a known law: age (some missing), income (a special code), use of credit, region, employment, a flag, and one
// column that says nothing.

#include <array>
#include <limits>

#include "engine/artifact.h"
#include "learn/logistic.h"
#include "methods/credit/scorecard/scorecard.h"

namespace plimsoll::credit::scorecard {
namespace {

constexpr std::array<const char*, 4> regions = {"east", "north", "south", "west"};
constexpr std::array<double, 4> region_effect = {0.5, 0.0, -0.4, 0.1};

Result<Table> applications(Stream stream, std::int64_t rows) {
  const auto n = static_cast<std::size_t>(rows);
  std::vector<std::string> id(n);
  std::vector<double> age(n), income(n), usage(n), noise(n);
  std::vector<std::int32_t> region(n);
  std::vector<bool> owner(n);
  std::vector<std::int64_t> bad(n);
  for (std::size_t i = 0; i < n; ++i) {
    Stream row = stream.child(i);
    id[i] = "a" + std::to_string(i);
    const double years = row.beta(1.6, 2.2);
    age[i] = static_cast<double>(static_cast<std::int64_t>(19 + 50 * years));
    const double wealth = row.normal();
    income[i] = static_cast<double>(static_cast<std::int64_t>(100 * (20 + 6 * wealth)));
    usage[i] = row.uniform();
    region[i] = static_cast<std::int32_t>(row.below(4));
    owner[i] = row.bernoulli(0.4);
    noise[i] = row.normal();
    const double logit = 0.1 - 0.05 * (age[i] - 40) - 0.7 * wealth + 1.5 * (usage[i] - 0.5) + region_effect[static_cast<std::size_t>(region[i])] - (owner[i] ? 0.5 : 0.0);
    bad[i] = row.bernoulli(learn::sigmoid(logit)) ? 1 : 0;
    if (row.bernoulli(0.1)) age[i] = std::numeric_limits<double>::quiet_NaN();
    if (row.bernoulli(0.12)) income[i] = -9999;
  }
  return std::move(TableBuilder()
                       .text("id", std::move(id))
                       .real_or_null("age", std::move(age))
                       .real("income", std::move(income))
                       .real("usage", std::move(usage))
                       .category("region", std::move(region), {regions.begin(), regions.end()})
                       .boolean("owner", std::move(owner))
                       .real("noise", std::move(noise))
                       .integer("bad", std::move(bad)))
      .build();
}

Params example_params() {
  Params params;
  params.special = {{"income", "-9999"}};
  params.permutations = 19;
  params.prebins = 16;
  return params;
}

}  // namespace

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const Stream root = Stream(seed).child("credit.scorecard example");
  PLIMSOLL_TRY(const Table past, applications(root.child("past"), rows));
  PLIMSOLL_TRY(const Table next, applications(root.child("next"), rows));
  const Roles labelled = {{"target", {"bad"}}, {"id", {"id"}}};
  switch (verb) {
    case Verb::fit: return Example::of(Inputs{past.with_roles(labelled)}, example_params());
    case Verb::apply: return Example::of(Cases{next.without({"bad"}).with_roles({{"id", {"id"}}})}, Options{});
    case Verb::report: return Example::of(ReportInputs{next.with_roles(labelled)});
    case Verb::assess: {
      PLIMSOLL_TRY(Model model, fit(context, Inputs{past.with_roles(labelled)}, example_params()));
      PLIMSOLL_TRY(Certificate certificate, certify(model));
      Artifact::Provenance provenance;
      provenance.method = "credit.scorecard";
      provenance.engine = std::string(engine_version());
      provenance.seed = context.rng.seed();
      provenance.parameters = "{}";
      AssessInputs inputs;
      inputs.data = next.with_roles(labelled);
      inputs.model = std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model)));
      AssessParams params;
      params.draws = 499;
      return Example::of(std::move(inputs), params);
    }
    default: return Error(ErrorCode::wrong_kind, "credit.scorecard has no example for this verb", "Ask for fit, apply, report or assess.").in_parameter("verb");
  }
}

}  // namespace plimsoll::credit::scorecard
