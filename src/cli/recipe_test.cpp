// SPDX-License-Identifier: Apache-2.0
#include "cli/recipe.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/recipe_state.h"

namespace plimsoll::cli {
namespace {

Recipe recipe_of(const std::string& text, const std::map<std::string, std::string>& variables = {}) {
  const auto document = parse_document(text, "toml", "r.toml");
  EXPECT_TRUE(document);
  auto recipe = read_recipe(*document, variables);
  EXPECT_TRUE(recipe) << recipe.error().message();
  return std::move(recipe).value();
}

const std::string two_steps = R"(seed = 3
[variables]
out = "o"
[[step]]
name = "one"
verb = "fit"
method = "risk.classifier"
inputs = { data = "in.csv" }
roles = { target = "y", group = ["g", "h"] }
parameters = { positive = "${out}!" }
output = "${out}/m.plim"
[[step]]
verb = "apply"
model = "${out}/m.plim"
inputs = { data = { path = "new.csv", read = { header = false, strip_suffix = { a = "." } } } }
output = "s.csv"
)";

TEST(Recipe, ReadsStepsAndVariables) {
  const Recipe recipe = recipe_of(two_steps);
  ASSERT_EQ(recipe.steps.size(), 2u);
  EXPECT_EQ(recipe.seed, 3);
  EXPECT_EQ(recipe.steps[0].output, "o/m.plim");
  EXPECT_EQ(recipe.steps[0].parameters, R"({"positive":"o!"})");
  EXPECT_EQ(recipe.steps[0].roles.at("group").size(), 2u);
  EXPECT_EQ(recipe.steps[1].name, "step-2");
  EXPECT_EQ(recipe.steps[1].inputs.at("data").read.size(), 2u);
  EXPECT_EQ(recipe_of(two_steps, {{"out", "p"}}).steps[0].output, "p/m.plim");
}

class TemporaryFolder {
 public:
  TemporaryFolder() : path(std::filesystem::temp_directory_path() / ("plimsoll-recipe-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  std::filesystem::path path;
};

TEST(RecipeState, KnowsWhatIsDone) {
  const TemporaryFolder folder;
  folder.write("in.csv", "a\n1\n");
  folder.write("s.csv", "result\n");
  RecipeStep step;
  step.name = "one";
  step.verb = Verb::apply;
  step.method = "x.y";
  step.inputs["data"].path = "in.csv";
  step.output = "s.csv";
  const auto state_file = folder.path / "r.toml.state.json";
  RecipeState state = RecipeState::load(state_file);
  const std::string key = key_of(step, folder.path, 1).value();
  EXPECT_FALSE(state.done(step, key, folder.path));
  ASSERT_TRUE(state.record(step, key, folder.path));
  EXPECT_TRUE(RecipeState::load(state_file).done(step, key, folder.path));
  // Each thing that decides the result changes the key.
  EXPECT_NE(key_of(step, folder.path, 2).value(), key);
  RecipeStep other = step;
  other.parameters = R"({"alpha":0.2})";
  EXPECT_NE(key_of(other, folder.path, 1).value(), key);
  other = step;
  other.inputs["data"].roles["target"] = {"a"};
  EXPECT_NE(key_of(other, folder.path, 1).value(), key);
  other = step;
  other.read = {{"null", "?"}};
  EXPECT_NE(key_of(other, folder.path, 1).value(), key);
  folder.write("in.csv", "a\n2\n");
  EXPECT_NE(key_of(step, folder.path, 1).value(), key);
  // An output that is not what the step left is not done.
  folder.write("s.csv", "tampered\n");
  EXPECT_FALSE(state.done(step, key, folder.path));
  // A damaged state is an empty one.
  folder.write("r.toml.state.json", "{\"format\": 1, \"steps\": {\"one\": 3}}");
  EXPECT_FALSE(RecipeState::load(state_file).done(step, key, folder.path));
}

}  // namespace
}  // namespace plimsoll::cli
