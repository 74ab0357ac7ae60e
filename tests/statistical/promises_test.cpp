// SPDX-License-Identifier: Apache-2.0
// One harness over all cells of docs/conformal_peers.toml: every promise that the page docs/conformal_peers.md makes is put to the test
// through the door. A redraw draws calibration and new rows, fits, applies, and gives one loss in [0, 1]: the share of misses, of wrong
// picks, or whether something happened. Redraws are independent, so a bet against "the expected loss is at most what is promised"
// (stats/risk_bounds.h) wins a factor F with chance at most 1 / F, whatever the law of the loss: a false alarm of 1e-6 over all cells
// together. A cell whose promise is met with equality is bet on from the other side too. `spoiled` parameters are a lie about the
// level: each cell must fail with them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>

#include "base/json.h"
#include "engine/document.h"
#include "engine/door.h"
#include "engine/schema.h"
#include "engine/workspace.h"
#include "stats/order_statistics.h"
#include "stats/risk_bounds.h"
#include "tests/statistical/draws.h"

namespace plimsoll::promises {
namespace {

constexpr double false_alarm = 1e-6;

// A cell of the file: by name, with the row it stands in.
struct Cell {
  std::string name, capability;
  Json json;
};

void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.name; }

std::vector<Cell> cells() {
  std::vector<Cell> all;
  const auto document = read_document(std::string(PLIMSOLL_SOURCE_DIR) + "/docs/conformal_peers.toml");
  if (!document) return all;
  for (const Json& row : document.value().root().at("row"))
    for (const Json& cell : row.value("cell", Json::array())) all.push_back({cell.at("name").get<std::string>(), row.at("capability").get<std::string>(), cell});
  return all;
}

bool known(const std::string& method) {
  return std::any_of(catalogue_lines().begin(), catalogue_lines().end(), [&](const CatalogueLine& line) { return line.id == method; });
}

// Columns of the table that carry a role's name, or begin with it and a dot, as far as the port knows the role and the cell names it.
Table bound(const Table& table, const PortSchema& port, const std::vector<std::string>& wanted) {
  Roles roles;
  for (const RoleSchema& role : port.roles) {
    if (std::find(wanted.begin(), wanted.end(), role.role) == wanted.end()) continue;
    std::vector<std::string> columns;
    for (const ColumnInfo& column : table.columns())
      if (column.name == role.role || column.name.starts_with(role.role + ".")) columns.push_back(column.name);
    if (!columns.empty()) roles[std::string(role.role)] = std::move(columns);
  }
  return table.with_roles(std::move(roles));
}

struct Experiment {
  const Cell& cell;
  const Method& method;
  Json fit_parameters;
  Json apply_parameters;

  std::int64_t number(const char* key, std::int64_t otherwise) const { return cell.json.value(key, otherwise); }

  // Tables for every port that the cell names: { data = "numbers" }.
  Result<std::map<std::string, PortValue>> ports(const Type& inputs, const char* key, std::int64_t rows, const Stream& stream, std::map<std::string, Drawn>* drawn) const {
    std::map<std::string, PortValue> out;
    const Json named = cell.json.value(key, Json{{"data", cell.json.value("draws", "")}});
    const auto wanted = cell.json.at("roles").get<std::vector<std::string>>();
    const std::vector<PortSchema> schemas = schema_of(inputs).ports;
    for (const auto& [name, generator] : named.items()) {
      PLIMSOLL_TRY(Drawn one, draw(generator.get<std::string>(), stream.child(name), rows));
      const auto port = std::find_if(schemas.begin(), schemas.end(), [&, &port_name = name](const PortSchema& schema) { return schema.name == port_name; });
      if (port == schemas.end()) return Error(ErrorCode::bad_parameter, "the method has no port '" + name + "'", "Name a port.");
      out.insert_or_assign(name, bound(one.table, *port, wanted));
      if (drawn) drawn->insert_or_assign(name, std::move(one));
    }
    return out;
  }

  Result<double> loss(Context& context, const Stream& stream) const {
    context.warn = [](std::string) {};
    Call apply;
    apply.verb = Verb::apply;
    apply.method = cell.json.at("method").get<std::string>();
    apply.parameters = canonical_json(apply_parameters);
    if (method.has(Verb::fit)) {
      Call fit;
      fit.verb = Verb::fit;
      fit.method = apply.method;
      fit.parameters = canonical_json(fit_parameters);
      PLIMSOLL_TRY(fit.ports, ports(*method.fit_.inputs, "fit_ports", number("fit_rows", 39), stream.child("fit"), nullptr));
      PLIMSOLL_TRY(Reply fitted, run(context, fit));
      apply.model = fitted.artifact;
    } else {
      apply.parameters = canonical_json(fit_parameters);  // without a fit the parameters are the model
    }
    std::map<std::string, Drawn> drawn;
    PLIMSOLL_TRY(apply.ports, ports(*method.apply_.inputs, "apply_ports", number("new_rows", 20), stream.child("apply"), &drawn));
    PLIMSOLL_TRY(const Reply reply, run(context, apply));
    return judge(cell.json, drawn.at(cell.json.value("judged", "data")), reply);
  }
};

// Betting p-values of "the mean of the losses is at most `level`" and, for exact cells, of "at least".
struct Verdict {
  double mean = 0;
  double above = 1, below = 1;
  double level = 0;
  double tail = 0;
  bool passed() const { return above > tail && below > tail; }
};

Result<Verdict> put_to_the_test(const Cell& cell, bool spoiled, std::size_t count) {
  const auto line = find_method(cell.json.at("method").get<std::string>());
  if (!line) return line.error();
  Experiment experiment{cell, *line.value()->entry, cell.json.value("fit", Json::object()), cell.json.value("apply", Json::object())};
  if (spoiled) {
    experiment.fit_parameters.update(cell.json.value("spoiled", Json::object()));
    experiment.apply_parameters.update(cell.json.value("spoiled_apply", Json::object()));
  }
  const std::int64_t redraws = cell.json.value("redraws", std::int64_t{200});
  Verdict verdict;
  verdict.level = cell.json.at(spoiled && cell.json.contains("spoiled_promise") ? "spoiled_promise" : "promise").get<double>();
  verdict.tail = false_alarm / static_cast<double>(2 * count);
  const Stream root = Stream(17).child("promises").child(cell.name);
  std::vector<double> losses, rest;
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    Workspace workspace({.backend = Backend::serial, .seed = static_cast<std::uint64_t>(redraw) + 1000});
    PLIMSOLL_TRY(const double loss, experiment.loss(workspace.context(), root.child(static_cast<std::uint64_t>(redraw))));
    losses.push_back(loss);
    rest.push_back(1 - loss);
    verdict.mean += loss / static_cast<double>(redraws);
  }
  if (verdict.level > 0) verdict.above = stats::betting_p(rest, 1 - verdict.level, verdict.tail);
  else verdict.above = verdict.mean > 0 ? 0 : 1;  // a promise without chance
  if (cell.json.value("exact", false)) {
    PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(cell.json.value("fit_rows", std::int64_t{39}), verdict.level));
    verdict.below = stats::betting_p(losses, 1 - rank.attained, verdict.tail);
  }
  return verdict;
}

class Promises : public testing::TestWithParam<Cell> {};

TEST_P(Promises, HoldAndTheirSpoiledFormsAreCaught) {
  const std::string method = GetParam().json.at("method").get<std::string>();
  if (!known(method)) GTEST_SKIP() << method << " is not in this catalogue";
  const std::size_t count = cells().size();
  const auto kept = put_to_the_test(GetParam(), false, count);
  ASSERT_TRUE(kept.ok()) << kept.error().message();
  RecordProperty("mean_loss", std::to_string(kept.value().mean));
  std::printf("%-40s promised %.4f, seen %.4f", GetParam().name.c_str(), kept.value().level, kept.value().mean);
  EXPECT_TRUE(kept.value().passed()) << "promised " << kept.value().level << ", seen " << kept.value().mean << " (p " << kept.value().above << ", " << kept.value().below << ")";
  const auto broken = put_to_the_test(GetParam(), true, count);
  ASSERT_TRUE(broken.ok()) << broken.error().message();
  std::printf(", spoiled %.4f\n", broken.value().mean);
  EXPECT_FALSE(broken.value().passed()) << "the spoiled form passes: promised " << broken.value().level << ", seen " << broken.value().mean;
}

std::string test_name(const testing::TestParamInfo<Cell>& info) {
  std::string name = info.param.name;
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Conformal, Promises, testing::ValuesIn(cells()), test_name);

TEST(PromisesPage, EveryCapabilityOfAPeerHasACellOrSaysWhyNot) {
  const auto document = read_document(std::string(PLIMSOLL_SOURCE_DIR) + "/docs/conformal_peers.toml");
  ASSERT_TRUE(document.ok()) << document.error().message();
  for (const Json& row : document.value().root().at("row")) {
    EXPECT_EQ(row.at("peers").size(), document.value().root().at("peers").size()) << row.at("capability");
    EXPECT_TRUE(!row.value("cell", Json::array()).empty() || row.contains("without")) << row.at("capability");
  }
  EXPECT_GT(cells().size(), 20u);
}

}  // namespace
}  // namespace plimsoll::promises
