// SPDX-License-Identifier: Apache-2.0
#include "methods/calibrate/multiclass/multiclass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "engine/door.h"
#include "engine/workspace.h"
#include "table/file_format.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::calibrate::multiclass {
namespace {

const SpoiledForm too_hot{"calibrate.multiclass", "a temperature seven per cent too high", [](Subject& subject) {
                            subject.spoil_model([](void* m) {
                              for (double& w : static_cast<Model*>(m)->softmax->weights) w /= 1.07;
                            });
                          }};

Result<Reply> call(Verb verb, std::map<std::string, PortValue> ports, const std::string& parameters = "{}", ArtifactPort model = nullptr) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Call call;
  call.verb = verb;
  call.method = "calibrate.multiclass";
  call.parameters = parameters;
  call.ports = std::move(ports);
  call.model = std::move(model);
  return run(workspace.context(), call);
}

Table rows(std::vector<double> a, std::vector<double> b, std::vector<double> c, std::vector<std::string> y) {
  TableBuilder builder;
  builder.real("p_a", std::move(a)).real("p_b", std::move(b)).real("p_c", std::move(c)).text("y", std::move(y));
  return std::move(builder).build().value().with_roles({{"probability", {"p_a", "p_b", "p_c"}}, {"target", {"y"}}});
}

Table drawn(std::int64_t n, std::uint64_t seed) {
  Workspace workspace;
  auto example = entry.example_(workspace.context(), Verb::fit, seed, n);
  return example.value().inputs.as<Inputs>().data;
}

const Model& model_of(const Reply& reply) { return reply.artifact->model().as<Model>(); }

// The gradient at the fitted map vanishes: for a temperature sum_i (E_p s - s_y) = 0, checked by hand.
TEST(CalibrateMulticlass, TemperatureSolvesItsEquation) {
  const Table table = drawn(2000, 4);
  const auto fit = call(Verb::fit, {{"data", table}}, R"({"method": "temperature"})");
  ASSERT_TRUE(fit.ok()) << fit.error().message();
  const Model& model = model_of(fit.value());
  const auto batch = read_batch(table, model.columns, model.classes, model.params, false);
  ASSERT_TRUE(batch.ok());
  const std::vector<double> p = calibrated(model, batch.value());
  double gradient = 0, bend = 0;
  for (std::size_t i = 0; i < batch.value().size(); ++i) {
    double mean = 0, square = 0;
    for (std::size_t c = 0; c < 4; ++c) {
      const double s = batch.value().scores[i * 4 + c];
      mean += p[i * 4 + c] * s;
      square += p[i * 4 + c] * s * s;
    }
    gradient += mean - batch.value().scores[i * 4 + static_cast<std::size_t>(batch.value().label[i])];
    bend += square - mean * mean;
  }
  EXPECT_NEAR(gradient / 2000, 0, 1e-7);
  EXPECT_NEAR(model.softmax->slope_error, 1 / std::sqrt(bend), 1e-9);
}

// Offsets and slopes of the example's law: scores are (l - shift) / 0.6, so W = 0.6 I and c = shift.
TEST(CalibrateMulticlass, FindsTheTruth) {
  const Table table = drawn(20000, 9);
  for (const char* method : {"bias_temperature", "vector"}) {
    const auto fit = call(Verb::fit, {{"data", table}}, std::string(R"({"method": ")") + method + "\"}");
    ASSERT_TRUE(fit.ok());
    const Model& model = model_of(fit.value());
    EXPECT_TRUE(model.softmax->converged);
    const std::array<double, 4> shift = {0.5, -0.5, 0.2, -0.2};
    for (const double w : model.softmax->weights) EXPECT_NEAR(w, 0.6, 0.05);
    for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(model.softmax->offsets[c], shift[c], 0.15);
  }
  const auto full = call(Verb::fit, {{"data", table}}, R"({"method": "dirichlet"})");
  ASSERT_TRUE(full.ok());
  const learn::SoftmaxMap& map = *model_of(full.value()).softmax;
  EXPECT_TRUE(map.converged);
  EXPECT_LT(map.loss, call(Verb::fit, {{"data", table}}, R"({"method": "temperature"})").value().artifact->model().as<Model>().softmax->loss);
  const auto chosen = call(Verb::fit, {{"data", table}});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(model_of(chosen.value()).chosen, Map::bias_temperature);
}

TEST(CalibrateMulticlass, EveryMapGivesProbabilities) {
  const Table table = drawn(600, 5);
  for (const std::string_view name : choices_of(Map{})) {
    const auto fit = call(Verb::fit, {{"data", table}}, R"({"method": ")" + std::string(name) + "\"}");
    ASSERT_TRUE(fit.ok()) << name << fit.error().message();
    const auto reply = call(Verb::apply, {{"data", table.with_roles({})}}, "{}", fit.value().artifact);
    ASSERT_TRUE(reply.ok()) << name << reply.error().message();
    const Table out = std::get<Table>(reply.value().outputs.at("rows"));
    std::vector<double> sum(600, 0.0);
    for (const char* c : {"a", "b", "c", "d"}) {
      const Reals p = out.reals(std::string("calibrated.") + c).value();
      for (std::size_t i = 0; i < 600; ++i) {
        EXPECT_GE(p[i], 0);
        sum[i] += p[i];
      }
    }
    for (const double s : sum) EXPECT_NEAR(s, 1, 1e-9) << name;
  }
  const auto top = call(Verb::fit, {{"data", table}}, R"({"method": "isotonic", "target": "top_label"})");
  ASSERT_TRUE(top.ok());
  const auto reply = call(Verb::apply, {{"data", table.with_roles({})}}, "{}", top.value().artifact);
  ASSERT_TRUE(reply.ok());
  EXPECT_TRUE(std::get<Table>(reply.value().outputs.at("rows")).has("confidence"));
  EXPECT_EQ(call(Verb::fit, {{"data", table}}, R"({"method": "vector", "target": "top_label"})").error().code, ErrorCode::bad_parameter);
}

TEST(CalibrateMulticlass, ColumnsInAnotherOrderAreTheSame) {
  const Table table = drawn(300, 6);
  const auto fit = call(Verb::fit, {{"data", table}}, R"({"method": "vector"})");
  ASSERT_TRUE(fit.ok());
  const auto plain = call(Verb::apply, {{"data", table.with_roles({})}}, "{}", fit.value().artifact);
  const auto mixed = call(Verb::apply, {{"data", table.with_roles({{"probability", {"p_d", "p_b", "p_a", "p_c"}}})}}, "{}", fit.value().artifact);
  ASSERT_TRUE(plain.ok() && mixed.ok());
  const Reals a = std::get<Table>(plain.value().outputs.at("rows")).reals("calibrated.c").value();
  const Reals b = std::get<Table>(mixed.value().outputs.at("rows")).reals("calibrated.c").value();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i], b[i]);
}

TEST(CalibrateMulticlass, RefusesBadRows) {
  const std::vector<std::string> y = {"a", "b", "c", "a"};
  const auto refused = [](const Table& table, const std::string& parameters = "{}") {
    const auto reply = call(Verb::fit, {{"data", table}}, parameters);
    return reply.ok() ? ErrorCode::internal : reply.error().code;
  };
  EXPECT_EQ(refused(rows({0.5, 0.2, 0.2, 0.9}, {0.3, 0.5, 0.2, 0.05}, {0.2, 0.3, 0.7, 0.05}, y)), ErrorCode::bad_value);  // row 2 sums to 1.1
  EXPECT_EQ(refused(rows({0.5, 0.2, 0.1, 1.9}, {0.3, 0.5, 0.2, 0.05}, {0.2, 0.3, 0.7, 0.05}, y)), ErrorCode::bad_value);
  EXPECT_EQ(refused(rows({0.5, 0.2, 0.1, 0.9}, {0.3, 0.5, 0.2, 0.05}, {0.2, 0.3, 0.7, 0.05}, {"a", "b", "z", "a"})), ErrorCode::bad_value);
  EXPECT_EQ(refused(rows({0.5, 0.2, 0.1, 0.9}, {0.3, 0.5, 0.2, 0.05}, {0.2, 0.3, 0.7, 0.05}, {"a", "b", "b", "a"}), R"({"method": "vector"})"), ErrorCode::one_class);
  EXPECT_EQ(refused(rows({}, {}, {}, {})), ErrorCode::too_few_rows);
  EXPECT_EQ(refused(rows({0.5}, {std::nan("")}, {0.2}, {"a"})), ErrorCode::bad_value);
}

double figure(const Report& report, const std::string& name) {
  for (const auto& [key, value] : report.figures)
    if (key == name) return value;
  ADD_FAILURE() << name;
  return std::nan("");
}

// Published network outputs (CIFAR-10, WideResNet-16-4): fit on rows 0 to 4,999, report on the rest.
// The Dirichlet figure was measured on ln p as it is; with probabilities below 1e-15 taken as that its calibration error is .0084.
TEST(CalibrateMulticlass, PublishedCifarFigures) {
  const std::filesystem::path file = std::filesystem::path(PLIMSOLL_SOURCE_DIR) / "../shared/data/calibration-foundations/cifar10_wideresnet16_4.csv";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  const Table all = read_table(file).value();
  Roles roles = {{"target", {"y"}}};
  for (int c = 0; c < 10; ++c) roles["probability"].push_back("p" + std::to_string(c));
  const Table first = all.slice(0, 5000).with_roles(roles);
  const Table second = all.slice(5000, 5000).with_roles(roles);
  struct Row {
    const char* parameters;
    double fit_loss, loss, ece, accuracy;
  };
  const std::vector<Row> table = {{R"({"method": "temperature", "prefix": "p"})", 0.27856, 0.2704, 0.0069, 0.9112},
                                  {R"({"method": "vector", "prefix": "p"})", 0.24376, 0.2350, 0.0064, 0.923},
                                  {R"({"method": "dirichlet", "prefix": "p", "eps": 1e-300})", 0, 0.2312, 0.0086, 0}};
  for (const Row& row : table) {
    const auto fit = call(Verb::fit, {{"data", first}}, row.parameters);
    ASSERT_TRUE(fit.ok()) << fit.error().message();
    const Model& model = model_of(fit.value());
    const auto reply = call(Verb::assess, {{"data", second}, {"model", fit.value().artifact}}, R"({"bootstrap": 20, "equal_width": true})");
    ASSERT_TRUE(reply.ok()) << reply.error().message();
    const Report& report = *reply.value().report;
    if (model.chosen == Map::temperature) {
      EXPECT_NEAR(1 / model.softmax->weights[0], 2.0592, 5e-5);
      EXPECT_NEAR(figure(report, "as_given_class_log_loss"), 0.3737, 5e-5);
      EXPECT_NEAR(figure(report, "as_given_ece"), 0.0552, 5e-5);
    }
    if (row.fit_loss > 0) {
      EXPECT_NEAR(model.softmax->loss, row.fit_loss, 5e-6) << row.parameters;
    }
    EXPECT_NEAR(figure(report, "calibrated_class_log_loss"), row.loss, 5e-5) << row.parameters;
    EXPECT_NEAR(figure(report, "calibrated_ece"), row.ece, 5e-5) << row.parameters;
    if (row.accuracy > 0) {
      EXPECT_NEAR(figure(report, "calibrated_accuracy"), row.accuracy, 5e-4) << row.parameters;
    }
  }
}

}  // namespace
}  // namespace plimsoll::calibrate::multiclass
